import Glibc

/// Signals by the names that images and launch configurations use: `SIGTERM`, `TERM`, `15`, `SIGRTMIN+3`.
enum SignalName {
    private static let numbers: [String: Int32] = [
        "HUP": SIGHUP, "INT": SIGINT, "QUIT": SIGQUIT, "ILL": SIGILL, "TRAP": SIGTRAP, "ABRT": SIGABRT, "BUS": SIGBUS,
        "FPE": SIGFPE, "KILL": SIGKILL, "USR1": SIGUSR1, "SEGV": SIGSEGV, "USR2": SIGUSR2, "PIPE": SIGPIPE,
        "ALRM": SIGALRM, "TERM": SIGTERM, "CHLD": SIGCHLD, "CONT": SIGCONT, "STOP": SIGSTOP, "TSTP": SIGTSTP,
        "TTIN": SIGTTIN, "TTOU": SIGTTOU, "URG": SIGURG, "XCPU": SIGXCPU, "XFSZ": SIGXFSZ, "VTALRM": SIGVTALRM,
        "PROF": SIGPROF, "WINCH": SIGWINCH, "IO": SIGIO, "PWR": SIGPWR, "SYS": SIGSYS,
    ]
    /// As programs see them: the C library keeps two for itself.
    private static let firstRealTime: Int32 = 34
    private static let lastRealTime: Int32 = 64

    /// nil when there is no such signal.
    static func number(_ text: String) -> Int32? {
        if let number = Int32(text) { return (1...lastRealTime).contains(number) ? number : nil }
        let upper: String = text.uppercased()
        let name: String = upper.hasPrefix("SIG") ? String(upper.dropFirst(3)) : upper
        if let number: Int32 = numbers[name] { return number }
        if name == "RTMIN" { return firstRealTime }
        if name == "RTMAX" { return lastRealTime }
        if name.hasPrefix("RTMIN+"), let more = Int32(name.dropFirst(6)), (0...30).contains(more) {
            return firstRealTime + more
        }
        if name.hasPrefix("RTMAX-"), let less = Int32(name.dropFirst(6)), (0...30).contains(less) {
            return lastRealTime - less
        }
        return nil
    }
}
