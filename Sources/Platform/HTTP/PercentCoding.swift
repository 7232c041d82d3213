/// Percent-encoding of URLs (RFC 3986, section 2.1), strictly UTF-8.
package enum PercentCoding {
    /// The decoded text, or nil when an escape is not `%` and two hexadecimal digits, or the bytes are not UTF-8.
    package static func decode(_ text: some Collection<UInt8>, plusIsSpace: Bool = false) -> String? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var iterator = text.makeIterator()
        while let byte = iterator.next() {
            if byte == UInt8(ascii: "%") {
                guard let high = iterator.next().flatMap(CharacterClass.hexValue),
                    let low = iterator.next().flatMap(CharacterClass.hexValue)
                else { return nil }
                bytes.append(high << 4 | low)
            } else if plusIsSpace && byte == UInt8(ascii: "+") {
                bytes.append(0x20)
            } else {
                bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    package static func decode(_ text: String, plusIsSpace: Bool = false) -> String? {
        decode(text.utf8, plusIsSpace: plusIsSpace)
    }

    /// `text` with everything escaped that is not a letter, a digit or one of `-._~`: fit for any part of a URL.
    package static func encode(_ text: String) -> String {
        var bytes: [UInt8] = []
        let digits: [UInt8] = Array("0123456789ABCDEF".utf8)
        for byte in text.utf8 {
            if CharacterClass.isUnreserved(byte) {
                bytes.append(byte)
            } else {
                bytes.append(UInt8(ascii: "%"))
                bytes.append(digits[Int(byte >> 4)])
                bytes.append(digits[Int(byte & 15)])
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
