/// The number of a resource, and of the cluster that owns it where the text said so.
///
/// Text forms: `1s42` (a constant 1, the type's letters, the number) and, in a federation, `1s42c3` (the
/// cluster's number behind it). Parsing takes any letters: prefixes collide between types and were never checked
/// by the API that this one carries on. Names never parse (contract A6).
package struct ResourceID: Hashable, Sendable {
    package var number: UInt64
    /// nil for the bare form.
    package var cluster: UInt32?

    package init(number: UInt64, cluster: UInt32? = nil) {
        self.number = number
        self.cluster = cluster
    }

    /// Parses a rendered id; nil for anything else.
    package init?(_ text: String) {
        var rest: Substring.UTF8View = text[...].utf8
        guard rest.popFirst() == UInt8(ascii: "1") else { return nil }
        let letters: Substring.UTF8View = rest.prefix { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) }
        guard !letters.isEmpty else { return nil }
        rest = rest.dropFirst(letters.count)
        guard let number: UInt64 = Self.digits(&rest) else { return nil }
        self.number = number
        guard !rest.isEmpty else { return }
        guard rest.popFirst() == UInt8(ascii: "c"), let cluster: UInt64 = Self.digits(&rest), rest.isEmpty,
            let small = UInt32(exactly: cluster)
        else { return nil }
        self.cluster = small
    }

    /// Whether a text can stand where an id is wanted: a word, or 1 and a letter.
    ///
    /// A word is never the id of a numbered resource, but it may be a name, and then it is what is asked for that says so.
    package static func isReadable(_ text: String) -> Bool {
        var bytes: Substring.UTF8View = text[...].utf8
        func isLetter(_ byte: UInt8?) -> Bool {
            byte.map { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0 | 0x20) } ?? false
        }
        guard bytes.first == UInt8(ascii: "1") else { return isLetter(bytes.first) }
        bytes = bytes.dropFirst()
        return isLetter(bytes.first)
    }

    /// The text form; `letters` are the type's, such as `st` for a stack.
    package func rendered(_ letters: String) -> String {
        cluster.map { "1\(letters)\(number)c\($0)" } ?? "1\(letters)\(number)"
    }

    /// A canonical decimal number: no sign, no leading zero, at most what fits.
    private static func digits(_ rest: inout Substring.UTF8View) -> UInt64? {
        let digits: Substring.UTF8View = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard let first: UInt8 = digits.first, first != UInt8(ascii: "0") || digits.count == 1 else { return nil }
        rest = rest.dropFirst(digits.count)
        return UInt64(String(Substring(digits)))
    }
}
