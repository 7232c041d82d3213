internal import RaftCore

/// Which members wait for a snapshot, and what of the log must stay for them meanwhile.
///
/// One is served at a time.
struct SnapshotSending: Sendable {
    private struct Pin {
        /// Entries after this one stay.
        var index: LogIndex
        /// The transfer is over; once the member has this it needs nothing more.
        var caughtUpAt: LogIndex?
    }

    private(set) var current: MemberID?
    private var waiting: [MemberID] = []
    private var pins: [MemberID: Pin] = [:]
    /// When a member whose transfer failed may have another one.
    private var pauses: [MemberID: UInt64] = [:]

    mutating func ask(for member: MemberID) {
        if member != current, !waiting.contains(member) { waiting.append(member) }
    }

    /// - Parameter base: where the log begins: the snapshot cannot be older than that.
    mutating func next(base: LogIndex) -> MemberID? {
        guard current == nil, !waiting.isEmpty else { return nil }
        let member: MemberID = waiting.removeFirst()
        current = member
        pins[member] = Pin(index: base)
        return member
    }

    mutating func made(at index: LogIndex) {
        if let current { pins[current]?.index = index }
    }

    mutating func finished(_ member: MemberID, isInstalled: Bool, logEnd: LogIndex) {
        if current == member { current = nil }
        if isInstalled { pins[member]?.caughtUpAt = logEnd } else { pins[member] = nil }
    }

    /// Nothing is made for the member before `tick`: a snapshot costs much, and what failed may fail again.
    mutating func pause(_ member: MemberID, until tick: UInt64) { pauses[member] = tick }

    /// Somebody waits for the end of a pause.
    var isPausing: Bool { !pauses.isEmpty }

    /// Members whose pause is over.
    mutating func rested(at tick: UInt64) -> [MemberID] {
        guard !pauses.isEmpty else { return [] }
        let rested: [MemberID] = pauses.filter { $0.value <= tick }.map(\.key).sorted()
        for member in rested { pauses[member] = nil }
        return rested
    }

    /// What may go of `wanted`, now that the members stand where `progress` says.
    mutating func limit(_ wanted: LogIndex, _ progress: [MemberProgress]) -> LogIndex {
        for (member, pin) in pins where member != current {
            let state: MemberProgress? = progress.first { $0.id == member }
            // Nobody waits for the silent, nor for those whom another leader serves now.
            guard let state, state.isActive, let end = pin.caughtUpAt, state.match < end else {
                pins[member] = nil
                continue
            }
        }
        return pins.values.reduce(wanted) { min($0, $1.index) }
    }
}
