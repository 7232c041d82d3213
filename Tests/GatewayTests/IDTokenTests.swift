import Bytes
import Crypto
@testable import Gateway
import JSON
import Limits
import TestSupport
import Testing

struct IDTokenTests {
    private static let time: Int64 = 1_700_000_000
    private static let expected = IDToken.Expected(
        issuer: "https://idp.test/realm",
        clientID: "drover",
        nonce: "the nonce",
        time: time * 1_000
    )
    private static let keys = SignatureKeySet(["keys": [TestSigner.rsa.published, TestSigner.ec.published]])

    private static func claims(_ changes: JSONObject = [:]) -> JSONObject {
        var claims: JSONObject = [
            "iss": "https://idp.test/realm", "aud": "drover", "sub": "person 7", "nonce": "the nonce",
            "iat": .int(time - 1), "exp": .int(time + 300), "groups": ["ops", "dev"],
        ]
        for (name, value) in changes { claims[name] = value.isNull ? nil : value }
        return claims
    }

    private static func verify(_ text: String, _ keys: SignatureKeySet = Self.keys) -> Result<IDToken, IDTokenFault> {
        Result { () throws(IDTokenFault) in try IDToken(verifying: text, keys: keys, expected: expected) }
    }

    private static func fault(_ text: String, _ keys: SignatureKeySet = Self.keys) -> IDTokenFault? {
        if case .failure(let fault) = verify(text, keys) { fault } else { nil }
    }

