import COpenSSL

/// Unpredictable bytes for keys, tokens and identities.
package enum SecureRandom {
    /// `count` bytes from the system's generator.
    ///
    /// The process stops when the generator fails: a predictable secret is worse than no server.
    package static func bytes(_ count: Int) -> [UInt8] {
        precondition((0...Int(Int32.max)).contains(count), "\(count) random bytes in one call")
        return [UInt8](unsafeUninitializedCapacity: count) { output, made in
            if count > 0 {
                precondition(
                    RAND_bytes(output.baseAddress, Int32(count)) == 1,
                    "the system's random generator failed"
                )
            }
            made = count
        }
    }
}
