import Bytes
import COpenSSL
@testable import Gateway
import JSON

/// Signs tokens as a provider does; also such as none should.
///
/// `@unchecked Sendable`: the key is only read after `init`.
final class TestSigner: @unchecked Sendable {
    let algorithm: String
    let id: String
    private let key: OpaquePointer

    static let ec = TestSigner(ec: "ec-1")
    static let rsa = TestSigner(rsa: "rsa-1")

    init(ec id: String) {
        guard let key: OpaquePointer = copenssl_new_p256_key() else { fatalError("no P-256 key") }
        self.key = key
        self.id = id
        algorithm = "ES256"
    }

    init(rsa id: String) {
        var made: OpaquePointer?
        let context: OpaquePointer? = EVP_PKEY_CTX_new_from_name(nil, "RSA", nil)
        guard EVP_PKEY_keygen_init(context) == 1, EVP_PKEY_generate(context, &made) == 1, let made else {
            fatalError("no RSA key")
        }
        EVP_PKEY_CTX_free(context)
        key = made
        self.id = id
        algorithm = "RS256"
    }

    /// The public half, as a provider publishes it.
    var published: JSONValue {
        if algorithm == "ES256" {
            var point = [UInt8](repeating: 0, count: 65)
            var count: Int = 0
            EVP_PKEY_get_octet_string_param(key, "encoded-pub-key", &point, point.count, &count)
            return [
                "kty": "EC", "crv": "P-256", "kid": .string(id), "use": "sig", "alg": "ES256",
                "x": .string(Base64URL.encode(Array(point[1...32]))),
                "y": .string(Base64URL.encode(Array(point[33...64]))),
            ]
        }
        return [
            "kty": "RSA", "kid": .string(id), "use": "sig", "n": .string(number("n")), "e": .string(number("e")),
        ]
    }

    private func number(_ name: String) -> String {
        var value: OpaquePointer?
        EVP_PKEY_get_bn_param(key, name, &value)
        defer { BN_free(value) }
        var bytes = [UInt8](repeating: 0, count: Int(BN_num_bits(value) + 7) / 8)
        BN_bn2bin(value, &bytes)
        return Base64URL.encode(bytes)
    }

    func sign(_ claims: JSONObject, header: JSONObject? = nil) -> String {
        let header: JSONObject = header ?? ["alg": .string(algorithm), "kid": .string(id), "typ": "JWT"]
        let text =
            "\(Base64URL.encode(JSONWriter.bytes(.object(header)))).\(Base64URL.encode(JSONWriter.bytes(.object(claims))))"
        return "\(text).\(Base64URL.encode(signature(Array(text.utf8))))"
    }

    private func signature(_ message: [UInt8]) -> [UInt8] {
        let context: OpaquePointer? = EVP_MD_CTX_new()
        defer { EVP_MD_CTX_free(context) }
        EVP_DigestSignInit_ex(context, nil, "SHA256", nil, nil, key, nil)
        var count: Int = 512
        var bytes = [UInt8](repeating: 0, count: count)
        EVP_DigestSign(context, &bytes, &count, message, message.count)
        bytes = Array(bytes.prefix(count))
        guard algorithm == "ES256" else { return bytes }
        // Out of ASN.1: SEQUENCE of two INTEGERs.
        var rest: ArraySlice<UInt8> = bytes[2...]
        var plain: [UInt8] = []
        for _ in 0..<2 {
            let length = Int(rest[rest.startIndex + 1])
            let number: [UInt8] = Array(rest.dropFirst(2).prefix(length).drop { $0 == 0 })
            plain += [UInt8](repeating: 0, count: 32 - number.count) + number
            rest = rest.dropFirst(2 + length)
        }
        return plain
    }
}
