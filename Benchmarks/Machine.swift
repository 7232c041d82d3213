import Glibc

/// What the figures were measured on.
enum Machine {
    /// Such as `x86_64, 2 processors`.
    static var description: String {
        var names = utsname()
        guard uname(&names) == 0 else { return "unknown" }
        let processors: Int = sysconf(Int32(_SC_NPROCESSORS_ONLN))
        let kind: String = withUnsafeBytes(of: &names.machine) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        return "\(kind), \(processors) processors"
    }
}
