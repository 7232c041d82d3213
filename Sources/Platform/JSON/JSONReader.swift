/// Where and why a text is not JSON.
package struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
    package var message: String
    /// From 1.
    package var line: Int
    /// In bytes, from 1.
    package var column: Int

    package init(message: String, line: Int, column: Int) {
        self.message = message
        self.line = line
        self.column = column
    }

    package var description: String { "line \(line), column \(column): \(message)" }
}

/// Parses JSON strictly (RFC 8259): UTF-8 only, no comments, no trailing commas, no duplicate keys.
///
/// Keys are compared as Swift compares strings: two spellings of one character count as the same key, since a lookup
/// could not tell them apart either.
///
/// Limits: nesting at most `depthLimit`; the size is for the caller to bound.
package struct JSONReader {
    /// Deep enough for any document of ours, shallow enough for any stack.
    package static let depthLimit: Int = 64
    /// Up to here comparing a key with all before it is cheaper than a hash table; most objects are smaller.
    private static let searchedMembers: Int = 16
    /// So many digits always fit into 64 bits.
    private static let plainDigits: Int = 18

    private var position: Int = 0

    package static func parse(_ bytes: ArraySlice<UInt8>) throws(JSONError) -> JSONValue {
        try parse(bytes.span)
    }

    package static func parse(_ bytes: [UInt8]) throws(JSONError) -> JSONValue {
        try parse(bytes.span)
    }

    package static func parse(_ text: String) throws(JSONError) -> JSONValue {
        try parse(Array(text.utf8))
    }

    /// The value of one member of the object that `bytes` are; nil when there is no such member.
    ///
    /// Passes over the other members without making anything of them. A name that is written with escapes is not found.
    ///
    /// - Throws: for what is malformed up to that member, or no object. What comes behind it is not looked at.
    package static func member(_ name: String, of bytes: [UInt8]) throws(JSONError) -> JSONValue? {
        var reader = JSONReader()
        return try reader.member(Array(name.utf8), bytes.span)
    }

    private mutating func member(_ name: [UInt8], _ bytes: Span<UInt8>) throws(JSONError) -> JSONValue? {
        skipSpace(bytes)
        guard next(bytes) == UInt8(ascii: "{") else { throw error("expected an object", bytes) }
        position += 1
        skipSpace(bytes)
        if next(bytes) == UInt8(ascii: "}") { return nil }
        while true {
            let start: Int = position + 1
            try skipString(bytes)
            let count: Int = position - 1 - start
            var isWanted: Bool = count == name.count
            for index in 0..<name.count where isWanted { isWanted = bytes[start + index] == name[index] }
            skipSpace(bytes)
            guard next(bytes) == UInt8(ascii: ":") else { throw error("expected ':' after the member name", bytes) }
            position += 1
            skipSpace(bytes)
            if isWanted { return try value(bytes, depth: 1) }
            try skipValue(bytes)
            skipSpace(bytes)
            switch next(bytes) {
            case UInt8(ascii: ","):
                position += 1
                skipSpace(bytes)
            case UInt8(ascii: "}"): return nil
            default: throw error("expected ',' or '}'", bytes)
            }
        }
    }

    private mutating func skipString(_ bytes: Span<UInt8>) throws(JSONError) {
        guard next(bytes) == UInt8(ascii: "\"") else { throw error("expected a text in quotes", bytes) }
        let start: Int = position
        position += 1
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                position += 1
                return
            case UInt8(ascii: "\\"): position += 2
            default: position += 1
            }
        }
        throw error("the string that starts here has no end", bytes, at: start)
    }

    /// Brackets are counted, not matched.
    private mutating func skipValue(_ bytes: Span<UInt8>) throws(JSONError) {
        var depth: Int = 0
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""): try skipString(bytes)
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                position += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 0 { return }
                depth -= 1
                position += 1
            case UInt8(ascii: ",") where depth == 0: return
            default: position += 1
            }
        }
        throw error("the document ends inside a value", bytes)
    }

    private static func parse(_ bytes: Span<UInt8>) throws(JSONError) -> JSONValue {
        var reader = JSONReader()
        reader.skipSpace(bytes)
        let value: JSONValue = try reader.value(bytes, depth: 0)
        reader.skipSpace(bytes)
        guard reader.position == bytes.count else { throw reader.error("expected the end of the document", bytes) }
        return value
    }

    private func error(_ message: String, _ bytes: Span<UInt8>, at place: Int? = nil) -> JSONError {
        let end: Int = min(place ?? position, bytes.count)
        var line: Int = 1
        var lineStart: Int = 0
        for index in 0..<end where bytes[index] == UInt8(ascii: "\n") {
            line += 1
            lineStart = index + 1
        }
        return JSONError(message: message, line: line, column: end - lineStart + 1)
    }

    /// The byte at the position; 0, which stands nowhere in JSON, at the end.
    @inline(__always)
    private func next(_ bytes: Span<UInt8>) -> UInt8 { position < bytes.count ? bytes[position] : 0 }

    @inline(__always)
    private mutating func skipSpace(_ bytes: Span<UInt8>) {
        while position < bytes.count {
            let byte: UInt8 = bytes[position]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
            position &+= 1
        }
    }

    private mutating func value(_ bytes: Span<UInt8>, depth: Int) throws(JSONError) -> JSONValue {
        switch next(bytes) {
        case UInt8(ascii: "{"): return try object(bytes, depth: depth)
        case UInt8(ascii: "["): return try array(bytes, depth: depth)
        case UInt8(ascii: "\""): return .string(try string(bytes))
        case UInt8(ascii: "t"): return try word("true", .bool(true), bytes)
        case UInt8(ascii: "f"): return try word("false", .bool(false), bytes)
        case UInt8(ascii: "n"): return try word("null", .null, bytes)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number(bytes)
        default:
            throw error(
                position < bytes.count ? "expected a value" : "the document ends where a value should be",
                bytes
            )
        }
    }

    private mutating func word(
        _ text: StaticString,
        _ value: JSONValue,
        _ bytes: Span<UInt8>
    ) throws(JSONError) -> JSONValue {
        let count: Int = text.utf8CodeUnitCount
        guard position + count <= bytes.count else { throw error("expected a value", bytes) }
        let matches: Bool = text.withUTF8Buffer { letters in
            for index in 0..<count where letters[index] != bytes[position + index] { return false }
            return true
        }
        guard matches else { throw error("expected a value", bytes) }
        position += count
        return value
    }

    private mutating func object(_ bytes: Span<UInt8>, depth: Int) throws(JSONError) -> JSONValue {
        guard depth < Self.depthLimit else { throw error("nested deeper than \(Self.depthLimit) levels", bytes) }
        position += 1
        var object = JSONObject()
        // Filled only once the object is too large for a search of its keys.
        var seen: Set<String> = []
        skipSpace(bytes)
        if next(bytes) == UInt8(ascii: "}") {
            position += 1
            return .object(object)
        }
        object.reserve(depth == 0 ? 24 : 4)
        while true {
            let keyPlace: Int = position
            guard next(bytes) == UInt8(ascii: "\"") else { throw error("expected a member name in quotes", bytes) }
            let key: String = try string(bytes)
            let isNew: Bool
            if object.count < Self.searchedMembers {
                isNew = !object.keys.contains(key)
            } else {
                if seen.isEmpty { seen = Set(object.keys) }
                isNew = seen.insert(key).inserted
            }
            guard isNew else { throw error("the member \"\(key.prefix(64))\" stands twice", bytes, at: keyPlace) }
            skipSpace(bytes)
            guard next(bytes) == UInt8(ascii: ":") else { throw error("expected ':' after the member name", bytes) }
            position += 1
            skipSpace(bytes)
            object.append(key, try value(bytes, depth: depth + 1))
            skipSpace(bytes)
            switch next(bytes) {
            case UInt8(ascii: ","):
                position += 1
                skipSpace(bytes)
            case UInt8(ascii: "}"):
                position += 1
                return .object(object)
            default: throw error("expected ',' or '}'", bytes)
            }
        }
    }

    private mutating func array(_ bytes: Span<UInt8>, depth: Int) throws(JSONError) -> JSONValue {
        guard depth < Self.depthLimit else { throw error("nested deeper than \(Self.depthLimit) levels", bytes) }
        position += 1
        var elements: [JSONValue] = []
        skipSpace(bytes)
        if next(bytes) == UInt8(ascii: "]") {
            position += 1
            return .array(elements)
        }
        while true {
            elements.append(try value(bytes, depth: depth + 1))
            skipSpace(bytes)
            switch next(bytes) {
            case UInt8(ascii: ","):
                position += 1
                skipSpace(bytes)
            case UInt8(ascii: "]"):
                position += 1
                return .array(elements)
            default: throw error("expected ',' or ']'", bytes)
            }
        }
    }

    private mutating func string(_ bytes: Span<UInt8>) throws(JSONError) -> String {
        let start: Int = position
        position += 1
        // Most strings have no escape: then the text is one slice.
        while position < bytes.count {
            let byte: UInt8 = bytes[position]
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte < 0x20 { break }
            position &+= 1
        }
        if next(bytes) == UInt8(ascii: "\"") {
            defer { position += 1 }
            return try text(bytes.extracting(start + 1..<position), start: start, bytes)
        }
        var content: [UInt8] = []
        content.reserveCapacity(2 * (position - start))
        for index in start + 1..<position { content.append(bytes[index]) }
        while position < bytes.count {
            let byte: UInt8 = bytes[position]
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                return try text(content.span, start: start, bytes)
            case UInt8(ascii: "\\"):
                position += 1
                try escape(into: &content, bytes)
            case 0..<0x20: throw error("a control character must be escaped in a string", bytes)
            default:
                content.append(byte)
                position += 1
            }
        }
        throw error("the string that starts here has no end", bytes, at: start)
    }

    private func text(_ content: Span<UInt8>, start: Int, _ bytes: Span<UInt8>) throws(JSONError) -> String {
        guard let text: UTF8Span = try? UTF8Span(validating: content) else {
            throw error("the string that starts here is not UTF-8", bytes, at: start)
        }
        return String(copying: text)
    }

    private mutating func escape(into content: inout [UInt8], _ bytes: Span<UInt8>) throws(JSONError) {
        guard position < bytes.count else { throw error("the document ends inside a string", bytes) }
        let byte: UInt8 = bytes[position]
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): content.append(byte)
        case UInt8(ascii: "b"): content.append(0x08)
        case UInt8(ascii: "f"): content.append(0x0C)
        case UInt8(ascii: "n"): content.append(0x0A)
        case UInt8(ascii: "r"): content.append(0x0D)
        case UInt8(ascii: "t"): content.append(0x09)
        case UInt8(ascii: "u"):
            content.append(contentsOf: UTF8.encode(try unicodeEscape(bytes)) ?? UTF8.encodedReplacementCharacter)
        default: throw error("unknown escape", bytes, at: position - 1)
        }
    }

    /// After `\u`: one scalar, which may take a surrogate pair.
    private mutating func unicodeEscape(_ bytes: Span<UInt8>) throws(JSONError) -> Unicode.Scalar {
        let start: Int = position
        var code: UInt32 = try fourDigits(bytes)
        if (0xD800..<0xDC00).contains(code) {
            guard next(bytes) == UInt8(ascii: "\\"), position + 1 < bytes.count,
                bytes[position + 1] == UInt8(ascii: "u")
            else { throw error("half of a surrogate pair", bytes, at: start) }
            position += 2
            let low: UInt32 = try fourDigits(bytes)
            guard (0xDC00..<0xE000).contains(low) else { throw error("half of a surrogate pair", bytes, at: start) }
            code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(code) else { throw error("half of a surrogate pair", bytes, at: start) }
        return scalar
    }

    private mutating func fourDigits(_ bytes: Span<UInt8>) throws(JSONError) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard position < bytes.count, let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue else {
                throw error("expected four hexadecimal digits", bytes)
            }
            code = code << 4 | UInt32(digit)
            position += 1
        }
        return code
    }

    private mutating func number(_ bytes: Span<UInt8>) throws(JSONError) -> JSONValue {
        let start: Int = position
        var isInteger = true
        if next(bytes) == UInt8(ascii: "-") { position += 1 }
        let digitsStart: Int = position
        if next(bytes) == UInt8(ascii: "0") {
            position += 1
        } else {
            try digits(bytes)
        }
        let digitsEnd: Int = position
        if next(bytes) == UInt8(ascii: ".") {
            isInteger = false
            position += 1
            try digits(bytes)
        }
        if next(bytes) == UInt8(ascii: "e") || next(bytes) == UInt8(ascii: "E") {
            isInteger = false
            position += 1
            if next(bytes) == UInt8(ascii: "+") || next(bytes) == UInt8(ascii: "-") { position += 1 }
            try digits(bytes)
        }
        if isInteger, digitsEnd - digitsStart <= Self.plainDigits {
            var value: Int64 = 0
            for index in digitsStart..<digitsEnd { value = value &* 10 &+ Int64(bytes[index] &- UInt8(ascii: "0")) }
            return .int(digitsStart > start ? -value : value)
        }
        let text: String = try text(bytes.extracting(start..<position), start: start, bytes)
        if isInteger, let value = Int64(text) { return .int(value) }
        guard let value = Double(text), value.isFinite else {
            throw error("a number out of range", bytes, at: start)
        }
        return .double(value)
    }

    private mutating func digits(_ bytes: Span<UInt8>) throws(JSONError) {
        guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(next(bytes)) else {
            throw error("expected a digit", bytes)
        }
        while (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(next(bytes)) { position &+= 1 }
    }
}
