import Bytes
import Crypto
import JSON
import Limits
import Store

/// What a stream's token says: what it opens, for whom, until when.
///
/// The token is `<payload>.<signature>`: the payload is JSON in base64url, the signature an HMAC-SHA-256 under a key that is
/// derived from the cluster's registration key. So every node can serve what any other gave out, and nobody keeps
/// anything until the stream is opened. A token is for one purpose, expires ``Limits/streamTicketMilliseconds`` after
/// it was made, and carries rights, not a secret: whoever uses it has those of ``account`` as long as they last.
struct StreamTicket: Sendable {
    /// What a token is good for; one of another purpose is refused.
    enum Purpose: String, Sendable {
        case logs, execute
    }

    var purpose: Purpose
    /// The account that asked, and by which credential; nil while access control is off.
    var account: UInt64
    var credential: UInt64?
    /// The login instead of a credential.
    var token: UInt64?
    /// The environment that was asked in.
    var project: UInt64?
    var instance: UInt64
    var host: UInt64
    /// What the purpose needs besides.
    var options: JSONObject
    /// Milliseconds since 1970.
    var expires: Int64
    /// The state that the action saw: whoever opens the stream sees at least that.
    var revision: UInt64
    /// Tells tokens apart, so that one that was used is not used again.
    var nonce: String

    /// A ticket for whoever made the request of `exchange`.
    init(
        _ purpose: Purpose,
        instance: UInt64,
        host: UInt64,
        options: JSONObject,
        for exchange: Exchange
    ) throws(Problem) {
        guard let account: UInt64 = exchange.caller.accountNumber else {
            throw .forbidden("Streams of containers are for accounts.")
        }
        self.purpose = purpose
        self.account = account
        credential = exchange.caller.credentialNumber
        token = exchange.caller.tokenNumber
        project = exchange.projectNumber
        self.instance = instance
        self.host = host
        self.options = options
        expires = exchange.time + Limits.streamTicketMilliseconds
        revision = exchange.view.revision
        nonce = Hex.encode(SecureRandom.bytes(16))
    }

    // MARK: As a token

    /// The token.
    ///
    /// - Throws: 413 when the options are too long for an address, 503 before the cluster was founded.
    func signed(in view: StoreView) throws(Problem) -> String {
        guard let key: [UInt8] = Self.key(view) else { throw .unavailable("The cluster was not founded yet.") }
        let payload: String = Self.base64URL(JSONWriter.bytes(document))
        let token = "\(payload).\(Hex.encode(HMAC.sha256(key: key, message: Array(payload.utf8))))"
        guard token.utf8.count <= Limits.streamTicketBytes else {
            throw .tooLarge(
                "What is asked for takes \(token.utf8.count) bytes as a token, and it may have "
                    + "\(Limits.streamTicketBytes). Shorten it."
            )
        }
        return token
    }

    /// The ticket in `token`; nil when this cluster did not sign it, or it is for something else, or expired at `time`.
    init?(verifying token: String, for purpose: Purpose, in view: StoreView, at time: Int64) {
        guard token.utf8.count <= Limits.streamTicketBytes, let key: [UInt8] = Self.key(view) else { return nil }
        let parts: [Substring] = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        let expected: String = Hex.encode(HMAC.sha256(key: key, message: Array(parts[0].utf8)))
        guard ConstantTime.equals(Array(expected.utf8), Array(parts[1].utf8)),
            let bytes: [UInt8] = Self.bytes(base64URL: parts[0]), let document = try? JSONReader.parse(bytes),
            let ticket = StreamTicket(document), ticket.purpose == purpose, ticket.expires > time
        else { return nil }
        self = ticket
    }

    private var document: JSONValue {
        .object([
            "for": .string(purpose.rawValue), "account": JSONValue(account),
            "credential": credential.map { JSONValue($0) } ?? .null, "login": token.map { JSONValue($0) } ?? .null,
            "project": project.map { JSONValue($0) } ?? .null, "instance": JSONValue(instance),
            "host": JSONValue(host), "options": .object(options), "expires": .int(expires),
            "revision": JSONValue(revision), "nonce": .string(nonce),
        ])
    }

    private init?(_ document: JSONValue) {
        func number(_ name: String) -> UInt64? { document[name]?.int.flatMap { UInt64(exactly: $0) } }
        guard let purpose: Purpose = document["for"]?.string.flatMap({ Purpose(rawValue: $0) }),
            let account: UInt64 = number("account"), let instance: UInt64 = number("instance"),
            let host: UInt64 = number("host"), let options: JSONObject = document["options"]?.object,
            let expires: Int64 = document["expires"]?.int, let revision: UInt64 = number("revision"),
            let nonce: String = document["nonce"]?.string
        else { return nil }
        self.purpose = purpose
        self.account = account
        credential = number("credential")
        token = number("login")
        project = number("project")
        self.instance = instance
        self.host = host
        self.options = options
        self.expires = expires
        self.revision = revision
        self.nonce = nonce
    }

    /// A key of its own: no signature made for one use is good for another.
    private static func key(_ view: StoreView) -> [UInt8]? {
        ClusterKeys.registration(view).map { HMAC.sha256(key: $0, message: Array("drover stream ticket 1".utf8)) }
    }

    /// Base64 for addresses (RFC 4648, section 5), without padding.
    private static func base64URL(_ bytes: [UInt8]) -> String {
        let text: [UInt8] = Base64.encode(bytes).utf8.compactMap { byte in
            switch byte {
            case UInt8(ascii: "+"): UInt8(ascii: "-")
            case UInt8(ascii: "/"): UInt8(ascii: "_")
            case UInt8(ascii: "="): nil
            default: byte
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func bytes(base64URL text: Substring) -> [UInt8]? {
        var plain: [UInt8] = text.utf8.map { byte in
            switch byte {
            case UInt8(ascii: "-"): UInt8(ascii: "+")
            case UInt8(ascii: "_"): UInt8(ascii: "/")
            default: byte
            }
        }
        plain += [UInt8](repeating: UInt8(ascii: "="), count: (4 - plain.count % 4) % 4)
        return Base64.decode(String(decoding: plain, as: UTF8.self))
    }
}
