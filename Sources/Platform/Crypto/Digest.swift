import COpenSSL

/// SHA-1 (FIPS 180-4): only where a protocol demands it (WebSocket handshakes, git), never for security.
package enum SHA1 {
    /// How long a digest is, in bytes.
    package static let byteCount: Int = 20

    /// The digest of `bytes`, 20 bytes long.
    package static func hash(_ bytes: some Collection<UInt8>) -> [UInt8] {
        DigestAlgorithm.sha1.digest(bytes)
    }
}

/// SHA-256 (FIPS 180-4).
package enum SHA256 {
    /// How long a digest is, in bytes.
    package static let byteCount: Int = 32

    /// The digest of `bytes`, 32 bytes long.
    package static func hash(_ bytes: some Collection<UInt8>) -> [UInt8] {
        DigestAlgorithm.sha256.digest(bytes)
    }
}

/// An algorithm that was looked up once: OpenSSL 3 otherwise searches its providers at every call.
///
/// `@unchecked Sendable`: the pointer is never freed or changed after `init`, and OpenSSL lets any number
/// of threads use one fetched algorithm (EVP_MD_fetch(3)).
struct DigestAlgorithm: @unchecked Sendable {
    static let sha1 = DigestAlgorithm("SHA1", byteCount: SHA1.byteCount)
    static let sha256 = DigestAlgorithm("SHA2-256", byteCount: SHA256.byteCount)
    static let sha512 = DigestAlgorithm("SHA2-512", byteCount: 64)

    let method: OpaquePointer
    let byteCount: Int

    private init(_ name: String, byteCount: Int) {
        guard let method: OpaquePointer = EVP_MD_fetch(nil, name, nil) else {
            preconditionFailure("OpenSSL offers no \(name): its configuration loads no default provider")
        }
        self.method = method
        self.byteCount = byteCount
    }

    func digest(_ bytes: some Collection<UInt8>) -> [UInt8] {
        withContiguousBytes(bytes) { input in
            [UInt8](unsafeUninitializedCapacity: byteCount) { output, count in
                let done: Int32 = EVP_Digest(input.baseAddress, input.count, output.baseAddress, nil, method, nil)
                precondition(done == 1, "OpenSSL could not compute a digest of \(input.count) bytes")
                count = byteCount
            }
        }
    }
}

/// Calls `body` with `bytes` in one piece; copies them only when they do not lie in one piece already.
func withContiguousBytes<Result>(
    _ bytes: some Collection<UInt8>,
    _ body: (UnsafeBufferPointer<UInt8>) -> Result
) -> Result {
    if let result: Result = bytes.withContiguousStorageIfAvailable(body) { return result }
    return Array(bytes).withUnsafeBufferPointer(body)
}
