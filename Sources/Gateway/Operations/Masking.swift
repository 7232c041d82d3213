import JSON
import Limits
import Model

/// Keeps secrets out of the audit log: what is not known to be harmless is not written down.
enum Masking {
    private static let mask: JSONValue = "***"
    /// Parts of names that tell a secret, in any case.
    private static let tellTales: [[UInt8]] = [
        "password", "secret", "token", "credential", "privatekey", "accesskey",
    ].map { Array($0.utf8) }

    /// The members that have a definition, without the values of password fields, of environments and of whatever is
    /// named like a secret.
    ///
    /// Members without a definition stay out: nobody knows what clients put there.
    static func masked(_ body: JSONObject, _ definition: ResourceDefinition?) -> JSONObject {
        var result = JSONObject()
        for (key, value) in body {
            guard let field: FieldDefinition = definition?.field(key) else { continue }
            result.append(key, masked(value, field.type, named: key))
        }
        return result
    }

    private static func masked(_ value: JSONValue, _ type: FieldType, named name: String) -> JSONValue {
        if value.isNull { return value }
        if type == .password || name == "environment" || isTelling(name, type) { return mask }
        switch (value, type) {
        case (.object(let object), .embedded(let schema)): return .object(masked(object, Schemas.definition(schema)))
        case (.array(let elements), .array(let inner)): return .array(elements.map { masked($0, inner, named: name) })
        case (.object(let object), .map(let inner)):
            var result = JSONObject()
            for (key, member) in object { result.append(key, masked(member, inner, named: key)) }
            return .object(result)
        case (.object, _), (.array, _): return mask
        default: return value
        }
    }

    /// References are ids, and no secret whatever they are called.
    private static func isTelling(_ name: String, _ type: FieldType) -> Bool {
        if case .reference = type.innermost { return false }
        return telling[name] ?? isTelling(name)
    }

    /// The names of all fields: most of what is asked for is one of them.
    private static let telling: [String: Bool] = Dictionary(
        Schemas.all.flatMap(\.fields).map { ($0.name, isTelling($0.name)) }
    ) { first, _ in first }

    static func isTelling(_ name: String) -> Bool {
        // As bytes: this is asked of each header of some requests.
        let dots: [UInt8] = [UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_")]
        let plain: [UInt8] = name.lowercased().utf8.filter { !dots.contains($0) }
        return tellTales.contains { tale in
            guard plain.count >= tale.count else { return false }
            return (0...plain.count - tale.count).contains { plain[$0...].starts(with: tale) }
        }
    }

    /// As bytes for the audit record; what is too long leaves only its length.
    static func written(_ request: JSONObject) -> [UInt8] {
        guard !request.isEmpty else { return [] }
        let bytes: [UInt8] = JSONWriter.bytes(.object(request))
        guard bytes.count > Limits.auditedRequestBytes else { return bytes }
        return JSONWriter.bytes(["omittedBytes": JSONValue(bytes.count)])
    }
}
