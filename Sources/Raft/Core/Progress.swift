/// What a leader knows of one other member.
struct Progress: Sendable {
    enum Phase: Equatable, Sendable {
        /// Where the logs meet is not known: one message at a time.
        case probe(waiting: Bool)
        /// Messages follow each other without waiting, as far as the window allows.
        case replicate
        /// The log here begins too late; nothing is sent until a snapshot was installed.
        case snapshot
    }

    /// Known to be on the member's disk.
    var match: LogIndex = 0
    /// The next entry to send; above `match`.
    var next: LogIndex
    var phase: Phase = .probe(waiting: false)
    /// Ticks since it was heard, or since this leader was elected.
    var silentTicks: Int = 0
    /// It has answered this leader at least once.
    var hasAnswered: Bool = false
    /// The last heartbeat round that it answered.
    var round: UInt64 = 0
    /// The newest append request when `match` became known: whatever rejects a later one knows of `match`.
    var matchKnownAt: UInt64 = 0
    /// It acknowledged entries and does not have them any more: nothing it says counts in this leadership.
    var hasLostLog: Bool = false
    private var inFlight: [(last: LogIndex, bytes: Int)] = []
    private var inFlightBytes: Int = 0

    init(next: LogIndex) { self.next = next }

    mutating func heard() {
        silentTicks = 0
        hasAnswered = true
    }

    func mayReceive(_ settings: RaftSettings) -> Bool {
        switch phase {
        case .probe(let waiting): !waiting
        case .replicate: inFlightBytes < settings.windowBytes && inFlight.count < settings.windowMessages
        case .snapshot: false
        }
    }

    mutating func sent(through last: LogIndex, bytes: Int) {
        switch phase {
        case .probe: phase = .probe(waiting: true)
        case .replicate:
            next = last + 1
            inFlight.append((last, bytes))
            inFlightBytes += bytes
        case .snapshot: break
        }
    }

    /// - Returns: whether this told something new.
    mutating func accepted(_ index: LogIndex) -> Bool {
        let isNews: Bool = index > match
        match = max(match, index)
        next = max(next, index + 1)
        while let oldest = inFlight.first, oldest.last <= index { forgetOldest() }
        return isNews
    }

    /// Nothing that it acknowledged counts any more.
    mutating func forgetMatch(at number: UInt64) {
        match = 0
        matchKnownAt = number
        hasLostLog = false
        probe(from: 1)
    }

    mutating func probe(from index: LogIndex) {
        next = max(match + 1, index)
        phase = .probe(waiting: false)
    }

    mutating func replicate() {
        next = match + 1
        phase = .replicate
        // What was under way before counts no more.
        inFlight = []
        inFlightBytes = 0
    }

    /// A heartbeat came back, so the way is open again: lets one message through where lost ones might block.
    mutating func heartbeatAnswered(_ settings: RaftSettings) {
        if phase == .probe(waiting: true) { phase = .probe(waiting: false) }
        if phase == .replicate, !mayReceive(settings) { forgetOldest() }
    }

    private mutating func forgetOldest() {
        guard !inFlight.isEmpty else { return }
        inFlightBytes -= inFlight.removeFirst().bytes
    }
}
