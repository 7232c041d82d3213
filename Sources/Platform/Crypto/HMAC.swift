import COpenSSL

/// Message authentication by a shared key (RFC 2104).
package enum HMAC {
    /// The SHA-256 tag of `message`, 32 bytes long; compare it with ``ConstantTime/equals(_:_:)``.
    package static func sha256(key: some Collection<UInt8>, message: some Collection<UInt8>) -> [UInt8] {
        withContiguousBytes(key) { key in
            withContiguousBytes(message) { message in
                [UInt8](unsafeUninitializedCapacity: SHA256.byteCount) { output, count in
                    let tag: UnsafeMutablePointer<UInt8>? = COpenSSL.HMAC(
                        DigestAlgorithm.sha256.method,
                        key.baseAddress,
                        Int32(key.count),
                        message.baseAddress,
                        message.count,
                        output.baseAddress,
                        nil
                    )
                    precondition(tag != nil, "OpenSSL could not authenticate \(message.count) bytes")
                    count = SHA256.byteCount
                }
            }
        }
    }
}
