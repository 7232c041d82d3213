import Bytes

/// The user and password of an `Authorization: Basic` header (RFC 7617); the user ends at the first colon.
struct BasicCredentials: Sendable {
    var user: String
    var password: String

    /// nil when the header is something else or is malformed.
    init?(header: String) {
        let parts: [Substring] = header.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "basic",
            let bytes: [UInt8] = Base64.decode(String(parts[1].filter { $0 != " " })),
            let text = String(validating: bytes, as: UTF8.self), let colon: String.Index = text.firstIndex(of: ":")
        else { return nil }
        user = String(text[..<colon])
        password = String(text[text.index(after: colon)...])
    }
}
