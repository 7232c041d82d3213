internal import JSON

extension ServiceReader {
    /// What `env_file` says, and over it what `environment` says.
    ///
    /// A key without a value takes the caller's.
    mutating func readEnvironment(_ readFile: (String) -> String?) {
        var environment = JSONObject()
        for entry in raw.entries(for: "env_file") {
            for (name, node) in texts(entry) {
                let path: String = FilePath.resolve(name, folder: entry.file.folder, home: variables["HOME"])
                guard let text: String = readFile(path) else {
                    diagnostics.fail(entry.place(of: node), "the env_file '\(name)' cannot be read at \(path)")
                    continue
                }
                readLines(text, of: name, into: &environment)
            }
        }
        for entry in raw.entries(for: "environment") {
            for pair in pairs(entry) {
                set(pair.key, pair.value, entry.place(of: pair.node), &environment)
            }
        }
        if !environment.isEmpty { launch["environment"] = .object(environment) }
    }

    private func readLines(_ text: String, of name: String, into environment: inout JSONObject) {
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let line: Substring = line.drop(while: \.isWhitespace)
            if line.isEmpty || line.first == "#" { continue }
            let place = SourcePlace(file: name, line: index + 1, column: 1)
            if let equals: Substring.Index = line.firstIndex(of: "=") {
                let key: Substring = line[..<equals]
                guard !key.isEmpty, !key.contains(where: \.isWhitespace) else {
                    diagnostics.fail(place, "an env_file has lines of KEY=value; this one has no usable key")
                    continue
                }
                set(String(key), String(line[line.index(after: equals)...]), place, &environment)
            } else {
                set(String(line.reversed().drop(while: \.isWhitespace).reversed()), nil, place, &environment)
            }
        }
    }

    private func set(_ key: String, _ value: String?, _ place: SourcePlace, _ environment: inout JSONObject) {
        guard !key.isEmpty else { return diagnostics.fail(place, "an environment variable must have a name") }
        if let value: String = value ?? variables[key] {
            environment[key] = .string(value)
        } else {
            diagnostics.warn(place, "'\(key)' has no value here and is not set in your environment: it is left out")
        }
    }

    mutating func readLabels() {
        var labels = JSONObject()
        for entry in raw.entries(for: "labels") {
            for pair in pairs(entry) {
                labels[pair.key] = .string(pair.value ?? "")
                if pair.key == "io.rancher.service.selector.link" || pair.key == "io.rancher.service.selector.container"
                {
                    diagnostics.warn(
                        entry.place(of: pair.node),
                        "'\(pair.key)' is not supported yet: it stays a label and selects nothing"
                    )
                }
            }
        }
        if !labels.isEmpty { launch["labels"] = .object(labels) }
    }
}
