internal import COpenSSL

/// The SHA-256 (FIPS 180-4) of bytes that do not lie in memory at once.
package struct RunningSHA256: ~Copyable {
    private let context: OpaquePointer

    package init() {
        guard let context: OpaquePointer = EVP_MD_CTX_new() else {
            preconditionFailure("OpenSSL has no memory for a digest")
        }
        self.context = context
        let done: Int32 = EVP_DigestInit_ex(context, DigestAlgorithm.sha256.method, nil)
        precondition(done == 1, "OpenSSL could not begin a digest")
    }

    deinit { EVP_MD_CTX_free(context) }

    package mutating func add(_ bytes: [UInt8]) {
        // The pointer lives only for the call.
        let done: Int32 = bytes.withUnsafeBytes { EVP_DigestUpdate(context, $0.baseAddress, $0.count) }
        precondition(done == 1, "OpenSSL could not go on with a digest of \(bytes.count) bytes")
    }

    /// The digest of all that was added, 32 bytes long.
    package consuming func finish() -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: SHA256.byteCount) { output, count in
            let done: Int32 = EVP_DigestFinal_ex(context, output.baseAddress, nil)
            precondition(done == 1, "OpenSSL could not finish a digest")
            count = SHA256.byteCount
        }
    }
}
