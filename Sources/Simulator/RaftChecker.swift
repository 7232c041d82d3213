internal import RaftCore

/// Knows everything that ever happened in a simulated group and finds the first thing that must not have.
///
/// It stands outside the members: it sees who became leader, what each applied and what each read was told.
struct RaftChecker {
    /// The log begins behind this entry.
    var base: LogIndex = 0
    /// The committed log, as the first member to apply each entry saw it, and the state after it.
    private(set) var committed: [LogEntry] = []
    private var states: [UInt64] = []
    /// The term in which each was committed, or a later one.
    private var terms: [Term] = []
    private var leaders: [Term: MemberID] = [:]
    private(set) var violation: String?

    /// The state machine: a chain over all that was applied.
    static let emptyState: UInt64 = 0xCBF2_9CE4_8422_2325

    static func state(after entry: LogEntry, from state: UInt64) -> UInt64 {
        var next: UInt64 = (state ^ entry.index) &* 0x100_0000_01B3
        next = (next ^ entry.term) &* 0x100_0000_01B3
        next = (next ^ UInt64(entry.kind.rawValue)) &* 0x100_0000_01B3
        for byte in entry.payload { next = (next ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return next
    }

    var committedIndex: LogIndex { base + LogIndex(committed.count) }

    /// One leader a term, and every leader has all that was committed before (leader completeness).
    mutating func becameLeader(_ core: RaftCore) {
        if let other = leaders[core.term], other != core.id {
            return fail("two leaders in term \(core.term): members \(other) and \(core.id)")
        }
        leaders[core.term] = core.id
        // A late leader of an old term may lack what a newer term committed; nobody will follow it.
        for (entry, term) in zip(committed, terms) where entry.index > core.log.base.index && term < core.term {
            guard core.log.term(at: entry.index) == entry.term else {
                return fail("leader \(core.id) of term \(core.term) has no committed entry \(entry.position)")
            }
        }
    }

    /// Everybody applies the same entries in the same order.
    mutating func applied(_ entry: LogEntry, by member: MemberID, in term: Term, state: UInt64) {
        if entry.index == committedIndex + 1 {
            committed.append(entry)
            states.append(state)
            terms.append(term)
        }
        guard entry.index <= committedIndex else {
            return fail("member \(member) applied entry \(entry.index) before entry \(committedIndex + 1)")
        }
        let first: LogEntry = committed[Int(entry.index - base) - 1]
        guard first == entry else {
            return fail("member \(member) applied \(entry) where others applied \(first)")
        }
        guard states[Int(entry.index - base) - 1] == state else {
            return fail("member \(member) has another state after entry \(entry.index)")
        }
    }

    /// A read sees at least what was committed anywhere when it was asked.
    mutating func answered(read id: UInt64, at index: LogIndex, floor: LogIndex, by member: MemberID) {
        guard index < floor else { return }
        fail("read \(id) on member \(member) was told index \(index), but \(floor) was committed when it was asked")
    }

    /// If two logs agree at one place, they agree at all places before (log matching).
    mutating func compare(_ left: RaftCore, _ right: RaftCore) {
        let first: LogIndex = max(left.log.firstIndex, right.log.firstIndex)
        var at: LogIndex = min(left.log.lastIndex, right.log.lastIndex)
        while at >= first, left.log.term(at: at) != right.log.term(at: at) { at -= 1 }
        while at >= first {
            guard left.log[at] == right.log[at] else {
                return fail("members \(left.id) and \(right.id) differ at \(at), but agree later")
            }
            at -= 1
        }
    }

    mutating func fail(_ reason: String) {
        if violation == nil { violation = reason }
    }
}
