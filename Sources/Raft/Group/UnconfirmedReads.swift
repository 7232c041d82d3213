internal import RaftCore

/// Reads that the leader has not confirmed: a message about them may be lost with a connection or a leader.
struct UnconfirmedReads {
    private struct Read {
        let since: UInt64
        var askedAt: UInt64
        /// Since when no leader takes it; nil while one is asked.
        var leaderlessSince: UInt64?
    }

    private var reads: [UInt64: Read] = [:]

    mutating func add(_ id: UInt64, at tick: UInt64) { reads[id] = Read(since: tick, askedAt: tick) }

    mutating func remove(_ id: UInt64) {
        if !reads.isEmpty { reads[id] = nil }
    }

    /// They are to be asked again as soon as there is a leader.
    mutating func refused(_ ids: [UInt64], leader: MemberID?, at tick: UInt64) {
        for id in ids {
            guard let read = reads[id] else { continue }
            // A moment later if somebody leads already: it may not know it yet.
            reads[id] = Read(
                since: read.since,
                askedAt: leader == nil ? 0 : read.askedAt,
                leaderlessSince: read.leaderlessSince ?? tick
            )
        }
    }

    /// Removes and returns those that found no leader for `leaderless` ticks; forgets those older than `patience`.
    mutating func expired(at tick: UInt64, leaderless: UInt64, patience: UInt64) -> [UInt64] {
        guard !reads.isEmpty else { return [] }
        reads = reads.filter { $0.value.since + patience > tick }
        let late: [UInt64] = reads.filter { $0.value.leaderlessSince.map { $0 + leaderless <= tick } ?? false }.map(\.key)
        for id in late { reads[id] = nil }
        return late.sorted()
    }

    /// Those to be asked again: they were refused, or, where another member leads, nothing was heard for a while.
    mutating func due(at tick: UInt64, after pause: UInt64, isLeader: Bool) -> [UInt64] {
        guard !reads.isEmpty else { return [] }
        let due: [UInt64] =
            reads.filter { $0.value.askedAt == 0 || !isLeader && $0.value.askedAt + pause <= tick }.map(\.key).sorted()
        for id in due { reads[id]?.askedAt = tick }
        return due
    }
}
