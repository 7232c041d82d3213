import Bytes

/// The user and password of an `Authorization: Basic` header (RFC 7617); the user ends at the first colon.
struct BasicCredentials: Sendable {
    var user: String
    var password: String

    /// nil when the header is something else or is malformed.
    init?(header: String) {
        guard let shown = AuthorizationHeader(header), shown.scheme == "basic" else { return nil }
        self.init(shown)
    }

    /// Of one of the scheme `basic`.
    init?(_ shown: AuthorizationHeader) {
        guard let bytes: [UInt8] = Base64.decode(shown.credentials),
            let colon: Int = bytes.firstIndex(of: UInt8(ascii: ":")),
            let user = String(validating: bytes[..<colon], as: UTF8.self),
            let password = String(validating: bytes[(colon + 1)...], as: UTF8.self)
        else { return nil }
        self.user = user
        self.password = password
    }
}

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
