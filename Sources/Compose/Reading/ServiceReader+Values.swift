internal import JSON
internal import YAML

/// Values of YAML as the types that keys want; a wrong one is told with its place.
extension ServiceReader {
    mutating func readSimple(_ rule: KeyRule, _ entries: [Entry]) {
        let last: Entry = entries[entries.count - 1]
        switch rule.form {
        case .text(let member): launch[member] = text(last).map { .string($0) }
        case .integer(let member): launch[member] = integer(last).map { .int($0) }
        case .flag(let member): launch[member] = flag(last).map { .bool($0) }
        case .size(let member): launch[member] = size(last).map { .int($0) }
        case .seconds(let member): launch[member] = seconds(last).map { .int($0) }
        case .words(let member): launch[member] = words(last).map { JSONValue($0) }
        case .list(let member):
            var values: [String] = []
            for (value, _) in entries.flatMap({ texts($0) }) where !values.contains(value) { values.append(value) }
            if !values.isEmpty { launch[member] = JSONValue(values) }
        case .map(let member):
            var map = JSONObject()
            for entry in entries {
                for pair in pairs(entry) { map[pair.key] = .string(pair.value ?? "") }
            }
            if !map.isEmpty { launch[member] = .object(map) }
        case .special, .unsupported: break
        }
    }

    private func wrong(_ entry: Entry, _ node: YAMLNode, _ wanted: String) {
        let name: String = entry.key.text ?? ""
        diagnostics.fail(entry.place(of: node), "'\(name)' must be \(wanted), not \(Self.kind(node))")
    }

    private static func kind(_ node: YAMLNode) -> String {
        switch node.kind {
        case .sequence: "a list"
        case .mapping: "a mapping"
        case .scalar(let text, _, _): node.isNull ? "nothing" : "'\(text)'"
        }
    }

    /// Any scalar, as it was written.
    func text(_ entry: Entry) -> String? {
        guard let text: String = entry.value.string else {
            wrong(entry, entry.value, "text")
            return nil
        }
        return text
    }

    func integer(_ entry: Entry) -> Int64? {
        // Quotes do not matter: `scale: "${SCALE}"` is how people write it.
        guard let text: String = entry.value.string, case .int(let value)? = Self.plain(text).resolved else {
            wrong(entry, entry.value, "a whole number")
            return nil
        }
        return Int64(value)
    }

    private func flag(_ entry: Entry) -> Bool? {
        guard let text: String = entry.value.string, case .bool(let value)? = Self.plain(text).resolved else {
            wrong(entry, entry.value, "true or false")
            return nil
        }
        return value
    }

    func size(_ entry: Entry) -> Int64? {
        guard let text: String = entry.value.string, let bytes: Int64 = Quantity.bytes(text) else {
            wrong(entry, entry.value, "a size such as 64m or 1g")
            return nil
        }
        return bytes
    }

    private func seconds(_ entry: Entry) -> Int64? {
        guard let text: String = entry.value.string, let seconds: Int64 = Quantity.seconds(text) else {
            wrong(entry, entry.value, "a duration such as 10s or 1m30s")
            return nil
        }
        return seconds
    }

    private func words(_ entry: Entry) -> [String]? {
        if entry.value.sequence != nil { return texts(entry).map(\.text) }
        guard let line: String = text(entry) else { return nil }
        do throws(ShellWordsError) {
            return try ShellWords.split(line)
        } catch {
            diagnostics.fail(entry.valuePlace, "'\(entry.key.text ?? "")' \(error.message)")
            return nil
        }
    }

    /// The scalars of a list, or the one scalar that stands for a list of one.
    func texts(_ entry: Entry) -> [(text: String, node: YAMLNode)] {
        if let text: String = entry.value.string { return [(text, entry.value)] }
        guard let elements: [YAMLNode] = entry.value.sequence else {
            wrong(entry, entry.value, "a list")
            return []
        }
        var texts: [(text: String, node: YAMLNode)] = []
        for element in elements {
            if let text: String = element.string {
                texts.append((text, element))
            } else {
                diagnostics.fail(
                    entry.place(of: element),
                    "an element of '\(entry.key.text ?? "")' must be text, not \(Self.kind(element))"
                )
            }
        }
        return texts
    }

    /// The members of a mapping, or of a list of `key=value`; the value is nil where only a key stands.
    func pairs(_ entry: Entry) -> [(key: String, value: String?, node: YAMLNode)] {
        var pairs: [(key: String, value: String?, node: YAMLNode)] = []
        if let members: [(key: YAMLNode, value: YAMLNode)] = entry.value.mapping {
            for member in members {
                let key: String = member.key.text ?? ""
                if member.value.isNull || member.value.text != nil {
                    pairs.append((key, member.value.string, member.key))
                } else {
                    diagnostics.fail(
                        entry.place(of: member.value),
                        "'\(key)' of '\(entry.key.text ?? "")' must be text, not \(Self.kind(member.value))"
                    )
                }
            }
        } else if entry.value.sequence != nil {
            for (text, node) in texts(entry) {
                if let equals: String.Index = text.firstIndex(of: "=") {
                    pairs.append((String(text[..<equals]), String(text[text.index(after: equals)...]), node))
                } else {
                    pairs.append((text, nil, node))
                }
            }
        } else {
            wrong(entry, entry.value, "a mapping or a list of key=value")
        }
        return pairs
    }

    /// Any tree as JSON.
    func json(_ node: YAMLNode) -> JSONValue {
        switch node.kind {
        case .sequence(let elements): return .array(elements.map { json($0) })
        case .mapping(let members):
            var object = JSONObject()
            for member in members { object[member.key.text ?? ""] = json(member.value) }
            return .object(object)
        case .scalar(let text, _, _):
            switch node.resolved {
            case .null, nil: return .null
            case .bool(let value): return .bool(value)
            case .int(let value): return .int(Int64(value))
            // JSON has no infinities.
            case .double(let value): return value.isFinite ? .double(value) : .string(text)
            case .string(let value): return .string(value)
            }
        }
    }

    private static func plain(_ text: String) -> YAMLNode { YAMLNode(.scalar(text, style: .plain, tag: nil)) }
}
