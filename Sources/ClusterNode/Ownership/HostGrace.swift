import Limits

/// When the owner of a scope may call a host away.
///
/// An owner that is new, by a move, a failover or a start, knows nothing of how long a host was silent before: each has its
/// full grace from the owner's first commit under its epoch. Before that commit nothing may be said at all: it may not be
/// the owner any more. What an earlier owner wrote (`disconnected`) stands until the host connects; this only says what may
/// be written anew. Times are milliseconds of one monotonic clock.
package struct HostGrace: Hashable, Sendable {
    package enum Verdict: Hashable, Sendable {
        /// It has a stream to this owner.
        case present
        /// Nothing may be said before this time; nil when that is not known yet.
        case wait(until: Int64?)
        /// Away; `disconnected` after `until`.
        case reconnecting(until: Int64)
        case disconnected
    }

    private let silence: Int64
    private let disconnect: Int64
    /// When this owner first committed.
    package private(set) var began: Int64?
    private var connected: Set<UInt64> = []
    private var left: [UInt64: Int64] = [:]

    /// - Parameters:
    ///   - silence: until `reconnecting`.
    ///   - disconnect: from there to `disconnected`.
    package init(
        silence: Int64 = Int64(Limits.hostSilenceSeconds) * 1_000,
        disconnect: Int64 = Int64(Limits.hostDisconnectSeconds) * 1_000
    ) {
        self.silence = silence
        self.disconnect = disconnect
    }

    /// A transaction under the owner's epoch was committed; only the first counts.
    package mutating func committed(at time: Int64) { if began == nil { began = time } }

    package mutating func connected(_ host: UInt64) {
        connected.insert(host)
        left[host] = nil
    }

    /// The host's stream ended.
    package mutating func left(_ host: UInt64, at time: Int64) {
        if connected.remove(host) != nil { left[host] = time }
    }

    /// The host was removed.
    package mutating func forget(_ host: UInt64) {
        connected.remove(host)
        left[host] = nil
    }

    package func verdict(of host: UInt64, at time: Int64) -> Verdict {
        if connected.contains(host) { return .present }
        guard let began else { return .wait(until: nil) }
        let since: Int64 = max(began, left[host] ?? began)
        let away: Int64 = since + silence
        guard time >= away else { return .wait(until: away) }
        let gone: Int64 = away + disconnect
        return time >= gone ? .disconnected : .reconnecting(until: gone)
    }
}
