/// The character classes of HTTP and URLs, as tables of 256 bits.
enum CharacterClass {
    static let alphabetic: [UInt8] = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
    static let digits: [UInt8] = Array("0123456789".utf8)

    /// What names of methods, headers and codings are made of (RFC 9110, section 5.6.2).
    static let token: [Bool] = table(alphabetic + digits + Array("!#$%&'*+-.^_`|~".utf8))
    /// What a request target is made of (RFC 3986), percent included.
    static let target: [Bool] = table(alphabetic + digits + Array("-._~!$&'()*+,;=:@/?%[]".utf8))
    /// What a host with its port is made of.
    static let host: [Bool] = table(alphabetic + digits + Array("-._~!$&'()*+;=:%[]".utf8))
    /// What never needs escaping in any part of a URL.
    static let unreserved: [Bool] = table(alphabetic + digits + Array("-._~".utf8))
    /// Header values: visible characters, space, tab and everything beyond ASCII.
    static let value: [Bool] = table([9] + Array(32...126) + Array(128...255))

    private static func table(_ members: [UInt8]) -> [Bool] {
        var table = [Bool](repeating: false, count: 256)
        for member in members { table[Int(member)] = true }
        return table
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
