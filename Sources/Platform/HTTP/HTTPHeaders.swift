/// Header fields in their order; names are compared without regard to case.
///
/// The fields are kept as the bytes of the message they came in, with offsets: a `String` is made only
/// for a field that somebody asks for, and a forwarded message is copied as it came.
package struct HTTPHeaders: Sendable {
    struct Field: Sendable {
        var name: Range<Int>
        var value: Range<Int>
    }

    private(set) var bytes: [UInt8]
    private(set) var fields: [Field]

    package init() {
        bytes = []
        fields = []
    }

    init(bytes: [UInt8], fields: [Field]) {
        self.bytes = bytes
        self.fields = fields
    }

    package var count: Int { fields.count }
    package var isEmpty: Bool { fields.isEmpty }

    /// The value of the first field of that name.
    ///
    /// Setting it replaces all of that name, or with nil removes them.
    package subscript(name: String) -> String? {
        get {
            guard let field = fields.first(where: { matches($0, name) }) else { return nil }
            return text(field.value)
        }
        set {
            remove(name)
            if let newValue { append(name, newValue) }
        }
    }

    /// The values of all fields of that name, in order.
    package func all(_ name: String) -> [String] {
        fields.filter { matches($0, name) }.map { text($0.value) }
    }

    package func contains(_ name: String) -> Bool {
        fields.contains { matches($0, name) }
    }

    func occurrences(_ name: String) -> Int {
        fields.reduce(0) { matches($1, name) ? $0 + 1 : $0 }
    }

    /// Adds a field at the end.
    ///
    /// What cannot stand in a header is refused when the message is written.
    package mutating func append(_ name: String, _ value: String) {
        let start: Int = bytes.count
        bytes.append(contentsOf: name.utf8)
        let middle: Int = bytes.count
        bytes.append(contentsOf: value.utf8)
        fields.append(Field(name: start..<middle, value: middle..<bytes.count))
    }

    package mutating func remove(_ name: String) {
        guard contains(name) else { return }
        let kept: [Field] = fields.filter { !matches($0, name) }
        fields = kept
    }

    /// Removes all fields of these names.
    package mutating func remove(anyOf names: [String]) {
        guard fields.contains(where: { field in names.contains { matches(field, $0) } }) else { return }
        let kept: [Field] = fields.filter { field in !names.contains { matches(field, $0) } }
        fields = kept
    }

    /// Removes every field whose name, as it is spelled, is one of those.
    package mutating func removeAll(where isUnwanted: (String) -> Bool) {
        let kept: [Field] = fields.filter { !isUnwanted(text($0.name)) }
        if kept.count < fields.count { fields = kept }
    }

    /// Removes every field whose name begins like this.
    package mutating func removeAll(beginningWith prefix: String) {
        guard fields.contains(where: { begins($0, prefix) }) else { return }
        let kept: [Field] = fields.filter { !begins($0, prefix) }
        fields = kept
    }

    /// Whether one of the comma-separated members of that header is `token`, without regard to case.
    package func list(_ name: String, contains token: String) -> Bool {
        for field in fields where matches(field, name) {
            for member in bytes[field.value].split(separator: UInt8(ascii: ",")) {
                if Self.equal(Self.trimmed(member), token) { return true }
            }
        }
        return false
    }

    /// Whether `text` stands anywhere in the first field of that name, without regard to case.
    package func value(of name: String, mentions text: String) -> Bool {
        guard let field = fields.first(where: { matches($0, name) }) else { return false }
        let count: Int = text.utf8.count
        guard field.value.count >= count else { return false }
        return (field.value.lowerBound...field.value.upperBound - count).contains {
            Self.equal(bytes[$0..<$0 + count], text)
        }
    }

    /// Whether the first field of that name has this value, without regard to case.
    func value(of name: String, is value: String) -> Bool {
        guard let field = fields.first(where: { matches($0, name) }) else { return false }
        return Self.equal(bytes[field.value], value)
    }

    /// The bytes of the value of the first field of that name.
    func valueBytes(_ name: String) -> ArraySlice<UInt8>? {
        guard let field = fields.first(where: { matches($0, name) }) else { return nil }
        return bytes[field.value]
    }

    private func matches(_ field: Field, _ name: String) -> Bool {
        let utf8: String.UTF8View = name.utf8
        guard field.name.count == utf8.count else { return false }
        var index: Int = field.name.lowerBound
        for byte in utf8 {
            guard CharacterClass.lowercased(bytes[index]) == CharacterClass.lowercased(byte) else { return false }
            index += 1
        }
        return true
    }

    private func begins(_ field: Field, _ prefix: String) -> Bool {
        guard field.name.count >= prefix.utf8.count else { return false }
        var index: Int = field.name.lowerBound
        for byte in prefix.utf8 {
            guard CharacterClass.lowercased(bytes[index]) == CharacterClass.lowercased(byte) else { return false }
            index += 1
        }
        return true
    }

    private func text(_ range: Range<Int>) -> String {
        String(decoding: bytes[range], as: UTF8.self)
    }

    private static func equal(_ left: ArraySlice<UInt8>, _ right: String) -> Bool {
        left.count == right.utf8.count
            && zip(left, right.utf8).allSatisfy { CharacterClass.lowercased($0) == CharacterClass.lowercased($1) }
    }

    static func trimmed(_ slice: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var slice: ArraySlice<UInt8> = slice
        while let first = slice.first, first == 0x20 || first == 0x09 { slice.removeFirst() }
        while let last = slice.last, last == 0x20 || last == 0x09 { slice.removeLast() }
        return slice
    }
}

extension HTTPHeaders: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (String, String)...) {
        self.init()
        for (name, value) in elements { append(name, value) }
    }
}

extension HTTPHeaders: Sequence {
    /// Each field as a pair of strings, in order.
    package func makeIterator() -> AnyIterator<(name: String, value: String)> {
        var index: Int = 0
        return AnyIterator {
            guard index < fields.count else { return nil }
            defer { index += 1 }
            return (text(fields[index].name), text(fields[index].value))
        }
    }
}

extension HTTPHeaders: Equatable {
    /// The same names and values in the same order, spelled the same.
    package static func == (left: HTTPHeaders, right: HTTPHeaders) -> Bool {
        left.fields.count == right.fields.count
            && zip(left.fields, right.fields).allSatisfy {
                left.bytes[$0.name] == right.bytes[$1.name] && left.bytes[$0.value] == right.bytes[$1.value]
            }
    }
}
