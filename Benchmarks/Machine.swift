import Glibc

/// What the figures were measured on.
enum Machine {
    /// Such as `x86_64, 2 processors, Linux 6.1.0`.
    static var description: String {
        var names = utsname()
        guard uname(&names) == 0 else { return "unknown" }
        let processors: Int = sysconf(Int32(_SC_NPROCESSORS_ONLN))
        let kind: String = withUnsafeBytes(of: &names.machine) { text($0) }
        let release: String = withUnsafeBytes(of: &names.release) { text($0) }
        return "\(kind), \(processors) processors, Linux \(release)"
    }

    /// How many processes wanted to run in the last minute, ours included; nil where the system does not tell.
    static var load: Double? {
        var load: Double = 0
        return getloadavg(&load, 1) == 1 ? load : nil
    }

    private static func text(_ bytes: UnsafeRawBufferPointer) -> String {
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
}
