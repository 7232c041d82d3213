import JSON
import Model

/// One condition of a collection request: `name_like=we%25`.
///
/// Shape (contract 1.7): `field=value` or `field_modifier=value`; the last `_` separates the modifier.
struct Filter: Hashable, Sendable {
    enum Modifier: String, CaseIterable, Sendable {
        case eq, ne, lt, lte, gt, gte, prefix, like, notlike, null, notnull
    }

    var field: String
    var modifier: Modifier
    /// As written in the query.
    var text: String

    /// Whether a stored value of type `type` passes.
    ///
    /// Text that cannot be a value of the type matches nothing, and so `ne` of it matches everything.
    func matches(_ value: JSONValue, type: FieldType) -> Bool {
        switch modifier {
        case .null: return value.isNull
        case .notnull: return !value.isNull
        case .eq: return equals(value, type)
        case .ne: return !equals(value, type)
        case .prefix: return value.string?.lowercased().hasPrefix(text.lowercased()) ?? false
        case .like: return value.string.map { LikePattern(text).matches($0) } ?? false
        case .notlike: return !(value.string.map { LikePattern(text).matches($0) } ?? false)
        case .lt: return order(value, type).map { $0 < 0 } ?? false
        case .lte: return order(value, type).map { $0 <= 0 } ?? false
        case .gt: return order(value, type).map { $0 > 0 } ?? false
        case .gte: return order(value, type).map { $0 >= 0 } ?? false
        }
    }

    private func equals(_ value: JSONValue, _ type: FieldType) -> Bool {
        guard let wanted: JSONValue = Self.value(text, type) else { return false }
        // Names are compared as people compare them.
        if case .string(let left) = value, case .string(let right) = wanted {
            return left.lowercased() == right.lowercased()
        }
        return value == wanted
    }

    /// Negative when the stored value is the smaller one; nil when they cannot be compared.
    private func order(_ value: JSONValue, _ type: FieldType) -> Int? {
        guard let wanted: JSONValue = Self.value(text, type), let left: Double = value.double,
            let right: Double = wanted.double
        else { return nil }
        return left < right ? -1 : (left > right ? 1 : 0)
    }

    /// The query text as a stored value of the type; nil when it cannot be one.
    static func value(_ text: String, _ type: FieldType) -> JSONValue? {
        switch type {
        case .boolean:
            switch text.lowercased() {
            case "true", "1": .bool(true)
            case "false", "0": .bool(false)
            default: nil
            }
        case .int: Int64(text).map { JSONValue.int($0) }
        case .float: Double(text).map { JSONValue.double($0) }
        case .date: (StoredDate.milliseconds(text) ?? Int64(text)).map { JSONValue.int($0) }
        case .reference: ResourceID(text).map { JSONValue($0.number) }
        default: .string(text)
        }
    }
}

/// An SQL LIKE pattern: `%` is any text, `_` any one character; upper and lower case are the same.
struct LikePattern {
    private let pattern: [Character]

    init(_ text: String) { pattern = Array(text.lowercased()) }

    /// Linear in the text for each `%`: backtracks only to the last one.
    func matches(_ text: String) -> Bool {
        let characters: [Character] = Array(text.lowercased())
        var position: Int = 0
        var place: Int = 0
        var star: Int?
        var resume: Int = 0
        while position < characters.count {
            if place < pattern.count, pattern[place] == "%" {
                star = place
                resume = position
                place += 1
            } else if place < pattern.count, pattern[place] == "_" || pattern[place] == characters[position] {
                place += 1
                position += 1
            } else if let last: Int = star {
                place = last + 1
                resume += 1
                position = resume
            } else {
                return false
            }
        }
        return pattern[place...].allSatisfy { $0 == "%" }
    }
}
