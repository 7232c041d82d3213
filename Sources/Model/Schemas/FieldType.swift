/// The type of a resource field, as schema documents spell it.
///
/// Shape: a scalar's name, `reference[T]`, `array[X]`, `map[X]`, or the id of an embedded schema; nesting is free:
/// `array[reference[service]]`, `map[map[portRule]]`.
package indirect enum FieldType: Hashable, Sendable, CustomStringConvertible {
    case string, password, float, int, date, blob, boolean, `enum`, json
    /// A field without a value; spelt `none`.
    case nothing
    /// The id of a resource of the named type.
    case reference(String)
    case array(FieldType)
    case map(FieldType)
    /// An object of the named schema inside this one.
    case embedded(String)

    private static let scalars: [String: FieldType] = [
        "string": .string, "password": .password, "float": .float, "int": .int, "date": .date, "blob": .blob,
        "boolean": .boolean, "enum": .enum, "json": .json, "none": .nothing,
    ]

    /// Parses a spelling; nil when the brackets do not match or a word before a bracket is no container.
    package init?(_ text: String) {
        guard let open: String.Index = text.firstIndex(of: "[") else {
            guard !text.isEmpty, text.utf8.allSatisfy(Self.isNameByte) else { return nil }
            guard !["reference", "array", "map"].contains(text) else { return nil }
            self = Self.scalars[text] ?? .embedded(text)
            return
        }
        guard text.last == "]" else { return nil }
        let inner = String(text[text.index(after: open)...].dropLast())
        switch text[..<open] {
        case "reference":
            guard !inner.isEmpty, inner.utf8.allSatisfy(Self.isNameByte) else { return nil }
            self = .reference(inner)
        case "array":
            guard let element = FieldType(inner) else { return nil }
            self = .array(element)
        case "map":
            guard let element = FieldType(inner) else { return nil }
            self = .map(element)
        default: return nil
        }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }

    package var description: String {
        switch self {
        case .string: "string"
        case .password: "password"
        case .float: "float"
        case .int: "int"
        case .date: "date"
        case .blob: "blob"
        case .boolean: "boolean"
        case .enum: "enum"
        case .json: "json"
        case .nothing: "none"
        case .reference(let type): "reference[\(type)]"
        case .array(let element): "array[\(element)]"
        case .map(let element): "map[\(element)]"
        case .embedded(let schema): schema
        }
    }

    /// What the value is made of, below every array and map: `reference[service]` of `array[reference[service]]`.
    package var innermost: FieldType {
        switch self {
        case .array(let element), .map(let element): element.innermost
        default: self
        }
    }

    /// Whether a value is one datum that rows can be filtered and sorted by.
    package var isScalar: Bool {
        switch self {
        case .string, .float, .int, .date, .boolean, .enum, .reference: true
        default: false
        }
    }

    /// The filter modifiers of the API for this class of types, in their documented order.
    package func filterModifiers(isNullable: Bool) -> [String] {
        switch self {
        case .string: ["eq", "ne", "prefix", "like", "notlike", "null", "notnull"]
        case .int, .float, .date: ["eq", "ne", "lt", "lte", "gt", "gte", "null", "notnull"]
        case .boolean, .enum, .reference: ["eq", "ne", "null", "notnull"]
        default: isNullable ? ["null", "notnull"] : []
        }
    }
}
