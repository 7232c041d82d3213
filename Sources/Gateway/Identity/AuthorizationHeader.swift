/// An `Authorization` header's two parts (RFC 9110, section 11.4).
struct AuthorizationHeader {
    /// In small letters.
    let scheme: String
    /// Without any spaces.
    let credentials: String

    /// nil when a part is missing.
    init?(_ header: String) {
        let text: Substring.UTF8View = header.utf8.drop { $0 == 0x20 }
        let name: Substring.UTF8View = text.prefix { $0 != 0x20 }
        let rest: Substring.UTF8View = text.dropFirst(name.count + 1)
        guard !name.isEmpty, !rest.isEmpty else { return nil }
        scheme = Substring(name).lowercased()
        // Nearly always there is none left.
        credentials =
            rest.contains(0x20)
            ? String(decoding: rest.filter { $0 != 0x20 }, as: UTF8.self) : String(Substring(rest))
    }
}
