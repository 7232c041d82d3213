import COpenSSL
import Testing

@testable import Crypto

@Suite struct SigningKeyTests {
    @Test func `what a key signs its public half verifies, and nothing else`() throws {
        let key: SigningKey = try #require(.generate())
        let verifier: SignatureKey = try #require(SignatureKey(p256X: key.x, y: key.y))
        // Numbers that begin with zeros have to be filled up again: one of 128 signatures has one.
        for index in 0..<600 {
            let message: [UInt8] = Array("message \(index)".utf8)
            let signature: [UInt8] = key.sign(message)
            #expect(signature.count == 64)
            #expect(verifier.verifies(message, signature: signature))
            if index < 20 {
                var altered: [UInt8] = signature
                altered[index * 3] ^= 1
                #expect(!verifier.verifies(message, signature: altered))
                #expect(!verifier.verifies(message + [0], signature: signature))
            }
        }
        let other: SigningKey = try #require(.generate())
        #expect(!verifier.verifies([1], signature: other.sign([1])))
        #expect(key.sign([]).count == 64)
    }

    @Test func `a key is read as it was written`() throws {
        let key: SigningKey = try #require(.generate())
        let again: SigningKey = try #require(SigningKey(der: key.der))
        #expect(again.x == key.x && again.y == key.y && again.der == key.der)
        #expect("\(key)" == "SigningKey(hidden)" && Mirror(reflecting: key).children.isEmpty)
    }

    @Test func `what is no key of P-256 is none`() throws {
        let key: SigningKey = try #require(.generate())
        #expect(SigningKey(der: []) == nil && SigningKey(der: [0x30]) == nil)
        #expect(SigningKey(der: Array(key.der.dropLast(3))) == nil)
        for (kind, curve) in [("EC", "P-384"), ("ED25519", "")] {
            let context: OpaquePointer = try #require(EVP_PKEY_CTX_new_from_name(nil, kind, nil))
            defer { EVP_PKEY_CTX_free(context) }
            var made: OpaquePointer?
            #expect(EVP_PKEY_keygen_init(context) == 1)
            if !curve.isEmpty { #expect(EVP_PKEY_CTX_set_group_name(context, curve) == 1) }
            #expect(EVP_PKEY_generate(context, &made) == 1)
            var output: UnsafeMutablePointer<UInt8>?
            let count: Int32 = i2d_PrivateKey(made, &output)
            let der: [UInt8] = Array(UnsafeBufferPointer(start: output, count: Int(count)))
            CRYPTO_free(output, #file, #line)
            EVP_PKEY_free(made)
            #expect(SigningKey(der: der) == nil, "\(kind)")
        }
        var generator = SystemRandomNumberGenerator()
        for length in 0..<200 {
            let bytes: [UInt8] = (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
            #expect(SigningKey(der: bytes) == nil)
        }
    }
}
