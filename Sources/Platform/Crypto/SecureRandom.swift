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
        return take(count) { Array($0) }
    }

    /// The same, as a number.
    package static func identifier() -> UInt64 { take(8) { $0.loadUnaligned(as: UInt64.self) } }

    private static func take<Result: Sendable>(_ count: Int, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        pool.withLock { pool in
            if pool.bytes.count - pool.used < count {
                pool.bytes = bytes(poolBytes)
                pool.used = 0
            }
            defer { pool.used += count }
            return pool.bytes.withUnsafeBytes {
                body(UnsafeRawBufferPointer(rebasing: $0[pool.used..<pool.used + count]))
            }
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
