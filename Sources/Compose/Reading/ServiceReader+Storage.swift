internal import JSON

extension ServiceReader {
    mutating func readStorage() {
        var volumes: [String] = []
        var places: [String: Int] = [:]
        for entry in raw.entries(for: "volumes") {
            for (text, node) in texts(entry) {
                guard let volume: String = volume(text, entry, entry.place(of: node)) else { continue }
                // A later file's volume at the same path takes the place of the earlier one.
                let target: String = Self.target(volume)
                if let index: Int = places[target] {
                    volumes[index] = volume
                } else {
                    places[target] = volumes.count
                    volumes.append(volume)
                }
            }
        }
        if !volumes.isEmpty { launch["dataVolumes"] = JSONValue(volumes) }

        var tmpfs = JSONObject()
        for entry in raw.entries(for: "tmpfs") {
            for (text, _) in texts(entry) {
                let parts: [Substring] = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
                tmpfs[String(parts[0])] = .string(parts.count > 1 ? String(parts[1]) : "")
            }
        }
        if !tmpfs.isEmpty { launch["tmpfs"] = .object(tmpfs) }
    }

    /// `[name|path:]path[:mode]`, host paths made absolute.
    private func volume(_ text: String, _ entry: Entry, _ place: SourcePlace) -> String? {
        var parts: [String] = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard (1...3).contains(parts.count), !parts.contains("") else {
            diagnostics.fail(place, "the volume '\(text)' must be [name or host path:]container path[:mode]")
            return nil
        }
        if parts.count == 1 {
            guard parts[0].hasPrefix("/") else {
                diagnostics.fail(place, "the volume '\(text)' must begin with '/': it is a path inside the container")
                return nil
            }
            return text
        }
        guard parts[1].hasPrefix("/") else {
            diagnostics.fail(place, "the volume '\(text)': '\(parts[1])' must begin with '/'")
            return nil
        }
        let source: String = parts[0]
        if source.hasPrefix(".") || source.hasPrefix("~") {
            parts[0] = FilePath.resolve(source, folder: entry.file.folder, home: variables["HOME"])
        } else if !source.hasPrefix("/"), source.contains("/") {
            diagnostics.fail(place, "the volume '\(text)': write './\(source)' for a path, or a name without '/'")
            return nil
        }
        return parts.joined(separator: ":")
    }

    private static func target(_ volume: String) -> String {
        let parts: [Substring] = volume.split(separator: ":")
        return String(parts.count > 1 ? parts[1] : parts[0])
    }
}