    @Test func `good tokens of both kinds are believed`() throws {
        for signer in [TestSigner.rsa, TestSigner.ec] {
            let token: IDToken = try Self.verify(signer.sign(Self.claims())).get()
            #expect(token.subject == "person 7" && token.texts("groups") == ["ops", "dev"])
        }
        for changes: JSONObject in [
            ["aud": ["drover"]], ["aud": ["other", "drover"], "azp": "drover"], ["exp": .int(Self.time - 59)],
            ["iat": .int(Self.time + 59)], ["nbf": .int(Self.time)], ["exp": .double(Double(Self.time) + 0.5)],
        ] { #expect(Self.fault(TestSigner.ec.sign(Self.claims(changes))) == nil, "\(changes)") }
    }

    private static let wrongClaims: [(JSONObject, String)] = [
        (["iss": "https://idp.test"], "iss"), (["iss": "https://idp.test/realm/"], "iss"), (["iss": nil], "iss"),
        (["aud": "other"], "aud"), (["aud": ["other"]], "aud"), (["aud": []], "aud"), (["aud": nil], "aud"),
        (["aud": ["other", "drover"]], "azp"), (["azp": "other"], "azp"),
        (["nonce": "another"], "nonce"), (["nonce": nil], "nonce"), (["nonce": ""], "nonce"),
        (["exp": .int(time - 60)], "exp"), (["exp": nil], "exp"), (["exp": "never"], "exp"),
        (["exp": .int(.max)], "exp"),
        (["exp": .double(.infinity)], "exp"), (["iat": .int(time + 61)], "iat"), (["iat": nil], "iat"),
        (["iat": .int(time - Limits.providerTokenSeconds - 1)], "iat"), (["nbf": .int(time + 61)], "nbf"),
        (["nbf": "x"], "nbf"), (["sub": nil], "sub"), (["sub": ""], "sub"), (["sub": 7], "sub"),
        (["sub": .string(String(repeating: "x", count: 256))], "sub"),
    ]

    @Test(arguments: wrongClaims)
    func `a token for another, of another time or of another visit is refused`(changes: JSONObject, name: String) {
        #expect(Self.fault(TestSigner.ec.sign(Self.claims(changes))) == .claim(name))
    }

    @Test func `no algorithm but those two, whatever the header says`() {
        let claims: JSONObject = Self.claims()
        for algorithm in ["none", "None", "HS256", "RS512", "ES384", "PS256", ""] {
            let text: String = TestSigner.ec.sign(claims, header: ["alg": .string(algorithm), "kid": "ec-1"])
            #expect(Self.fault(text) == .algorithm, "\(algorithm)")
        }
        #expect(Self.fault(TestSigner.ec.sign(claims, header: ["kid": "ec-1"])) == .algorithm)
        // A key of the other kind under the right name, and the public key as a shared secret.
        #expect(Self.fault(TestSigner.ec.sign(claims, header: ["alg": "RS256", "kid": "ec-1"])) == .unknownKey)
        #expect(Self.fault(TestSigner.ec.sign(claims, header: ["alg": "RS256", "kid": "rsa-1"])) == .signature)
        #expect(Self.fault(TestSigner.rsa.sign(claims, header: ["alg": "ES256", "kid": "ec-1"])) == .signature)
        let critical: JSONObject = ["alg": "ES256", "kid": "ec-1", "crit": ["exp"]]
        #expect(Self.fault(TestSigner.ec.sign(claims, header: critical)) == .malformed)
        // Where the header points to keys, nobody looks.
        let stranger = TestSigner(ec: "ec-1")
        let pointing: JSONObject = ["alg": "ES256", "jwk": stranger.published, "jku": "https://evil.test/keys"]
        #expect(Self.fault(stranger.sign(claims, header: pointing)) == .signature)
    }

    @Test func `an unknown key is told apart, since the provider may have a newer one`() {
        let newer = TestSigner(ec: "ec-2")
        #expect(Self.fault(newer.sign(Self.claims())) == .unknownKey)
        #expect(Self.fault(newer.sign(Self.claims()), SignatureKeySet(["keys": [newer.published]])) == nil)
        #expect(Self.fault(newer.sign(Self.claims()), SignatureKeySet([:])) == .unknownKey)
    }

    @Test func `what is no token is refused, and so is every altered byte`() {
        let good: String = TestSigner.ec.sign(Self.claims())
        for text in [
            "", ".", "..", "...", "a.b.c", "e30.e30.", good + ".", String(good.dropLast(8)), good + "AAAA",
            "e30." + good.drop { $0 != "." }.dropFirst(), String(repeating: "A", count: Limits.providerTokenBytes + 1),
        ] { #expect(Self.fault(text) != nil, "\(text.prefix(40))") }
        var generator = Seeded(5)
        let bytes: [UInt8] = Array(good.utf8)
        for _ in 0..<300 {
            var altered: [UInt8] = bytes
            let place = Int(generator.next() % UInt64(bytes.count - 2))
            altered[place] = UInt8(truncatingIfNeeded: generator.next())
            guard altered != bytes else { continue }
            #expect(Self.fault(String(decoding: altered, as: UTF8.self)) != nil)
        }
    }

    @Test func `keys for other uses, of other kinds and without sense are left out`() {
        func changed(_ changes: JSONObject) -> JSONValue {
            var key: JSONObject = TestSigner.ec.published.object ?? [:]
            for (name, value) in changes { key[name] = value }
            return .object(key)
        }
        let none: [JSONValue] = [
            changed(["use": "enc"]), changed(["alg": "ES384"]), changed(["crv": "P-384"]),
            changed(["kty": "oct", "k": "AAAA"]),
            changed(["x": "AA"]), changed(["y": "!!"]), changed(["kty": "OKP"]), "text", [:], .null,
        ]
        #expect(SignatureKeySet(["keys": .array(none)]).entries.isEmpty)
        #expect(SignatureKeySet("text").entries.isEmpty)
        let many: [JSONValue] = Array(repeating: TestSigner.ec.published, count: Limits.providerKeys + 10)
        #expect(SignatureKeySet(["keys": .array(many)]).entries.count == Limits.providerKeys)
    }

    @Test(arguments: [[], [0], [0xFB, 0xFF], [1, 2, 3], Array(0...255)] as [[UInt8]])
    func `base64 for addresses goes there and back`(bytes: [UInt8]) {
        let text: String = Base64URL.encode(bytes)
        #expect(text.utf8.allSatisfy { !"+/=".utf8.contains($0) })
        #expect(Base64URL.decode(text[...]) == bytes)
    }

    @Test func `a visit comes back to the same browser, once, in time`() throws {
        let key = IdentityKey(id: 1, bytes: SecureRandom.bytes(32))
        let visit = OpenIDVisit(redirect: "https://drover.test/back", destination: "/", at: 1_000)
        let state: String = try #require(visit.sealed(key))
        #expect(!state.contains(visit.verifier) && !state.contains(visit.nonce))
        func open(_ text: String, _ keys: [IdentityKey], _ cookie: String, _ time: Int64) -> OpenIDVisit? {
            OpenIDVisit(opening: text, keys: keys, cookie: cookie, at: time)
        }
        let other = IdentityKey(id: 2, bytes: SecureRandom.bytes(32))
        #expect(open(state, [other, key], visit.binding, 2_000) == visit)
        #expect(open(state, [other], visit.binding, 2_000) == nil)
        #expect(open(state, [key], "another", 2_000) == nil)
        #expect(open(state, [key], visit.binding, 1_000 + Limits.providerVisitMilliseconds) == nil)
        #expect(open(String(state.dropLast()), [key], visit.binding, 2_000) == nil)
        let ended = EndedVisits()
        #expect(ended.end(visit, now: 2_000) && !ended.end(visit, now: 2_000))
        // RFC 7636, appendix B.
        var known: OpenIDVisit = visit
        known.verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
        #expect(known.challenge == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
    }
}
