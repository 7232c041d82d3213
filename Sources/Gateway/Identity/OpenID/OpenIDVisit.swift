import Bytes
import Crypto
import JSON
import Limits
import Synchronization

/// Somebody's visit at the provider: what has to be known again when the browser comes back.
///
/// Travels as the parameter `state`, sealed under a key of the cluster, so that any node can receive whom another has sent, and
/// nobody keeps anything meanwhile. It is bound to the browser by a cookie.
struct OpenIDVisit: Hashable, Sendable {
    /// Comes back in the provider's token.
    var nonce: String
    /// Proves to the provider that who exchanges the code is who asked for it (PKCE, RFC 7636).
    var verifier: String
    /// Where the provider was told to send the browser.
    var redirect: String
    /// The path on this server where the browser goes at last.
    var destination: String
    /// Milliseconds since 1970.
    var expires: Int64
    /// What the cookie says.
    var binding: String

    static let cookie: String = "drover_visit"

    init(redirect: String, destination: String, at time: Int64) {
        nonce = Base64URL.encode(SecureRandom.bytes(24))
        verifier = Base64URL.encode(SecureRandom.bytes(32))
        binding = Base64URL.encode(SecureRandom.bytes(24))
        self.redirect = redirect
        self.destination = destination
        expires = time + Limits.providerVisitMilliseconds
    }

    /// Of the verifier, for the provider (method S256).
    var challenge: String { Base64URL.encode(SHA256.hash(Array(verifier.utf8))) }

    private static let place: [UInt8] = Array("drover login visit".utf8)

    func sealed(_ key: IdentityKey) -> String? {
        let document: JSONValue = [
            "n": .string(nonce), "v": .string(verifier), "r": .string(redirect), "d": .string(destination),
            "e": .int(expires), "b": .string(Hex.encode(SHA256.hash(Array(binding.utf8)))),
        ]
        let box: [UInt8]? = try? SealedBox.seal(JSONWriter.bytes(document), key: key.forVisits, binding: Self.place)
        return box.map { Base64URL.encode($0) }
    }

    /// nil unless one of the keys has sealed it, its time is not over, and the cookie is the one that went with it.
    init?(opening text: String, keys: [IdentityKey], cookie: String, at time: Int64) {
        guard text.utf8.count <= Limits.loginCodeBytes, let box: [UInt8] = Base64URL.decode(text[...]) else {
            return nil
        }
        let plain: [UInt8]? = keys.lazy.compactMap {
            try? SealedBox.open(box, key: $0.forVisits, binding: Self.place)
        }.first
        guard let plain, let document: JSONValue = try? JSONReader.parse(plain),
            let nonce: String = document["n"]?.string,
            let verifier: String = document["v"]?.string, let redirect: String = document["r"]?.string,
            let destination: String = document["d"]?.string, let expires: Int64 = document["e"]?.int, expires > time,
            let bound: String = document["b"]?.string
        else { return nil }
        let shown: String = Hex.encode(SHA256.hash(Array(cookie.utf8)))
        guard ConstantTime.equals(Array(shown.utf8), Array(bound.utf8)) else { return nil }
        self.nonce = nonce
        self.verifier = verifier
        self.redirect = redirect
        self.destination = destination
        self.expires = expires
        binding = cookie
    }
}

/// The visits that are over, so that none ends twice on this node.
final class EndedVisits: Sendable {
    private let ended = Mutex<[String: Int64]>([:])

    /// False when it has ended before.
    func end(_ visit: OpenIDVisit, now: Int64) -> Bool {
        ended.withLock { ended in
            guard ended[visit.nonce] == nil else { return false }
            if ended.count >= Limits.providerVisits { ended = ended.filter { $0.value > now } }
            // Full of visits that are all young: the provider still takes each code once.
            if ended.count >= Limits.providerVisits { ended = [:] }
            ended[visit.nonce] = visit.expires
            return true
        }
    }
}
