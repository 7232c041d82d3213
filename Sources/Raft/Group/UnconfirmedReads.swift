internal import RaftCore

/// Reads that the leader has not confirmed: a message about them may be lost with a connection or a leader.
struct UnconfirmedReads {
    private struct Read {
        let since: UInt64
        var askedAt: UInt64
        /// Whom; nil after it was refused.
        var asked: MemberID?
        /// Since when no leader takes it; nil while one is asked.
        var leaderlessSince: UInt64?
    }

    private var reads: [UInt64: Read] = [:]

    var isEmpty: Bool { reads.isEmpty }

    mutating func add(_ id: UInt64, at tick: UInt64, leader: MemberID?) {
        reads[id] = Read(since: tick, askedAt: tick, asked: leader)
    }

    mutating func remove(_ id: UInt64) {
        if !reads.isEmpty { reads[id] = nil }
    }

    /// They are to be asked again as soon as there is a leader.
    mutating func refused(_ ids: [UInt64], at tick: UInt64) {
        for id in ids where reads[id] != nil {
            reads[id]?.asked = nil
            if reads[id]?.leaderlessSince == nil { reads[id]?.leaderlessSince = tick }
        }
    }

    /// Removes and returns those that found no leader for `leaderless` ticks; forgets those older than `patience`.
    mutating func expired(at tick: UInt64, leaderless: UInt64, patience: UInt64) -> [UInt64] {
        guard !reads.isEmpty else { return [] }
        reads = reads.filter { $0.value.since + patience > tick }
        let late: [UInt64] = reads.filter { $0.value.leaderlessSince.map { $0 + leaderless <= tick } ?? false }.map(
            \.key
        )
        for id in late { reads[id] = nil }
        return late.sorted()
    }

    /// Those to ask `leader`: another one was asked, or none, or another member leads and said nothing for a while.
    mutating func due(at tick: UInt64, after pause: UInt64, leader: MemberID, own: MemberID) -> [UInt64] {
        guard !reads.isEmpty else { return [] }
        let due: [UInt64] = reads.filter { _, read in
            read.asked != leader || leader != own && read.askedAt + pause <= tick
        }.map(\.key).sorted()
        for id in due {
            reads[id]?.askedAt = tick
            reads[id]?.asked = leader
            reads[id]?.leaderlessSince = nil
        }
        return due
    }
}
