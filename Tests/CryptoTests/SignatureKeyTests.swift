import Bytes
import Crypto
import Testing

struct SignatureKeyTests {
    // RFC 7515, appendix A.2 (RS256) and A.3 (ES256): keys and signatures over the same header and payload.
    private static let payload: String =
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"

    private static func bytes(_ text: String) -> [UInt8] {
        var plain: String = text.replacing("-", with: "+").replacing("_", with: "/")
        while plain.count % 4 != 0 { plain += "=" }
        return Base64.decode(plain) ?? []
    }

    private static let modulus: String =
        "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNM"
        + "D1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdV"
        + "MTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"
    private static let rsaSignature: String =
        "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dn"
        + "ZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-"
        + "eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
    private static let x: String = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
    private static let y: String = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
    private static let ecSignature: String =
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"

    private static func rsa() -> SignatureKey? {
        SignatureKey(rsaModulus: bytes(modulus), exponent: [1, 0, 1])
    }

    private static func ec() -> SignatureKey? { SignatureKey(p256X: bytes(x), y: bytes(y)) }

    @Test func `the examples of the standard verify, and nothing else does`() throws {
        let cases: [(SignatureKey?, String, String)] = [
            (Self.rsa(), "eyJhbGciOiJSUzI1NiJ9", Self.rsaSignature), (Self.ec(), "eyJhbGciOiJFUzI1NiJ9", Self.ecSignature),
        ]
        for (made, header, text) in cases {
            let key: SignatureKey = try #require(made)
            let message: [UInt8] = Array("\(header).\(Self.payload)".utf8)
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
