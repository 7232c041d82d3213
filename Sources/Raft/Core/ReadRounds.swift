/// Reads that wait for a majority to confirm the leader (Raft dissertation, section 6.4).
///
/// One heartbeat round serves all reads that were waiting when it began; the next round gathers while one is under way.
struct ReadRounds: Sendable {
    struct Request: Sendable {
        let ids: [UInt64]
        let from: MemberID
    }

    /// The number of the newest round; heartbeats carry it.
    private(set) var round: UInt64 = 0
    private(set) var waiting: [Request] = []
    private var asked: [Request] = []
    private var index: LogIndex = 0
    private var ready: [Effect] = []

    var isUnderWay: Bool { !asked.isEmpty }
    var isIdle: Bool { asked.isEmpty && waiting.isEmpty }

    mutating func wait(_ request: Request) { waiting.append(request) }

    /// Starts a round for all that wait: they will see at least `index`.
    mutating func begin(at index: LogIndex) {
        precondition(!isUnderWay, "one round at a time")
        round += 1
        asked = waiting
        waiting = []
        self.index = index
    }

    /// The round was confirmed.
    mutating func finish() -> (requests: [Request], index: LogIndex) {
        defer { asked = [] }
        return (asked, index)
    }

    mutating func drop() -> [Request] {
        defer {
            asked = []
            waiting = []
        }
        return asked + waiting
    }

    mutating func answer(_ ids: [UInt64], at index: LogIndex) { ready.append(.readReady(ids: ids, index: index)) }

    /// Read answers come after the commit they may rest on.
    mutating func takeReady(to effects: inout [Effect]) {
        effects += ready
        ready = []
    }
}
