/// Writes a tree as YAML in block style, two spaces a level, such that ``YAML`` and others read back the same values.
///
/// Strings stand in quotes only where they need them. Tags are not written: a scalar is written as what it resolves to.
package enum YAMLEmitter {
    /// The document, with a line feed at its end.
    package static func text(_ node: YAMLNode) -> String {
        var out: String = ""
        append(node, indent: 0, to: &out)
        if !out.hasSuffix("\n") { out += "\n" }
        return out
    }

    /// Writes a node at the current place of a line; further lines begin with `indent` spaces.
    private static func append(_ node: YAMLNode, indent: Int, to out: inout String) {
        let margin = String(repeating: " ", count: indent)
        switch node.kind {
        case .scalar: out += scalar(node)
        case .sequence(let elements) where elements.isEmpty: out += "[]"
        case .mapping(let members) where members.isEmpty: out += "{}"
        case .sequence(let elements):
            for (index, element) in elements.enumerated() {
                if index > 0 { out += margin }
                out += "- "
                append(element, indent: indent + 2, to: &out)
                endLine(&out)
            }
        case .mapping(let members):
            for (index, member) in members.enumerated() {
                if index > 0 { out += margin }
                append(key: scalar(member.key), margin: margin, to: &out)
                switch member.value.kind {
                case .sequence(let elements) where !elements.isEmpty: nested(member.value, indent, &out)
                case .mapping(let inner) where !inner.isEmpty: nested(member.value, indent, &out)
                default:
                    out += " "
                    append(member.value, indent: indent + 2, to: &out)
                }
                endLine(&out)
            }
        }
    }

    private static func append(key: String, margin: String, to out: inout String) {
        // A key of more than 1,024 characters must be announced (YAML 1.1, section 9.2.1).
        out += key.utf8.count > 1_000 ? "? \(key)\n\(margin):" : "\(key):"
    }

    private static func nested(_ node: YAMLNode, _ indent: Int, _ out: inout String) {
        out += "\n" + String(repeating: " ", count: indent + 2)
        append(node, indent: indent + 2, to: &out)
    }

    private static func endLine(_ out: inout String) {
        if out.utf8.last != UInt8(ascii: "\n") { out += "\n" }
    }

    private static func scalar(_ node: YAMLNode) -> String {
        let text: String = node.text ?? ""
        switch node.resolved {
        case .null, nil: return "null"
        case .string: return isPlain(text) && !looksLikeAnotherType(text) ? text : quoted(text)
        // A tag may have made this of a text that alone means something else.
        case .double(let value): return YAMLScalar(plain: text).isDouble ? text : value.description
        case .bool, .int: return text
        }
    }

    /// Whether some reader would take the plain text for something that is no string.
    private static func looksLikeAnotherType(_ text: String) -> Bool {
        guard case .string = YAMLScalar(plain: text) else { return true }
        if ["y", "n", "Y", "N"].contains(text) { return true }
        // Numbers, dates, and times in sixties.
        return "+-.0123456789".utf8.contains(text.utf8.first ?? 0)
            && text.utf8.allSatisfy { "0123456789+-.:_eExXoObTZ ".utf8.contains($0) }
    }

    /// Whether the text may stand without quotes in any place of a block: stricter than YAML, so easy to see as right.
    private static func isPlain(_ text: String) -> Bool {
        let bytes: [UInt8] = Array(text.utf8)
        guard let first: UInt8 = bytes.first, let last: UInt8 = bytes.last else { return false }
        guard last != UInt8(ascii: " "), last != UInt8(ascii: ":") else { return false }
        let startsNumber: Bool =
            bytes.count > 1 && (first == UInt8(ascii: "-") || first == UInt8(ascii: "+"))
            && (isLetterOrDigit(bytes[1]) || bytes[1] == UInt8(ascii: "."))
        guard isLetterOrDigit(first) || "_/.".utf8.contains(first) || startsNumber || text == "~" else { return false }
        guard !text.hasPrefix("...") else { return false }
        for (index, byte) in bytes.enumerated() {
            if byte == UInt8(ascii: ":"), bytes[index + 1] == UInt8(ascii: " ") { return false }
            guard isLetterOrDigit(byte) || "_/.+-@%=,~():; ".utf8.contains(byte) else { return false }
        }
        return true
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }

    private static func quoted(_ text: String) -> String {
        var out: String = "\""
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x22: out += "\\\""
            case 0x5C: out += "\\\\"
            case 0x0A: out += "\\n"
            case 0x09: out += "\\t"
            case 0x0D: out += "\\r"
            // Controls, line separators, byte order marks and what is no character must be spelled out.
            case 0..<0x20, 0x7F..<0xA0: out += "\\x" + hex(scalar.value, digits: 2)
            case 0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF: out += "\\u" + hex(scalar.value, digits: 4)
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }

    private static func hex(_ value: UInt32, digits: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: digits - text.utf8.count) + text
    }
}
