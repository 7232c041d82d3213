import COpenSSL
import Synchronization

/// Unpredictable bytes for keys, tokens and identities.
package enum SecureRandom {
    private struct Pool {
        var bytes: [UInt8] = []
        var used: Int = 0
    }

    private static let pool = Mutex<Pool>(Pool())
    private static let poolBytes: Int = 4_096

    /// A few bytes for identifiers that each request needs some of: as unpredictable as all others, fetched many at a time.
    ///
    /// Not for secrets, which should be nowhere but where they are used.
    package static func identifier(_ count: Int) -> [UInt8] {
        precondition((0...poolBytes).contains(count), "an identifier of \(count) bytes")
        return pool.withLock { pool in
            if pool.bytes.count - pool.used < count {
                pool.bytes = bytes(poolBytes)
                pool.used = 0
            }
            defer { pool.used += count }
            return Array(pool.bytes[pool.used..<pool.used + count])
        }
    }

    /// The same, as a number.
    package static func identifier() -> UInt64 {
        pool.withLock { pool in
            if pool.bytes.count - pool.used < 8 {
                pool.bytes = bytes(poolBytes)
                pool.used = 0
            }
            defer { pool.used += 8 }
            return pool.bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: pool.used, as: UInt64.self) }
        }
    }

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
