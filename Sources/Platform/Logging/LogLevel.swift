/// How much a log record matters; a logger writes its own level and all that matter more.
package enum LogLevel: String, CaseIterable, Comparable, Sendable {
    /// A person must act.
    case error
    /// A change of role, membership, version or configuration.
    case notice
    /// What happened, at a rate that a person can read.
    case info
    /// For finding a fault; bearable in production.
    case debug

    /// From the few records of `error` to the many of `debug`.
    private var verbosity: Int {
        switch self {
        case .error: 0
        case .notice: 1
        case .info: 2
        case .debug: 3
        }
    }

    package static func < (left: LogLevel, right: LogLevel) -> Bool { left.verbosity < right.verbosity }
}
