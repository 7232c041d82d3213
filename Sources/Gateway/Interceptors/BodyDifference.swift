import JSON
import Limits

/// What an interceptor changed, for people: places with the values before and after, secrets masked.
enum BodyDifference {
    static func between(_ before: JSONObject, _ after: JSONObject) -> [JSONValue] {
        var found: [JSONValue] = []
        walk(.object(SecretMask.hidden(before)), .object(SecretMask.hidden(after)), "body", &found)
        return found
    }

    static func between(_ before: HeaderLists, _ after: HeaderLists) -> [JSONValue] {
        var names: [String] = before.names
        for name in after.names where before[name] == nil { names.append(name) }
        return names.filter { after[$0] != nil && before[$0] != after[$0] }.map { name in
            let isSecret: Bool = HeaderPolicy.isCredential(name)
            return line(
                "header \(name)",
                before[name].map { isSecret ? "***" : JSONValue($0) },
                isSecret ? "***" : after[name].map { JSONValue($0) }
            )
        }
    }

    private static func walk(_ before: JSONValue?, _ after: JSONValue?, _ place: String, _ found: inout [JSONValue]) {
        guard before != after, found.count < Limits.interceptorDifferences else { return }
        guard case .object(let old)? = before, case .object(let new)? = after else {
            return found.append(line(place, before, after))
        }
        var names: [String] = old.keys
        for name in new.keys where old[name] == nil { names.append(name) }
        for name in names { walk(old[name], new[name], "\(place).\(name)", &found) }
    }

    private static func line(_ place: String, _ before: JSONValue?, _ after: JSONValue?) -> JSONValue {
        ["at": .string(place), "before": short(before), "after": short(after)]
    }

    private static func short(_ value: JSONValue?) -> JSONValue {
        guard let value else { return .null }
        let text: [UInt8] = JSONWriter.bytes(value)
        guard text.count > Limits.interceptorShownBytes else { return value }
        return .string(String(decoding: text.prefix(Limits.interceptorShownBytes), as: UTF8.self) + "…")
    }
}
