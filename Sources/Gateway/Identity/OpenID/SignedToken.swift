import Crypto
import JSON
import Limits

/// A signed JSON Web Token that was verified (RFC 7515, RFC 7519): by a key that is known, from whom it must be, for whom it
/// must be, and of now.
struct SignedToken: Sendable {
    /// What a token must say to be believed.
    struct Expected: Sendable {
        var issuer: String
        var audience: String
        /// Milliseconds since 1970.
        var time: Int64
        /// How old it may be.
        var ageSeconds: Int64
    }

    let claims: JSONObject

    /// Verifies a token.
    ///
    /// Pure.
    ///
    /// - Throws: ``IDTokenFault``; `unknownKey` when its issuer may have a newer key.
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
        self.claims = claims
    }

    private static func check(_ claims: JSONObject, _ expected: Expected) throws(IDTokenFault) {
        guard claims["iss"]?.string == expected.issuer else { throw .claim("iss") }
        guard audience(claims).contains(expected.audience) else { throw .claim("aud") }
        let (now, skew): (Int64, Int64) = (expected.time / 1_000, Limits.providerClockSeconds)
        guard let expires: Int64 = seconds(claims["exp"]), expires > now - skew else { throw .claim("exp") }
        guard let issued: Int64 = seconds(claims["iat"]), issued < now + skew, issued > now - expected.ageSeconds
        else { throw .claim("iat") }
        if let notBefore: JSONValue = claims["nbf"] {
            guard let start: Int64 = seconds(notBefore), start < now + skew else { throw .claim("nbf") }
        }
    }

    /// Whom it is for: one, or a list.
    var audience: [String] { Self.audience(claims) }

    private static func audience(_ claims: JSONObject) -> [String] {
        claims["aud"]?.string.map { [$0] } ?? claims["aud"]?.array?.compactMap(\.string) ?? []
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
}
