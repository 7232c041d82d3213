internal import COpenSSL

/// A private key that signs with ECDSA over P-256 and SHA-256 (ES256; RFC 7518, section 3.4), and nothing else.
///
/// Its description never shows the key.
///
/// `@unchecked Sendable`: OpenSSL's key is not changed after `init`, and any number of threads may sign with it
/// (EVP_PKEY(3)); it is wiped and freed when the last reference is gone.
package final class SigningKey: @unchecked Sendable, CustomStringConvertible, CustomReflectable {
    /// The public half: a point of P-256, 32 bytes each.
    package let x: [UInt8]
    package let y: [UInt8]
    private let handle: OpaquePointer

    private static let numberBytes: Int = 32

    /// A new key; nil when OpenSSL cannot make one.
    package static func generate() -> SigningKey? { copenssl_new_p256_key().flatMap { SigningKey(adopting: $0) } }

    /// Reads what ``der`` has written; nil for anything but a key of P-256.
    package convenience init?(der: [UInt8]) {
        let key: OpaquePointer? = der.withUnsafeBufferPointer { bytes in
            var place: UnsafePointer<UInt8>? = bytes.baseAddress
            return d2i_AutoPrivateKey(nil, &place, bytes.count)
        }
        guard let key else {
            ERR_clear_error()
            return nil
        }
        self.init(adopting: key)
    }

    private init?(adopting key: OpaquePointer) {
        handle = key
        var point = [UInt8](repeating: 0, count: 2 * Self.numberBytes + 1)
        var count: Int = 0
        let isRead: Bool =
            EVP_PKEY_is_a(key, "EC") == 1
            && EVP_PKEY_get_octet_string_param(key, "encoded-pub-key", &point, point.count, &count) == 1
        // Its size tells the curve, its first byte that both numbers stand there.
        guard isRead, count == point.count, point[0] == 4, EVP_PKEY_get_bits(key) == 256, Self.isP256(key) else {
            x = []
            y = []
            ERR_clear_error()
            return nil
        }
        x = Array(point[1...Self.numberBytes])
        y = Array(point[(Self.numberBytes + 1)...])
    }

    deinit { EVP_PKEY_free(handle) }

    private static func isP256(_ key: OpaquePointer) -> Bool {
        var name = [CChar](repeating: 0, count: 64)
        var length: Int = 0
        guard EVP_PKEY_get_group_name(key, &name, name.count, &length) == 1, length < name.count else { return false }
        let text = String(decoding: name[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return text == "prime256v1" || text == "P-256"
    }

    /// The key, to be sealed; never stored in clear.
    package var der: [UInt8] {
        var output: UnsafeMutablePointer<UInt8>?
        let count: Int32 = i2d_PrivateKey(handle, &output)
        guard count > 0, let output else { preconditionFailure("OpenSSL could not write a private key that it holds") }
        defer { CRYPTO_clear_free(output, Int(count), #file, #line) }
        return Array(UnsafeBufferPointer(start: output, count: Int(count)))
    }

    /// Signs the message: two numbers of 32 bytes, one behind the other (RFC 7515's form).
    package func sign(_ message: [UInt8]) -> [UInt8] {
        guard let context: OpaquePointer = EVP_MD_CTX_new() else {
            preconditionFailure("OpenSSL has no memory for a signature")
        }
        defer { EVP_MD_CTX_free(context) }
        var signature = [UInt8](repeating: 0, count: 128)
        var count: Int = signature.count
        guard EVP_DigestSignInit_ex(context, nil, "SHA256", nil, nil, handle, nil) == 1,
            EVP_DigestSign(context, &signature, &count, message, message.count) == 1
        else { preconditionFailure("OpenSSL could not sign with a key that it holds") }
        return Self.numbers(signature.prefix(count))
    }

    /// Out of ASN.1: a sequence of two positive integers, each of at most 33 bytes.
    private static func numbers(_ encoded: ArraySlice<UInt8>) -> [UInt8] {
        var rest: ArraySlice<UInt8> = encoded.dropFirst(2)
        var plain: [UInt8] = []
        for _ in 0..<2 {
            let length = Int(rest.dropFirst().first ?? 0)
            let number: ArraySlice<UInt8> = rest.dropFirst(2).prefix(length).drop { $0 == 0 }
            plain += [UInt8](repeating: 0, count: max(0, numberBytes - number.count)) + number
            rest = rest.dropFirst(2 + length)
        }
        return plain
    }

    package var description: String { "SigningKey(hidden)" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
