import CLinux
import Glibc
import Synchronization

/// How many files and connections this process may have open at a time.
///
/// What the system gives at first (1,024 on most) is the limit for programs that use `select`; a server takes what it may
/// have. Programs that it starts get back what it was given.
package enum DescriptorLimit {
    private static let given = Mutex<rlimit?>(nil)

    /// What became of it.
    package struct Change: Hashable, Sendable {
        package var before: UInt
        package var now: UInt
    }

    /// Raises the soft limit to the hard one.
    ///
    /// - Returns: nil when the system does not tell.
    package static func raise() -> Change? {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return nil }
        let before: rlimit = limit
        guard limit.rlim_cur < limit.rlim_max else { return Change(before: before.rlim_cur, now: before.rlim_cur) }
        limit.rlim_cur = limit.rlim_max
        guard setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return Change(before: before.rlim_cur, now: before.rlim_cur)
        }
        given.withLock { given in
            if given == nil { given = before }
        }
        return Change(before: before.rlim_cur, now: limit.rlim_cur)
    }

    /// Gives a program that was just started the limit that this process had at first.
    static func giveBack(to process: pid_t) {
        guard let limit: rlimit = given.withLock({ $0 }) else { return }
        clinux_limit_descriptors(process, limit.rlim_cur, limit.rlim_max)
    }
}
