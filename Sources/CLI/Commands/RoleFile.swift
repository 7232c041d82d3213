internal import JSON
internal import YAML

/// Rules and subjects as people write and read them.
enum RoleFile {
    /// The list of rules in a file.
    static func rules(_ file: String, _ invocation: Invocation) throws(CommandFailure) -> JSONValue {
        let path: String = invocation.path(file)
        guard let text: String = TextFile.read(path) else {
            throw CommandFailure(TextFile.exists(path) ? "cannot read \(file) as text" : "there is no file \(file)")
        }
        let node: YAMLNode
        do throws(YAMLError) {
            node = try YAML.parse(text, file: file)
        } catch {
            throw CommandFailure("\(error)")
        }
        // Either the list, or what 'drover role show --output yaml' prints.
        let list: YAMLNode = node["rules"] ?? node
        guard list.sequence != nil else { throw CommandFailure("\(file) is no list of rules") }
        return value(list)
    }

    private static func value(_ node: YAMLNode) -> JSONValue {
        switch node.kind {
        case .sequence(let elements): return .array(elements.map { value($0) })
        case .mapping(let members):
            var object = JSONObject()
            for member in members {
                if case .scalar(let name, _, _) = member.key.kind { object[name] = value(member.value) }
            }
            return .object(object)
        case .scalar(let text, _, _):
            switch node.resolved {
            case .null: return .null
            case .bool(let flag): return .bool(flag)
            case .int(let number): return .int(Int64(number))
            default: return .string(text)
            }
        }
    }

    /// A rule in one line.
    static func words(_ rule: JSONValue) -> String {
        func list(_ name: String) -> String {
            (rule[name]?.array ?? []).compactMap(\.string).joined(separator: ",")
        }
        var text: String = "\(rule["effect"]?.string ?? "allow") \(list("verbs")) on \(list("resourceTypes"))"
        if !list("ids").isEmpty { text += " ids \(list("ids"))" }
        if let selector: String = rule["selector"]?.string { text += " where \(selector)" }
        for name in ["constraints", "fields"] {
            let pairs: [String] = (rule[name]?.object ?? [:]).map { "\($0.0)=\($0.1.string ?? "")" }
            if !pairs.isEmpty { text += " \(name) \(pairs.joined(separator: " "))" }
        }
        return text
    }

    /// Whom a binding names.
    static func subjects(_ binding: JSONObject) -> [String] {
        (binding["subjects"]?.array ?? []).map { subject in
            if let key: String = subject["credentialId"]?.string { return "key:\(key)" }
            let (type, id): (String, String) = (
                subject["externalIdType"]?.string ?? "rancher_id", subject["externalId"]?.string ?? ""
            )
            return type == "rancher_id" ? id : "\(type):\(id)"
        }
    }

    /// The opposite: an `accessSubject`.
    static func subject(_ text: String) -> JSONValue {
        if text.hasPrefix("key:") { return ["credentialId": .string(String(text.dropFirst("key:".count)))] }
        guard let colon: String.Index = text.firstIndex(of: ":") else {
            return ["externalIdType": "rancher_id", "externalId": .string(text)]
        }
        return [
            "externalIdType": .string(String(text[..<colon])),
            "externalId": .string(String(text[text.index(after: colon)...])),
        ]
    }
}
