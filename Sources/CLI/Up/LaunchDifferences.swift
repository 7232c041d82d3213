internal import Compose
internal import JSON

/// What keeps a service's launch configuration from being what the files ask for.
enum LaunchDifferences {
    /// One line for each member that differs: `image: nginx:1 → nginx:2`.
    ///
    /// What the server adds by itself is no difference: members that are empty or have their usual value, canonical forms of
    /// ports, and host ports that it drew.
    static func between(stored: JSONObject, wanted: JSONObject) -> [String] {
        var differences: [String] = []
        for member in wanted.keys + stored.keys.filter({ wanted[$0] == nil }) {
            if added.contains(member) && wanted[member] == nil { continue }
            let old: JSONValue = stored[member] ?? .null
            let new: JSONValue = wanted[member] ?? .null
            if isSame(member, old, new) { continue }
            let name: String = member == "imageUuid" ? "image" : member
            differences.append("\(name): \(shown(old, member)) → \(shown(new, member))")
        }
        return differences
    }

    /// Members that only answers have.
    private static let added: Set<String> = ["type", "baseType", "version", "links", "actions"]

    /// What a member that nobody sets means.
    private static let usual: [String: JSONValue] = [
        "kind": "container", "networkMode": "managed", "vcpu": 1, "startOnCreate": true,
        "instanceTriggeredStop": "stop",
    ]

    private static func isSame(_ member: String, _ stored: JSONValue, _ wanted: JSONValue) -> Bool {
        let old: JSONValue = isEmpty(stored) ? usual[member] ?? .null : stored
        let new: JSONValue = isEmpty(wanted) ? usual[member] ?? .null : wanted
        if member == "ports", let old: [JSONValue] = old.array, let new: [JSONValue] = new.array {
            return old.count == new.count
                && zip(old, new).allSatisfy { PortCheck.isSame(stored: $0.string ?? "", wanted: $1.string ?? "") }
        }
        if member == "labels" || member == "metadata" { return withoutHash(old) == withoutHash(new) }
        return isEqual(old, new)
    }

    static func isSameMetadata(stored: JSONValue?, wanted: JSONValue?) -> Bool {
        isSame("metadata", stored ?? .null, wanted ?? .null)
    }

    /// Other clients remember there what they sent.
    private static func withoutHash(_ value: JSONValue) -> JSONValue {
        guard var object: JSONObject = value.object else { return value }
        object["io.rancher.service.hash"] = nil
        return object.isEmpty ? .null : .object(object)
    }

    private static func isEmpty(_ value: JSONValue) -> Bool {
        switch value {
        case .null, .bool(false), .int(0), .string(""): true
        case .array(let values): values.isEmpty
        case .object(let object): object.isEmpty
        case .bool, .int, .double, .string: false
        }
    }

    /// Objects inside answers have a type, and null where nothing was set.
    private static func isEqual(_ stored: JSONValue, _ wanted: JSONValue) -> Bool {
        switch (stored, wanted) {
        case (.array(let old), .array(let new)):
            return old.count == new.count && zip(old, new).allSatisfy { isEqual($0, $1) }
        case (.object(let old), .object(let new)):
            guard new.allSatisfy({ isEqual(old[$0.0] ?? .null, $0.1) }) else { return false }
            return old.allSatisfy { new[$0.0] != nil || $0.0 == "type" || $0.1.isNull }
        default: return stored == wanted
        }
    }

    private static func shown(_ value: JSONValue, _ member: String) -> String {
        switch value {
        case .null: return "nothing"
        case .string(let text):
            return (member == "imageUuid" && text.hasPrefix("docker:") ? String(text.dropFirst(7)) : text).printable
        default: return String(decoding: JSONWriter.bytes(value), as: UTF8.self).printable.cut(to: 120)
        }
    }
}
