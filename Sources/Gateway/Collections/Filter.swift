import JSON
import Limits
import Model

/// One condition of a collection request: `name_like=we%25`.
///
/// Shape (contract A11): `field=value` or `field_modifier=value`; the last `_` separates the modifier.
struct Filter: Sendable {
    enum Modifier: String, CaseIterable, Sendable {
        case eq, ne, lt, lte, gt, gte, prefix, like, notlike, null, notnull
    }

    let field: String
    let modifier: Modifier
    /// As written in the query.
    let text: String
    private let test: Test
    /// What a row without a value counts as.
    private let standIn: JSONValue
    /// Whether it compares ids.
    let isReference: Bool

    /// What the text comes down to, worked out once for all rows.
    private enum Test: Sendable {
        case text(String)
        case value(JSONValue)
        case pattern(LikePattern)
        /// It cannot be a value of the field.
        case nothing
    }

    /// - Parameters:
    ///   - now: milliseconds since 1970, for a date that is given as `now`.
    ///   - idsAreNames: whether an id is compared as a text.
    init(_ field: FieldDefinition, _ modifier: Modifier, _ text: String, now: Int64, idsAreNames: Bool = false) {
        self.field = field.name
        self.modifier = modifier
        self.text = text
        let type: FieldType = field.name == "id" && !idsAreNames ? .reference("") : field.type
        if case .reference = type { isReference = true } else { isReference = false }
        // Documents never show null for such a flag, so it must not be one to filters.
        standIn = type == .boolean && !field.isNullable ? field.defaultValue ?? false : .null
        switch (modifier, Self.value(text, type, now: now)) {
        case (.like, _), (.notlike, _):
            test = text.utf8.count <= Limits.likePatternBytes ? .pattern(LikePattern(text)) : .nothing
        case (.prefix, _): test = .text(text.lowercased())
        case (_, .string(let wanted)?): test = .text(wanted.lowercased())
        case (_, let wanted?): test = .value(wanted)
        case (_, nil): test = .nothing
        }
    }

    /// Whether a stored value passes.
    ///
    /// Text that cannot be a value of the type matches nothing, and so `ne` of it matches everything.
    func matches(_ value: JSONValue) -> Bool {
        let value: JSONValue = value.isNull ? standIn : value
        return switch modifier {
        case .null: value.isNull
        case .notnull: !value.isNull
        case .eq: equals(value)
        case .ne: !equals(value)
        case .prefix: isPrefixed(value)
        case .like: isLike(value)
        case .notlike: !isLike(value)
        case .lt: order(value).map { $0 < 0 } ?? false
        case .lte: order(value).map { $0 <= 0 } ?? false
        case .gt: order(value).map { $0 > 0 } ?? false
        case .gte: order(value).map { $0 >= 0 } ?? false
        }
    }

    /// The wanted number of a filter by id; nil when the text is none.
    var number: UInt64? {
        guard case .value(let wanted) = test else { return nil }
        return wanted.int.flatMap { UInt64(exactly: $0) }
    }

    /// Names are compared as people compare them: without regard to case.
    private func equals(_ value: JSONValue) -> Bool {
        switch test {
        case .text(let wanted): value.string?.lowercased() == wanted
        case .value(let wanted): value == wanted
        case .pattern, .nothing: false
        }
    }

    private func isPrefixed(_ value: JSONValue) -> Bool {
        guard case .text(let wanted) = test else { return false }
        return value.string?.lowercased().hasPrefix(wanted) ?? false
    }

    private func isLike(_ value: JSONValue) -> Bool {
        guard case .pattern(let pattern) = test else { return false }
        return value.string.map { pattern.matches($0) } ?? false
    }

    /// Negative when the stored value is the smaller one; nil when they cannot be compared.
    private func order(_ value: JSONValue) -> Int? {
        guard case .value(let wanted) = test else { return nil }
        if let left: Int64 = value.int, let right: Int64 = wanted.int {
            return left < right ? -1 : left > right ? 1 : 0
        }
        guard let left: Double = value.double, let right: Double = wanted.double else { return nil }
        return left < right ? -1 : left > right ? 1 : 0
    }

    /// The query text as a stored value of the type; nil when it cannot be one.
    static func value(_ text: String, _ type: FieldType, now: Int64) -> JSONValue? {
        switch type {
        case .boolean:
            switch text.lowercased() {
            case "true", "1": .bool(true)
            case "false", "0": .bool(false)
            default: nil
            }
        case .int: Int64(text).map { JSONValue.int($0) }
        case .float: Double(text).map { JSONValue.double($0) }
        case .date where text == "now": .int(now)
        case .date: (StoredDate.milliseconds(text) ?? Int64(text)).map { JSONValue.int($0) }
        case .reference: ResourceID(text).flatMap { $0.cluster == nil ? JSONValue($0.number) : nil }
        default: .string(text)
        }
    }
}
