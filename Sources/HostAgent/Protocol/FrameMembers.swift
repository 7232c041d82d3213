package import JSON

/// Reads the members of one JSON object and says which one is wrong.
///
/// Members that nobody asks for are left alone: a newer peer may send them. A member that is `null` counts as absent.
package struct FrameMembers {
    package let object: JSONObject
    /// Where the object stands, such as `sync.instances[3]`.
    package let place: String

    package init(_ object: JSONObject, at place: String) {
        self.object = object
        self.place = place
    }

    package init(_ value: JSONValue, at place: String) throws(FrameError) {
        guard let object: JSONObject = value.object else { throw FrameError("\(place): expected an object") }
        self.init(object, at: place)
    }

    package func optional(_ key: String) -> JSONValue? {
        guard let value: JSONValue = object[key], !value.isNull else { return nil }
        return value
    }

    private func wrong(_ key: String, _ expected: String) -> FrameError {
        FrameError("\(place).\(key): expected \(expected)")
    }

    package func text(_ key: String) throws(FrameError) -> String {
        guard let text: String = try optionalText(key) else { throw wrong(key, "text") }
        return text
    }

    package func optionalText(_ key: String) throws(FrameError) -> String? {
        guard let value: JSONValue = optional(key) else { return nil }
        guard let text: String = value.string else { throw wrong(key, "text") }
        return text
    }

    /// A number from 0 on.
    package func count(_ key: String) throws(FrameError) -> UInt64 {
        guard let number: UInt64 = try optionalCount(key) else { throw wrong(key, "a number from 0 on") }
        return number
    }

    package func optionalCount(_ key: String) throws(FrameError) -> UInt64? {
        guard let value: JSONValue = optional(key) else { return nil }
        guard let number: Int64 = value.int, let count = UInt64(exactly: number) else {
            throw wrong(key, "a number from 0 on")
        }
        return count
    }

    package func optionalInteger(_ key: String) throws(FrameError) -> Int64? {
        guard let value: JSONValue = optional(key) else { return nil }
        guard let number: Int64 = value.int else { throw wrong(key, "a whole number") }
        return number
    }

    /// Absent is `absent`.
    package func flag(_ key: String, absent: Bool = false) throws(FrameError) -> Bool {
        guard let value: JSONValue = optional(key) else { return absent }
        guard let flag: Bool = value.bool else { throw wrong(key, "true or false") }
        return flag
    }

    /// Absent is empty.
    package func object(_ key: String) throws(FrameError) -> JSONObject {
        guard let value: JSONValue = optional(key) else { return [:] }
        guard let object: JSONObject = value.object else { throw wrong(key, "an object") }
        return object
    }

    /// A map from text to text, sorted when it is written again; absent is empty.
    package func textMap(_ key: String) throws(FrameError) -> [String: String] {
        var map: [String: String] = [:]
        for (name, value) in try object(key) {
            guard let text: String = value.string else { throw wrong("\(key).\(name)", "text") }
            map[name] = text
        }
        return map
    }

    /// The texts of an array; absent is empty.
    package func texts(_ key: String) throws(FrameError) -> [String] {
        guard let value: JSONValue = optional(key) else { return [] }
        guard let array: [JSONValue] = value.array else { throw wrong(key, "an array of texts") }
        var texts: [String] = []
        for (index, element) in array.enumerated() {
            guard let text: String = element.string else { throw wrong("\(key)[\(index)]", "text") }
            texts.append(text)
        }
        return texts
    }

    /// The objects of an array; absent is empty.
    package func list<Element>(
        _ key: String,
        _ decode: (FrameMembers) throws(FrameError) -> Element
    ) throws(FrameError) -> [Element] {
        guard let value: JSONValue = optional(key) else { return [] }
        guard let array: [JSONValue] = value.array else { throw wrong(key, "an array") }
        var elements: [Element] = []
        elements.reserveCapacity(array.count)
        for (index, element) in array.enumerated() {
            elements.append(try decode(try FrameMembers(element, at: "\(place).\(key)[\(index)]")))
        }
        return elements
    }

    /// One of the words of `Word`.
    package func word<Word: RawRepresentable & CaseIterable>(
        _ key: String,
        _ type: Word.Type
    ) throws(FrameError) -> Word where Word.RawValue == String {
        guard let word = Word(rawValue: try text(key)) else {
            throw wrong(key, "one of \(Word.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return word
    }

    /// An instance's uuid: 1 to 128 letters, digits, `.`, `_` and `-`, the first a letter or digit.
    package func uuid(_ key: String) throws(FrameError) -> String {
        let text: String = try text(key)
        guard Self.isUUID(text) else { throw wrong(key, "1 to 128 letters, digits, '.', '_' and '-'") }
        return text
    }

    package static func isUUID(_ text: String) -> Bool {
        guard (1...128).contains(text.utf8.count), let first: UInt8 = text.utf8.first, isAlphanumeric(first) else {
            return false
        }
        return text.utf8.allSatisfy { isAlphanumeric($0) || [0x2D, 0x2E, 0x5F].contains($0) }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"):
            true
        default: false
        }
    }
}

extension JSONObject {
    /// Appends a member unless its value is nil.
    mutating func append(_ key: String, ifPresent value: String?) {
        if let value { append(key, .string(value)) }
    }

    /// Appends a member unless its value is nil.
    mutating func append(_ key: String, ifPresent value: Int64?) {
        if let value { append(key, .int(value)) }
    }

    /// Appends a map, keys ascending.
    mutating func append(_ key: String, map: [String: String]) {
        var members = JSONObject()
        for (name, text) in map.sorted(by: { $0.key < $1.key }) { members.append(name, .string(text)) }
        append(key, .object(members))
    }
}
