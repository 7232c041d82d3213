import JSON
package import Model

/// The language of selectors: `name=web*`, `stackId=1st7`, `labels.tier=front`, `kind in (a,b)`, `creator=self`,
/// `system=false`; a comma means and.
package enum AccessSelector {
    /// The conditions of a selector; none for an empty one.
    ///
    /// - Throws: `selector`, with the part that is wrong.
    package static func conditions(_ text: String, of types: [String]) throws(ValidationProblem) -> [Condition] {
        var conditions: [Condition] = []
        for part in try parts(text) { conditions.append(try condition(part, types)) }
        return conditions
    }

    /// Split at commas outside of brackets.
    private static func parts(_ text: String) throws(ValidationProblem) -> [String] {
        guard text.contains(where: { !$0.isWhitespace }) else { return [] }
        var parts: [String] = [""]
        var isOpen = false
        for character in text {
            switch character {
            case "(":
                guard !isOpen else { throw wrong(text, "brackets within brackets") }
                isOpen = true
            case ")":
                guard isOpen else { throw wrong(text, "a closing bracket without an opening one") }
                isOpen = false
            case "," where !isOpen:
                parts.append("")
                continue
            default: break
            }
            parts[parts.count - 1].append(character)
        }
        guard !isOpen else { throw wrong(text, "a bracket is not closed") }
        return parts.map { trimmed($0) }
    }

    private static func condition(_ part: String, _ types: [String]) throws(ValidationProblem) -> Condition {
        if part.hasSuffix(")"), let open: String.Index = part.firstIndex(of: "(") {
            let words: [Substring] = part[..<open].split(separator: " ")
            guard words.count == 2, words[1] == "in" else { throw wrong(part, "write it as: kind in (a,b)") }
            let member = String(words[0])
            let field: FieldDefinition? = try field(member, types, part)
            let values: [String] = part[part.index(after: open)...].dropLast().split(separator: ",").map {
                trimmed(String($0))
            }
            guard !values.isEmpty, field.map({ [.string, .enum].contains($0.type) }) ?? true else {
                throw wrong(part, "a list is for texts, and must not be empty")
            }
            return Condition(member, .oneOf(values))
        }
        guard let equals: String.Index = part.firstIndex(of: "=") else {
            throw wrong(part, "write it as: name=web*, or kind in (a,b)")
        }
        let member: String = trimmed(String(part[..<equals]))
        let value: String = trimmed(String(part[part.index(after: equals)...]))
        if member == "creator" {
            guard value == "self" else { throw wrong(part, "creator can only be self; others are creatorId=1a7") }
            guard AccessRuleReader.covered(by: types).contains(where: { $0.field("creatorId") != nil }) else {
                throw wrong(part, "\(types.joined(separator: ", ")) has no creator")
            }
            return Condition("creatorId", .isAccount)
        }
        return Condition(member, try test(value, try field(member, types, part), part))
    }

    private static func test(
        _ value: String,
        _ field: FieldDefinition?,
        _ part: String
    ) throws(ValidationProblem) -> Condition.Test {
        guard !value.isEmpty else { throw wrong(part, "a value is missing") }
        guard let field else {
            return value.hasSuffix("*") ? .prefix(String(value.dropLast())) : .equals(.string(value))
        }
        switch field.type {
        case .string, .enum:
            return value.hasSuffix("*") ? .prefix(String(value.dropLast())) : .equals(.string(value))
        case .boolean:
            guard value == "true" || value == "false" else { throw wrong(part, "\(field.name) is true or false") }
            return .equals(.bool(value == "true"))
        case .int:
            guard let number = Int64(value) else { throw wrong(part, "\(field.name) is a whole number") }
            return .equals(.int(number))
        case .reference(let type):
            guard let id = ResourceID(value), id.cluster == nil else {
                throw wrong(part, "\(field.name) is an id, such as 1\(Schemas.idLetters(of: type))7")
            }
            return .equals(JSONValue(id.number))
        default: throw wrong(part, "\(field.name) cannot be compared")
        }
    }

    /// The field that a member names; nil for a member of a map of texts, such as `labels.tier`.
    private static func field(
        _ member: String,
        _ types: [String],
        _ part: String
    ) throws(ValidationProblem) -> FieldDefinition? {
        let name = String(member.prefix { $0 != "." })
        let definitions: [ResourceDefinition] = AccessRuleReader.covered(by: types)
        guard !name.isEmpty, let field: FieldDefinition = definitions.lazy.compactMap({ $0.field(name) }).first else {
            throw wrong(part, "\(types.joined(separator: ", ")) has no field \(name.isEmpty ? member : name)")
        }
        guard field.type != .password else { throw wrong(part, "\(name) is a secret") }
        if name == member { return field }
        guard field.type == .map(.string), member.utf8.count > name.utf8.count + 1 else {
            throw wrong(part, "\(name) has no members to compare")
        }
        return nil
    }

    private static func wrong(_ part: String, _ why: String) -> ValidationProblem {
        ValidationProblem(.invalidFormat, "selector", "the selector's '\(part)': \(why)")
    }

    private static func trimmed(_ text: String) -> String {
        var rest: Substring = text[...]
        while rest.first?.isWhitespace ?? false { rest = rest.dropFirst() }
        while rest.last?.isWhitespace ?? false { rest = rest.dropLast() }
        return String(rest)
    }
}
