import COpenSSL

/// Message authentication by a shared key (RFC 2104).
package enum HMAC {
    /// The SHA-256 tag of `message`, 32 bytes long; compare it with ``ConstantTime/equals(_:_:)``.
    package static func sha256(key: some Collection<UInt8>, message: some Collection<UInt8>) -> [UInt8] {
        tag(DigestAlgorithm.sha256, key, message)
    }

    /// The SHA-512 tag of `message`, 64 bytes long.
    package static func sha512(key: some Collection<UInt8>, message: some Collection<UInt8>) -> [UInt8] {
        tag(DigestAlgorithm.sha512, key, message)
    }

    private static func tag(
        _ algorithm: DigestAlgorithm,
        _ key: some Collection<UInt8>,
        _ message: some Collection<UInt8>
    ) -> [UInt8] {
        withContiguousBytes(key) { key in
            withContiguousBytes(message) { message in
                [UInt8](unsafeUninitializedCapacity: algorithm.byteCount) { output, count in
                    let tag: UnsafeMutablePointer<UInt8>? = COpenSSL.HMAC(
                        algorithm.method,
                        key.baseAddress,
                        Int32(key.count),
                        message.baseAddress,
                        message.count,
                        output.baseAddress,
                        nil
                    )
                    precondition(tag != nil, "OpenSSL could not authenticate \(message.count) bytes")
                    count = algorithm.byteCount
                }
            }
        }
    }
}
