/// The character classes of HTTP and URLs.
///
/// As ranges rather than tables: a table that is made when it is first used is asked for, each time, whether it is made.
enum CharacterClass {
    static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }

    /// What names of methods, headers and codings are made of (RFC 9110, section 5.6.2).
    static func isToken(_ byte: UInt8) -> Bool {
        isLetterOrDigit(byte) || isOne(byte, of: "-_.!#$%&'*+^`|~")
    }

    /// What a request target is made of (RFC 3986), percent included.
    static func isTarget(_ byte: UInt8) -> Bool {
        isLetterOrDigit(byte) || isOne(byte, of: "/-._=&?%~!$'()*+,;:@[]")
    }

    /// What a host with its port is made of.
    static func isHost(_ byte: UInt8) -> Bool {
        isLetterOrDigit(byte) || isOne(byte, of: ".:-_~!$&'()*+;=%[]")
    }

    /// What never needs escaping in any part of a URL.
    static func isUnreserved(_ byte: UInt8) -> Bool {
        isLetterOrDigit(byte) || isOne(byte, of: "-._~")
    }

    /// Header values: visible characters, space, tab and everything beyond ASCII.
    static func isValue(_ byte: UInt8) -> Bool {
        byte >= 0x20 ? byte != 0x7F : byte == 9
    }

    private static func isOne(_ byte: UInt8, of members: StaticString) -> Bool {
        var index: Int = 0
        while index < members.utf8CodeUnitCount {
            if members.utf8Start[index] == byte { return true }
            index &+= 1
        }
        return false
    }

    static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    static func lowercased(_ byte: UInt8) -> UInt8 {
        byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
    }
}
