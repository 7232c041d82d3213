import COpenSSL

/// Secrets at rest: encrypted and authenticated with AES-256-GCM (NIST SP 800-38D).
///
/// Shape: nonce (12 bytes, random), ciphertext (as long as the plain text), tag (16 bytes). `binding` is not
/// stored; it ties the box to its place (say, a cluster and a record), so that it opens nowhere else.
///
/// Limits: random nonces allow 2^32 boxes under one key.
package enum SealedBox {
    /// How long a key is, in bytes.
    package static let keyBytes: Int = 32

    private static let nonceBytes: Int = 12
    private static let tagBytes: Int = 16
    private static let largest: Int = 1 << 30

    /// Seals `plain` under `key`.
    package static func seal(_ plain: [UInt8], key: [UInt8], binding: [UInt8]) throws(CryptoFault) -> [UInt8] {
        guard key.count == keyBytes else { throw .keyLength(key.count, wanted: keyBytes) }
        guard max(plain.count, binding.count) <= largest else { throw .tooLong(max(plain.count, binding.count)) }
        let nonce: [UInt8] = SecureRandom.bytes(nonceBytes)
        return run { context in
            var written: Int32 = 0
            guard EVP_EncryptInit_ex2(context, AES256GCM.shared.method, key, nonce, nil) == 1,
                EVP_EncryptUpdate(context, nil, &written, binding, Int32(binding.count)) == 1
            else { return nil }
            var tag = [UInt8](repeating: 0, count: tagBytes)
            var done: Bool = false
            var sealed: [UInt8] = nonce
            sealed.append(
                contentsOf: [UInt8](unsafeUninitializedCapacity: plain.count + 1) { output, count in
                    // One byte more than needed: an empty text would have no address.
                    done = EVP_EncryptUpdate(context, output.baseAddress, &written, plain, Int32(plain.count)) == 1
                    count = plain.count
                }
            )
            guard done, EVP_EncryptFinal_ex(context, &tag, &written) == 1,
                EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, Int32(tagBytes), &tag) == 1
            else { return nil }
            return sealed + tag
        }
    }

    /// What was sealed.
    ///
    /// - Throws: ``CryptoFault/altered`` when box, key or binding is another.
    package static func open(_ sealed: [UInt8], key: [UInt8], binding: [UInt8]) throws(CryptoFault) -> [UInt8] {
        guard key.count == keyBytes else { throw .keyLength(key.count, wanted: keyBytes) }
        guard max(sealed.count, binding.count) <= largest + nonceBytes + tagBytes else { throw .tooLong(sealed.count) }
        guard sealed.count >= nonceBytes + tagBytes else { throw .tooShort(sealed.count) }
        let nonce: [UInt8] = Array(sealed[..<nonceBytes])
        let cipher: [UInt8] = Array(sealed[nonceBytes..<sealed.count - tagBytes])
        var tag: [UInt8] = Array(sealed[(sealed.count - tagBytes)...])
        var opens: Bool = false
        let plain: [UInt8] = run { context in
            var written: Int32 = 0
            guard EVP_DecryptInit_ex2(context, AES256GCM.shared.method, key, nonce, nil) == 1,
                EVP_DecryptUpdate(context, nil, &written, binding, Int32(binding.count)) == 1
            else { return nil }
            var done: Bool = false
            let plain = [UInt8](unsafeUninitializedCapacity: cipher.count + 1) { output, count in
                done = EVP_DecryptUpdate(context, output.baseAddress, &written, cipher, Int32(cipher.count)) == 1
                count = cipher.count
            }
            guard done, EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, Int32(tagBytes), &tag) == 1 else {
                return nil
            }
            var rest = [UInt8](repeating: 0, count: tagBytes)
            // The one step that tells whether anything was altered.
            opens = EVP_DecryptFinal_ex(context, &rest, &written) == 1
            return opens ? plain : []
        }
        guard opens else { throw .altered }
        return plain
    }

    /// Lends `body` a context; what it cannot do (nil) no input causes, only a lack of memory.
    private static func run(_ body: (OpaquePointer) -> [UInt8]?) -> [UInt8] {
        guard let context: OpaquePointer = EVP_CIPHER_CTX_new() else {
            preconditionFailure("OpenSSL has no memory for a cipher")
        }
        defer { EVP_CIPHER_CTX_free(context) }
        guard let result: [UInt8] = body(context) else { preconditionFailure("OpenSSL could not run AES-256-GCM") }
        return result
    }
}

/// The algorithm, looked up once.
///
/// `@unchecked Sendable`: the pointer is never freed or changed after `init`, and OpenSSL lets any number
/// of threads use one fetched algorithm (EVP_CIPHER_fetch(3)).
private struct AES256GCM: @unchecked Sendable {
    static let shared = AES256GCM()
    let method: OpaquePointer

    private init() {
        guard let method: OpaquePointer = EVP_CIPHER_fetch(nil, "AES-256-GCM", nil) else {
            preconditionFailure("OpenSSL offers no AES-256-GCM: its configuration loads no default provider")
        }
        self.method = method
    }
}
