/// Times as they are stored (milliseconds since 1970, UTC) and as the API spells them (`2017-04-22T08:00:00Z`).
///
/// Proleptic Gregorian calendar, years 0 to 9999, no leap seconds.
package enum StoredDate {
    private static let earliest: Int64 = -62_167_219_200
    private static let latest: Int64 = 253_402_300_799

    /// The API's spelling; the milliseconds are cut off, and a time beyond the range shows the nearest in it.
    package static func text(_ milliseconds: Int64) -> String {
        var seconds: Int64 = milliseconds / 1000
        if milliseconds % 1000 < 0 { seconds -= 1 }
        seconds = Swift.min(Swift.max(seconds, earliest), latest)
        var days: Int64 = seconds / 86_400
        var rest: Int64 = seconds % 86_400
        if rest < 0 {
            days -= 1
            rest += 86_400
        }
        let (year, month, day): (Int64, Int64, Int64) = civil(days)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(20)
        append(year, digits: 4, to: &bytes)
        bytes.append(UInt8(ascii: "-"))
        append(month, digits: 2, to: &bytes)
        bytes.append(UInt8(ascii: "-"))
        append(day, digits: 2, to: &bytes)
        bytes.append(UInt8(ascii: "T"))
        append(rest / 3600, digits: 2, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        append(rest / 60 % 60, digits: 2, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        append(rest % 60, digits: 2, to: &bytes)
        bytes.append(UInt8(ascii: "Z"))
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Parses exactly `yyyy-MM-dd'T'HH:mm:ss'Z'`; nil for anything else, also for days that do not exist.
    package static func milliseconds(_ text: String) -> Int64? {
        let bytes: [UInt8] = Array(text.utf8)
        guard bytes.count == 20, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
            bytes[10] == UInt8(ascii: "T"), bytes[13] == UInt8(ascii: ":"), bytes[16] == UInt8(ascii: ":"),
            bytes[19] == UInt8(ascii: "Z"),
            let year = number(bytes[0..<4]), let month = number(bytes[5..<7]), let day = number(bytes[8..<10]),
            let hour = number(bytes[11..<13]), let minute = number(bytes[14..<16]), let second = number(bytes[17..<19]),
            (1...12).contains(month), day >= 1, day <= length(of: month, in: year),
            hour < 24, minute < 60, second < 60
        else { return nil }
        return (dayNumber(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second) * 1000
    }

    private static func append(_ number: Int64, digits: Int, to bytes: inout [UInt8]) {
        var divisor: Int64 = 1
        for _ in 1..<digits { divisor *= 10 }
        while divisor > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(number / divisor % 10))
            divisor /= 10
        }
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int64? {
        var result: Int64 = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            result = result * 10 + Int64(digit - UInt8(ascii: "0"))
        }
        return result
    }

    private static func length(of month: Int64, in year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    // Years are counted from March, so that the leap day is the last of its year; an era is 400 years.
    private static let daysPerEra: Int64 = 146_097
    private static let daysFromMarchOfYear0To1970: Int64 = 719_468

    /// Days since 1970-01-01 of a date with `year` not negative.
    private static func dayNumber(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let marchYear: Int64 = month > 2 ? year : year - 1
        let era: Int64 = (marchYear >= 0 ? marchYear : marchYear - 399) / 400
        let yearOfEra: Int64 = marchYear - era * 400
        let dayOfYear: Int64 = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra: Int64 = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * daysPerEra + dayOfEra - daysFromMarchOfYear0To1970
    }

    private static func civil(_ dayNumber: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted: Int64 = dayNumber + daysFromMarchOfYear0To1970
        let era: Int64 = (shifted >= 0 ? shifted : shifted - daysPerEra + 1) / daysPerEra
        let dayOfEra: Int64 = shifted - era * daysPerEra
        let leapDays: Int64 = dayOfEra / 1460 - dayOfEra / 36_524 + dayOfEra / (daysPerEra - 1)
        let yearOfEra: Int64 = (dayOfEra - leapDays) / 365
        let dayOfYear: Int64 = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth: Int64 = (5 * dayOfYear + 2) / 153
        let month: Int64 = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        let day: Int64 = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }
}
