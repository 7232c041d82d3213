internal import Glibc

/// The moment at which an operation gives up, on the monotonic clock.
package struct Deadline: Hashable, Comparable, Sendable {
    /// Nanoseconds of the monotonic clock; the largest value means never.
    package let nanoseconds: UInt64

    package static let never = Deadline(nanoseconds: .max)

    package static func after(milliseconds: Int) -> Deadline {
        after(milliseconds: milliseconds, from: MonotonicClock.now)
    }

    /// - Parameter moment: of ``MonotonicClock``, in nanoseconds.
    package static func after(milliseconds: Int, from moment: UInt64) -> Deadline {
        Deadline(nanoseconds: moment + UInt64(max(0, milliseconds)) * 1_000_000)
    }

    /// A moment of ``MonotonicClock``.
    package static func at(nanoseconds: UInt64) -> Deadline { Deadline(nanoseconds: nanoseconds) }

    package static func after(seconds: Int) -> Deadline {
        after(milliseconds: seconds * 1_000)
    }

    /// The next multiple of so many milliseconds of the clock that is at least half of them, and less than one and a half, away.
    package static func multiple(of milliseconds: Int, after now: UInt64) -> Deadline {
        let step: UInt64 = UInt64(max(1, milliseconds)) * 1_000_000
        return Deadline(nanoseconds: (now + step / 2 + step - 1) / step * step)
    }

    package var isPast: Bool { nanoseconds <= MonotonicClock.now }

    package static func < (left: Deadline, right: Deadline) -> Bool {
        left.nanoseconds < right.nanoseconds
    }
}

/// A clock that never jumps.
package enum MonotonicClock {
    /// Nanoseconds since some moment before the program started.
    package static var now: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
