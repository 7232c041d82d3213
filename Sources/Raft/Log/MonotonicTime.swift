internal import Glibc

/// The clock for how long things take.
package enum MonotonicTime {
    /// Nanoseconds since some moment before the program started; never goes back.
    package static var now: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
