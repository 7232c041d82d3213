import JSON

/// Hides the secrets of a body from an interceptor, and puts them back into what it answers.
enum SecretMask {
    static let mask: String = "***"

    /// The body with every string under a telling name hidden.
    static func hidden(_ body: JSONObject) -> JSONObject {
        var result = JSONObject()
        for (name, value) in body { result.append(name, hidden(value, Masking.isTelling(name))) }
        return result
    }

    private static func hidden(_ value: JSONValue, _ isSecret: Bool) -> JSONValue {
        switch value {
        case .object(let object):
            var result = JSONObject()
            for (name, member) in object {
                result.append(name, hidden(member, isSecret || Masking.isTelling(name)))
            }
            return .object(result)
        case .array(let elements): return .array(elements.map { hidden($0, isSecret) })
        case .string(let text): return isSecret && !text.isEmpty ? .string(mask) : value
        default: return value
        }
    }

    /// `answered` with what was hidden from the interceptor, wherever it left the mask as it was.
    static func restored(_ answered: JSONObject, from original: JSONObject) -> JSONObject {
        restored(.object(answered), .object(original), false).object ?? answered
    }

    private static func restored(_ answered: JSONValue, _ original: JSONValue?, _ isSecret: Bool) -> JSONValue {
        switch (answered, original) {
        case (.object(let object), _):
            var result = JSONObject()
            for (name, member) in object {
                result.append(name, restored(member, original?[name], isSecret || Masking.isTelling(name)))
            }
            return .object(result)
        case (.array(let elements), .array(let before)?):
            // Elements that moved cannot be told apart, so only those in their places come back.
            return .array(
                elements.enumerated().map { index, element in
                    restored(element, before.indices.contains(index) ? before[index] : nil, isSecret)
                }
            )
        case (.string(mask), .string(let text)?) where isSecret: return .string(text)
        default: return answered
        }
    }
}
