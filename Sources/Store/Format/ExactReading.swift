import Bytes

// The stored forms are canonical: a value has one spelling, so equal bytes and equal values are the
// same thing and hashes may be taken over either. ByteReader accepts a varint with idle high groups;
// here that is malformed.
extension ByteReader {
    mutating func exactVarint() throws(DecodingFault) -> UInt64 {
        let start: Int = offset
        let value: UInt64 = try varint()
        let needed: Int = value == 0 ? 1 : (64 - value.leadingZeroBitCount + 6) / 7
        guard offset - start == needed else {
            throw .malformed(offset: start, expected: "the shortest form of a number")
        }
        return value
    }

    /// A count of at most `limit` things of which each takes at least one byte.
    mutating func exactCount(limit: Int, of what: String) throws(DecodingFault) -> Int {
        let start: Int = offset
        let value: UInt64 = try exactVarint()
        guard value <= UInt64(limit) else {
            throw .malformed(offset: start, expected: "at most \(limit) \(what)")
        }
        guard value <= UInt64(remaining) else { throw .truncated(offset: offset, needed: Int(value) - remaining) }
        return Int(value)
    }

    mutating func exactBytes(limit: Int, of what: String) throws(DecodingFault) -> [UInt8] {
        Array(try raw(try exactCount(limit: limit, of: "bytes of \(what)")))
    }

    mutating func exactText(limit: Int, of what: String) throws(DecodingFault) -> String {
        let start: Int = offset
        let slice: ArraySlice<UInt8> = try raw(try exactCount(limit: limit, of: "bytes of \(what)"))
        guard let text = String(validating: slice, as: UTF8.self) else {
            throw .malformed(offset: start, expected: "UTF-8 in \(what)")
        }
        return text
    }

    mutating func list<Element>(
        limit: Int,
        of what: String,
        _ element: (inout ByteReader) throws(DecodingFault) -> Element
    ) throws(DecodingFault) -> [Element] {
        let count: Int = try exactCount(limit: limit, of: what)
        var result: [Element] = []
        result.reserveCapacity(count)
        for _ in 0..<count { result.append(try element(&self)) }
        return result
    }

    mutating func optional<Value>(
        _ value: (inout ByteReader) throws(DecodingFault) -> Value
    ) throws(DecodingFault) -> Value? {
        try bool() ? try value(&self) : nil
    }

    /// Throws unless the next byte is `version`.
    mutating func version(_ version: UInt8, of what: String) throws(DecodingFault) {
        let found: UInt8 = try u8()
        guard found == version else { throw .unknown(what: "\(what) version", value: UInt64(found)) }
    }
}

extension ByteWriter {
    mutating func list<Element>(_ elements: [Element], _ element: (inout ByteWriter, Element) -> Void) {
        count(elements.count)
        for each in elements { element(&self, each) }
    }

    mutating func optional<Value>(_ value: Value?, _ write: (inout ByteWriter, Value) -> Void) {
        bool(value != nil)
        if let value { write(&self, value) }
    }
}
