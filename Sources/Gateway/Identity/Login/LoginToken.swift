import Bytes
import Crypto
import HTTP
import Model
import Store
import StoreFormat

/// What whoever has logged in shows from then on: 40 characters that mean nothing.
///
/// Kept as an HMAC-SHA-256 under a key of the cluster's: the state alone, or a backup of it, lets nobody in, and finding a
/// token is one look-up by a key that tells nothing by its timing.
enum LoginToken {
    static let characters: Int = 40
    /// What the cookie, the query parameter and the path segment are called.
    static let name: String = "token"

    static func generate(_ chance: inout Chance) -> String { APIKey.generate(&chance).secretValue }

    static func digest(_ token: String, key: [UInt8]) -> String {
        Hex.encode(HMAC.sha256(key: key, message: Array(token.utf8)))
    }

    /// A token as a request shows it.
    struct Shown: Hashable, Sendable {
        var text: String
        /// Whether a browser sends it by itself.
        var isCookie: Bool
    }

    /// The first place that has one counts: the cookie, `Authorization`, the address (contract A13).
    static func shown(in headers: HTTPHeaders, query: String?) -> Shown? {
        if let cookie: String = Cookies.value(name, headers), !cookie.isEmpty {
            return Shown(text: cookie, isCookie: true)
        }
        if let header: String = headers["authorization"], let text: String = BearerCredentials(header: header)?.token {
            return Shown(text: text, isCookie: false)
        }
        return query.flatMap { $0.isEmpty ? nil : Shown(text: $0, isCookie: false) }
    }

    /// The record of a token that was given out and has neither ended nor expired.
    static func find(
        _ text: String,
        _ policy: PolicySnapshot,
        _ view: StoreView,
        at time: Int64
    ) -> (number: UInt64, record: LoginTokenRecord)? {
        // Nothing else was ever given out, so nothing longer needs hashing.
        guard text.utf8.count == characters else { return nil }
        for key in policy.identityKeys.all {
            let digest: String = digest(text, key: key.forTokens)
            guard let holder: RecordKey = view.holder(LoginTokenRecord.key(ofDigest: digest)) else { continue }
            return record(holder.number, view, at: time).map { (holder.number, $0) }
        }
        return nil
    }

    static func record(_ number: UInt64, _ view: StoreView, at time: Int64) -> LoginTokenRecord? {
        guard let stored: Record = view.get(RecordKey(.loginToken, number)),
            let record = try? LoginTokenRecord(document: stored.document), record.expires > time
        else { return nil }
        return record
    }
}

/// A login token in an `Authorization` header: `Bearer <token>`, or Basic with the user `x-api-bearer[=<environment>]`.
struct BearerCredentials: Sendable {
    var token: String
    /// The environment that the request is to act in, as it was written.
    var project: String?

    private static let user: String = "x-api-bearer"

    init?(header: String) {
        guard let shown = AuthorizationHeader(header) else { return nil }
        if shown.scheme == "bearer" {
            token = shown.credentials
            return
        }
        guard shown.scheme == "basic", let basic = BasicCredentials(shown),
            basic.user.utf8.count >= Self.user.utf8.count, basic.user.lowercased().hasPrefix(Self.user)
        else { return nil }
        let rest: Substring = basic.user.dropFirst(Self.user.count)
        guard rest.isEmpty || rest.first == "=" else { return nil }
        token = basic.password
        project = rest.isEmpty ? nil : String(rest.dropFirst())
    }
}
