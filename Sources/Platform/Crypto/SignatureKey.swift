internal import COpenSSL

/// The public key of somebody who signs elsewhere, for one algorithm: a key never verifies what another algorithm made.
///
/// `@unchecked Sendable`: OpenSSL's key is not changed after `init`, and any number of threads may verify with it
/// (EVP_PKEY(3)); it is freed when the last reference is.
package final class SignatureKey: @unchecked Sendable {
    package enum Algorithm: String, Sendable {
        /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518, section 3.3).
        case rs256 = "RS256"
        /// ECDSA with P-256 and SHA-256 (RFC 7518, section 3.4).
        case es256 = "ES256"
    }

    package let algorithm: Algorithm
    private let handle: OpaquePointer

    private static let p256Bytes: Int = 32

    /// From 2048 to 8192 bits, with an odd exponent of at most 8 bytes; nil for anything else.
    package init?(rsaModulus: [UInt8], exponent: [UInt8]) {
        let modulus: [UInt8] = Array(rsaModulus.drop { $0 == 0 })
        guard (256...1024).contains(modulus.count), (1...8).contains(exponent.count),
            exponent.last.map({ $0 & 1 == 1 }) == true,
            exponent != [1],
            let key: OpaquePointer = copenssl_rsa_public_key(
                modulus,
                Int32(modulus.count),
                exponent,
                Int32(exponent.count)
            )
        else {
            ERR_clear_error()
            return nil
        }
        algorithm = .rs256
        handle = key
    }

    /// A point of P-256; nil when it is none.
    package init?(p256X: [UInt8], y: [UInt8]) {
        guard p256X.count == Self.p256Bytes, y.count == Self.p256Bytes else { return nil }
        let point: [UInt8] = [4] + p256X + y
        guard let key: OpaquePointer = copenssl_p256_public_key(point, point.count) else {
            ERR_clear_error()
            return nil
        }
        algorithm = .es256
        handle = key
    }

    deinit { EVP_PKEY_free(handle) }

    /// Whether this key's owner signed the message.
    ///
    /// - Parameter signature: as RFC 7515 has it; for ES256 the two numbers one behind the other.
    package func verifies(_ message: [UInt8], signature: [UInt8]) -> Bool {
        let encoded: [UInt8]
        switch algorithm {
        case .rs256: encoded = signature
        case .es256:
            guard signature.count == 2 * Self.p256Bytes else { return false }
            let numbers: [UInt8] =
                Self.integer(signature[..<Self.p256Bytes]) + Self.integer(signature[Self.p256Bytes...])
            encoded = [0x30, UInt8(numbers.count)] + numbers
        }
        guard let context: OpaquePointer = EVP_MD_CTX_new() else {
            preconditionFailure("OpenSSL has no memory for a signature")
        }
        defer {
            EVP_MD_CTX_free(context)
            ERR_clear_error()
        }
        guard EVP_DigestVerifyInit_ex(context, nil, "SHA256", nil, nil, handle, nil) == 1 else { return false }
        return EVP_DigestVerify(context, encoded, encoded.count, message, message.count) == 1
    }

    /// An ASN.1 INTEGER of at most 33 bytes.
    private static func integer(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var number: [UInt8] = Array(bytes.drop { $0 == 0 })
        if number.isEmpty { number = [0] }
        if number[0] & 0x80 != 0 { number.insert(0, at: 0) }
        return [2, UInt8(number.count)] + number
    }
}
