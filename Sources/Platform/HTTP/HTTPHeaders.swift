internal import Glibc

/// Header fields in their order; names are compared without regard to case.
///
/// The fields are kept as the bytes of the message they came in, with offsets: a `String` is made only
/// for a field that somebody asks for, and a forwarded message is copied as it came.
package struct HTTPHeaders: Sendable {
    /// Where a field stands; four small numbers, because each head has ten or twenty of them.
    struct Field: Sendable, Equatable {
        private let nameStart: UInt32
        private let nameEnd: UInt32
        private let valueStart: UInt32
        private let valueEnd: UInt32

        var name: Range<Int> { Int(nameStart)..<Int(nameEnd) }
        var value: Range<Int> { Int(valueStart)..<Int(valueEnd) }

        init(name: Range<Int>, value: Range<Int>) {
            nameStart = UInt32(name.lowerBound)
            nameEnd = UInt32(name.upperBound)
            valueStart = UInt32(value.lowerBound)
            valueEnd = UInt32(value.upperBound)
        }
    }

    private(set) var bytes: [UInt8]
    private(set) var fields: [Field]
    /// All names and values can stand in a head: somebody has looked.
    private(set) var isChecked: Bool

    package init() {
        bytes = []
        fields = []
        isChecked = true
    }

    /// - Parameter isChecked: that all names are tokens, and no value has a control character.
    init(bytes: [UInt8], fields: [Field], isChecked: Bool) {
        self.bytes = bytes
        self.fields = fields
        self.isChecked = isChecked
    }

    package var count: Int { fields.count }
    package var isEmpty: Bool { fields.isEmpty }
    /// Of the message that they stand in, or of their names and values.
    package var byteCount: Int { bytes.count }

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
        isChecked = isChecked && canStand(fields[fields.count - 1])
    }

    private func canStand(_ field: Field) -> Bool {
        !field.name.isEmpty && bytes[field.name].allSatisfy(CharacterClass.isToken)
            && bytes[field.value].allSatisfy(CharacterClass.isValue)
    }

    package mutating func remove(_ name: String) {
        guard contains(name) else { return }
        let kept: [Field] = fields.filter { !matches($0, name) }
        fields = kept
    }

    /// Removes all fields of these names.
    package mutating func remove(anyOf names: HeaderNames) {
        let kept: [Field]? = bytes.withUnsafeBufferPointer { bytes in
            guard fields.contains(where: { names.contains(bytes, $0.name) }) else { return nil }
            return fields.filter { !names.contains(bytes, $0.name) }
        }
        if let kept { fields = kept }
    }

    /// Removes every field whose name, as it is spelled, is one of those.
    package mutating func removeAll(where isUnwanted: (String) -> Bool) {
        let kept: [Field] = fields.filter { !isUnwanted(text($0.name)) }
        if kept.count < fields.count { fields = kept }
    }

    /// Makes room for so many more fields, and the bytes of their names and values.
    package mutating func reserve(_ fieldCount: Int, bytes byteCount: Int) {
        fields.reserveCapacity(fields.count + fieldCount)
        bytes.reserveCapacity(bytes.count + byteCount)
    }

    /// Whether these are the same names and values in the same order, out of a message with the same bytes.
    ///
    /// Says no to some that are equal: it is for finding out cheaply that a peer repeats itself.
    package func repeats(_ other: HTTPHeaders) -> Bool {
        guard bytes.count == other.bytes.count, fields.count == other.fields.count else { return false }
        let areSame: Bool = bytes.withUnsafeBytes { left in
            other.bytes.withUnsafeBytes { right in
                guard let left: UnsafeRawPointer = left.baseAddress, let right: UnsafeRawPointer = right.baseAddress
                else { return true }
                return left == right || memcmp(left, right, bytes.count) == 0
            }
        }
        return areSame && fields == other.fields
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
            var rest: ArraySlice<UInt8> = bytes[field.value]
            while let member: ArraySlice<UInt8> = Self.popMember(&rest) {
                if Self.equal(member, token) { return true }
            }
        }
        return false
    }

    /// The comma-separated members of that header, as they are spelled.
    package func members(of name: String) -> [String] {
        var members: [String] = []
        for field in fields where matches(field, name) {
            var rest: ArraySlice<UInt8> = bytes[field.value]
            while let member: ArraySlice<UInt8> = Self.popMember(&rest) {
                if !member.isEmpty { members.append(String(decoding: member, as: UTF8.self)) }
            }
        }
        return members
    }

    /// Takes off what stands before the next comma, or before the end; nil when nothing is left.
    private static func popMember(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard !rest.isEmpty else { return nil }
        let end: Int = rest.firstIndex(of: UInt8(ascii: ",")) ?? rest.endIndex
        let member: ArraySlice<UInt8> = trimmed(rest[..<end])
        rest = end < rest.endIndex ? rest[(end + 1)...] : rest[end...]
        return member
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
