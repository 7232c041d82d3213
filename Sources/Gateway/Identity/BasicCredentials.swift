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
