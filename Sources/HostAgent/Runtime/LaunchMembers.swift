import HostAgentCore
import HostProtocol
import JSON
import Model

/// Reads the members of a launch configuration as the engines need them.
///
/// Numbers may come as text and text as numbers, as clients of the API have always sent them.
struct LaunchMembers {
    let launch: JSONObject

    init(_ spec: InstanceSpec) { launch = spec.launch }

    private func value(_ key: String) -> JSONValue? {
        guard let value: JSONValue = launch[key], !value.isNull else { return nil }
        return value
    }

    func text(_ key: String) -> String? {
        guard let text: String = value(key).flatMap(Self.text), !text.isEmpty else { return nil }
        return text
    }

    func flag(_ key: String) -> Bool? {
        switch value(key) {
        case .bool(let flag): flag
        case .string("true"): true
        case .string("false"): false
        default: nil
        }
    }

    func number(_ key: String) -> Int64? {
        switch value(key) {
        case .int(let number): number
        case .string(let text): Int64(text)
        default: nil
        }
    }

    func texts(_ key: String) -> [String] { value(key)?.array?.compactMap(Self.text) ?? [] }

    func textMap(_ key: String) -> [(key: String, value: String)] {
        var map: [(key: String, value: String)] = []
        for (name, each) in value(key)?.object ?? [:] {
            if let text: String = Self.text(each) { map.append((name, text)) }
        }
        return map
    }

    func objects(_ key: String) -> [JSONObject] { value(key)?.array?.compactMap(\.object) ?? [] }

    func object(_ key: String) -> JSONObject? { value(key)?.object }

    func label(_ key: String) -> String? { launch["labels"]?[key].flatMap(Self.text) }

    /// Whether the member says anything at all.
    func isSet(_ key: String) -> Bool {
        switch value(key) {
        case nil: false
        case .array(let elements)?: !elements.isEmpty
        case .object(let members)?: !members.isEmpty
        case .string(let text)?: !text.isEmpty
        default: true
        }
    }

    /// - Throws: the port that is wrong.
    func ports() throws(OperationFailure) -> [PortSpec] {
        var ports: [PortSpec] = []
        for text in texts("ports") {
            do {
                ports.append(try PortSpec(parsing: text))
            } catch {
                throw OperationFailure(
                    "the port '\(text)' is not of the form [ip:][public:]private[/protocol]: \(error.rawValue)"
                )
            }
        }
        return ports
    }

    /// The image's name as the engine knows it.
    func image() throws(OperationFailure) -> String {
        guard let uuid: String = text("imageUuid") else {
            throw OperationFailure("the instance names no image; its service's imageUuid is empty")
        }
        let prefix: String = "docker:"
        return uuid.hasPrefix(prefix) ? String(uuid.dropFirst(prefix.count)) : uuid
    }

    static func text(_ value: JSONValue) -> String? {
        switch value {
        case .string(let text): text
        case .int(let number): String(number)
        case .bool(let flag): String(flag)
        case .double(let number): number.description
        default: nil
        }
    }
}
