import Bytes
import Crypto
import Testing

struct SignatureKeyTests {
    /// Made by another implementation (the package cryptography of PyPI), as were the keys and signatures below.
    private static let message: [UInt8] = Array("a message of somebody else".utf8)

    private static func bytes(_ text: String) -> [UInt8] {
        var plain: String = text.replacing("-", with: "+").replacing("_", with: "/")
        while plain.count % 4 != 0 { plain += "=" }
        return Base64.decode(plain) ?? []
    }

    private static let modulus: String =
        "pCz1IGE2-MT-prClWzwl0aMiDHu31WuOmxKNKdoCCxL1ZDbEMd33Wx43UrNrvq2anxkTAhwv68ecPlAMJjDNjdIDx_SbVPWe3gqeW23BnWt6Q8sMzE7"
        + "Jhm2r9j3QUNeFUPyYG3NFvXqkwRURRrr1npd7Hg2QVgKMlptkicq52nAlVpG8YHkDHuXRoViKMFfNZOejofiWLAwUZXcoY7pMZIF1h16cYpGluuZ5Xr"
        + "MiXSfnNh1cPekSgQAdhGS_pxyQk1-t1HM5_lQhxL9IvS3vXNJKnDu558epPA6IQT1NOM3frfoFBJTg66xTOHeC_kNKQYHJBl9H7ueSU5xBMqB1nw"
    private static let rsaSignature: String =
        "KZebDfsk3hA0EktA8rUeJjTfna-l8xQtypKuCsZwCrknQDPAo2i74juhyStiaMFhgQfw4dfo53cBCrOB7InMhcRiGMhEx78hpXkJNVGywAFHXcH0yt4"
        + "NQYivSrHgCUn2TtpwUaLWpu6AuVI6Wql_K_99VCT_a_B2AJ7GnwdJVzHJMNvhsMhmO3ytyjcfLgdlNfiSOTAIt4dx46e1wOuq2R4eMeLI1bSFH7OD4v"
        + "eFjNDF4MgAaLI3FRZjpYN7_DSsEljxOarfyHnJUfW7G6Ukn2iE48dzEaWbqil3ZQAxRukbAvNYeJKQ6pP9aYJRDwc4STMXvIB4_PsUsXAsZ0sFDg"
    private static let x: String = "AB75nt0roQFHJtuMPl8lgSuBJCr0cPCf0DTLCovXa4o"
    private static let y: String = "7Dn_b4G5tbIKccDFhiSPlqODcT0p9pCK84nJ8kHjjhc"
    private static let ecSignature: String =
        "_05MU6pihfxmRomy0R97YqUDhxHxrKd27GVvXgUkihAQNuW4xAjk6UTyURGUgC21OtGDqClDNwYOQI5pgKBIKw"

    private static func rsa() -> SignatureKey? {
        SignatureKey(rsaModulus: bytes(modulus), exponent: [1, 0, 1])
    }

    private static func ec() -> SignatureKey? { SignatureKey(p256X: bytes(x), y: bytes(y)) }

    @Test func `what others have signed verifies, and nothing else does`() throws {
        let cases: [(SignatureKey?, String)] = [(Self.rsa(), Self.rsaSignature), (Self.ec(), Self.ecSignature)]
        for (made, text) in cases {
            let key: SignatureKey = try #require(made)
            let message: [UInt8] = Self.message
            let signature: [UInt8] = Self.bytes(text)
            #expect(key.verifies(message, signature: signature), "\(key.algorithm)")
            for place in stride(from: 0, to: signature.count, by: 7) {
                var other: [UInt8] = signature
                other[place] ^= 1
                #expect(!key.verifies(message, signature: other))
            }
            #expect(!key.verifies(message + [0], signature: signature))
            for wrong: [UInt8] in [
                [], [0], Array(signature.dropLast()), signature + [0], [UInt8](repeating: 0, count: signature.count),
            ] { #expect(!key.verifies(message, signature: wrong)) }
        }
    }

    @Test func `what is no key of these kinds is refused`() {
        let modulus: [UInt8] = Self.bytes(Self.modulus)
        #expect(SignatureKey(rsaModulus: Array(modulus.prefix(128)), exponent: [1, 0, 1]) == nil)
        #expect(SignatureKey(rsaModulus: [UInt8](repeating: 0xFF, count: 1025), exponent: [1, 0, 1]) == nil)
        #expect(SignatureKey(rsaModulus: modulus, exponent: []) == nil)
        #expect(SignatureKey(rsaModulus: modulus, exponent: [1]) == nil)
        #expect(SignatureKey(rsaModulus: modulus, exponent: [2]) == nil)
        #expect(SignatureKey(p256X: Self.bytes(Self.x), y: Self.bytes(Self.x)) == nil)
        #expect(SignatureKey(p256X: [], y: []) == nil)
        #expect(SignatureKey(p256X: [UInt8](repeating: 0, count: 32), y: [UInt8](repeating: 0, count: 32)) == nil)
    }
}
