import Glibc

/// What processes have used so far, as the system counts it.
package enum ProcessUsage {
    /// Seconds of processor time, user and system, of all of them together; one that is gone counts as nothing.
    static func processorSeconds(of processes: [Int32]) -> Double {
        let perSecond = Double(sysconf(Int32(_SC_CLK_TCK)))
        let all: UInt64 = processes.reduce(0) { sum, process in
            sum + (TextFile.read("/proc/\(process)/stat").flatMap { Self.ticks(inStat: $0) } ?? 0)
        }
        return Double(all) / perSecond
    }

    /// Of this process.
    static var ownProcessorSeconds: Double {
        var usage = rusage()
        getrusage(RUSAGE_SELF.rawValue, &usage)
        let seconds: Int = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec
        let micros: Int = Int(usage.ru_utime.tv_usec) + Int(usage.ru_stime.tv_usec)
        return Double(seconds) + Double(micros) / 1e6
    }

    /// Megabytes (millions of bytes) that it holds in memory.
    static func residentMegabytes(of process: Int32) -> Double? {
        guard let text: String = TextFile.read("/proc/\(process)/status") else { return nil }
        return residentKilobytes(inStatus: text).map { Double($0) * 1024 / 1e6 }
    }

    /// User and system ticks in a line of `/proc/PID/stat` (proc(5): fields 14 and 15).
    package static func ticks(inStat text: String) -> UInt64? {
        // The second field is the program's name, in parentheses that it may contain itself.
        guard let end: String.Index = text.lastIndex(of: ")") else { return nil }
        let fields: [Substring] = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 12, let user = UInt64(fields[11]), let system = UInt64(fields[12]) else { return nil }
        return user + system
    }

    /// `VmRSS` of `/proc/PID/status`.
    package static func residentKilobytes(inStatus text: String) -> UInt64? {
        for line in text.split(separator: "\n") where line.hasPrefix("VmRSS:") {
            let words: [Substring] = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
            return words.count > 1 ? UInt64(words[1]) : nil
        }
        return nil
    }
}
