import Glibc

/// A moment of the system's clock, for people: milliseconds since 1970 in UTC.
package struct LogTime: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let milliseconds: Int64

    package init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    package static func now() -> LogTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return LogTime(milliseconds: Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000)
    }

    package static func < (left: LogTime, right: LogTime) -> Bool { left.milliseconds < right.milliseconds }

    /// RFC 3339 with milliseconds: `2026-11-21T08:44:13.007Z`.
    package var description: String {
        let day: Int64 = Self.floorDivide(milliseconds, 86_400_000)
        let rest: Int64 = milliseconds - day * 86_400_000
        let date: (year: Int64, month: Int64, day: Int64) = Self.civil(day)
        var text: [UInt8] = []
        text.reserveCapacity(24)
        Self.append(date.year, digits: 4, then: "-", to: &text)
        Self.append(date.month, digits: 2, then: "-", to: &text)
        Self.append(date.day, digits: 2, then: "T", to: &text)
        Self.append(rest / 3_600_000, digits: 2, then: ":", to: &text)
        Self.append(rest / 60_000 % 60, digits: 2, then: ":", to: &text)
        Self.append(rest / 1_000 % 60, digits: 2, then: ".", to: &text)
        Self.append(rest % 1_000, digits: 3, then: "Z", to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    /// The date in the Gregorian calendar, `days` after 1 January 1970.
    ///
    /// Counts in eras of 400 years (146,097 days) whose years begin on 1 March, so that a leap day is the
    /// last of its year.
    private static func civil(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted: Int64 = days + 719_468
        let era: Int64 = floorDivide(shifted, 146_097)
        let dayOfEra: Int64 = shifted - era * 146_097
        let leapDays: Int64 = dayOfEra / 1_460 - dayOfEra / 36_524 + dayOfEra / 146_096
        let yearOfEra: Int64 = (dayOfEra - leapDays) / 365
        let dayOfYear: Int64 = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth: Int64 = (5 * dayOfYear + 2) / 153
        let month: Int64 = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        let year: Int64 = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
    }

    private static func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
        let quotient: Int64 = value / divisor
        return value % divisor < 0 ? quotient - 1 : quotient
    }

    private static func append(_ value: Int64, digits: Int, then end: Unicode.Scalar, to text: inout [UInt8]) {
        var divisor: Int64 = 1
        for _ in 1..<digits { divisor *= 10 }
        while divisor > 0 {
            text.append(UInt8(ascii: "0") + UInt8(value / divisor % 10))
            divisor /= 10
        }
        text.append(UInt8(ascii: end))
    }
}
