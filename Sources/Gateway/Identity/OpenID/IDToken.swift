import Crypto
import JSON
import Limits

/// What a provider says of a person who has just shown who it is (OpenID Connect Core 1.0, section 2).
struct IDToken: Sendable {
    /// What a token must say to be for us, now.
    struct Expected: Sendable {
        var issuer: String
        var clientID: String
        var nonce: String
        /// Milliseconds since 1970.
        var time: Int64
    }

    let claims: JSONObject
    /// The person, for this issuer and for ever.
    let subject: String

    /// Verifies a token (RFC 7515, RFC 7519, OpenID Connect Core 3.1.3.7).
    ///
    /// Pure.
    ///
    /// - Throws: ``IDTokenFault``; `unknownKey` when the provider may have a newer key.
    init(verifying text: String, keys: SignatureKeySet, expected: Expected) throws(IDTokenFault) {
        guard text.utf8.count <= Limits.providerTokenBytes else { throw .malformed }
        let parts: [Substring] = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let header: JSONObject = Self.object(parts[0]),
            let claims: JSONObject = Self.object(parts[1]),
            let signature: [UInt8] = Base64URL.decode(parts[2])
        else { throw .malformed }
        // The key says how it signs; the header only which key it was. `none` and keyed hashes are not among them.
        guard let algorithm = header["alg"]?.string.flatMap({ SignatureKey.Algorithm(rawValue: $0) }) else {
            throw .algorithm
        }
        // What has to be understood, and is not (RFC 7515, section 4.1.11).
        guard header["crit"] == nil else { throw .malformed }
        let candidates: [SignatureKey] = keys.candidates(algorithm, id: header["kid"]?.string)
        guard !candidates.isEmpty else { throw .unknownKey }
        let signed: [UInt8] = Array("\(parts[0]).\(parts[1])".utf8)
        guard candidates.contains(where: { $0.verifies(signed, signature: signature) }) else { throw .signature }
        try Self.check(claims, expected)
        guard let subject: String = claims["sub"]?.string, !subject.isEmpty, subject.utf8.count <= 255 else {
            throw .claim("sub")
        }
        self.claims = claims
        self.subject = subject
    }

    private static func check(_ claims: JSONObject, _ expected: Expected) throws(IDTokenFault) {
        guard claims["iss"]?.string == expected.issuer else { throw .claim("iss") }
        let audience: [String] = claims["aud"]?.string.map { [$0] } ?? claims["aud"]?.array?.compactMap(\.string) ?? []
        guard audience.contains(expected.clientID) else { throw .claim("aud") }
        if let party: String = claims["azp"]?.string {
            guard party == expected.clientID else { throw .claim("azp") }
        } else if audience.count > 1 {
            throw .claim("azp")
        }
        guard !expected.nonce.isEmpty, let nonce: String = claims["nonce"]?.string,
            ConstantTime.equals(SHA256.hash(Array(nonce.utf8)), SHA256.hash(Array(expected.nonce.utf8)))
        else { throw .claim("nonce") }
        let (now, skew): (Int64, Int64) = (expected.time / 1_000, Limits.providerClockSeconds)
        guard let expires: Int64 = seconds(claims["exp"]), expires > now - skew else { throw .claim("exp") }
        guard let issued: Int64 = seconds(claims["iat"]), issued < now + skew,
            issued > now - Limits.providerTokenSeconds
        else { throw .claim("iat") }
        if let notBefore: JSONValue = claims["nbf"] {
            guard let start: Int64 = seconds(notBefore), start < now + skew else { throw .claim("nbf") }
        }
    }

    /// Seconds since 1970, between then and the year 10000.
    private static func seconds(_ value: JSONValue?) -> Int64? {
        let number: Int64? =
            value?.int ?? value?.double.flatMap { $0.isFinite && abs($0) < 1e15 ? Int64($0) : nil }
        return number.flatMap { (0...253_402_300_800).contains($0) ? $0 : nil }
    }

    private static func object(_ part: Substring) -> JSONObject? {
        Base64URL.decode(part).flatMap { try? JSONReader.parse($0).object }
    }

    /// A claim that is a text or a list of texts; bounded.
    func texts(_ name: String) -> [String] {
        let values: [String] = claims[name]?.string.map { [$0] } ?? claims[name]?.array?.compactMap(\.string) ?? []
        return Array(values.filter { !$0.isEmpty && $0.utf8.count <= 255 }.prefix(Limits.providerGroups))
    }
}

/// Why a token is not believed.
enum IDTokenFault: Error, Hashable, Sendable, CustomStringConvertible {
    case malformed
    /// Neither RS256 nor ES256.
    case algorithm
    /// No key of the provider's has this name and kind.
    case unknownKey
    case signature
    /// The claim is missing or wrong.
    case claim(String)

    var description: String {
        switch self {
        case .malformed: "the provider's token is no token"
        case .algorithm: "the provider's token is signed with neither RS256 nor ES256"
        case .unknownKey: "the provider's token is signed with a key that the provider does not publish"
        case .signature: "the signature of the provider's token is wrong"
        case .claim(let name): "the provider's token is not for this cluster now: its \(name) is missing or wrong"
        }
    }
}
