/// Names of stacks (contract O20).
package enum StackName {
    /// A folder's name as a stack name: lower case, `-` for what a name may not have, at most 63 characters.
    ///
    /// Nil when nothing of it can stay.
    package static func normalized(_ text: String) -> String? {
        var name: String = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                name.unicodeScalars.append(Unicode.Scalar(byte))
            case UInt8(ascii: "A")...UInt8(ascii: "Z"):
                name.unicodeScalars.append(Unicode.Scalar(byte + 32))
            // One character of several bytes is one `-`.
            case 0x80..<0xC0: continue
            default: name += "-"
            }
        }
        guard name.contains(where: { $0 != "-" }) else { return nil }
        if name.hasPrefix("-") { name = "x" + name }
        name = String(name.prefix(63))
        while name.hasSuffix("-") { name.removeLast() }
        return name
    }

    /// Whether the API takes `name` for a stack or a service: 1 to 63 of `[a-zA-Z0-9-]`, no `-` at either end.
    package static func isValid(_ name: String) -> Bool {
        guard (1...63).contains(name.utf8.count), !name.hasPrefix("-"), !name.hasSuffix("-") else { return false }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
    }
}
