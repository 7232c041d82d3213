package import HostProtocol
import Limits

/// What an agent decides: given what it was told, what there is and what happened, what is to be done.
///
/// No clock, no disk, no runtime: the same inputs in the same order give the same actions. The rules:
/// - a frame of another incarnation, an older epoch or an older revision changes nothing;
/// - a container is removed on a tombstone and on nothing else; what the server does not name is kept as an orphan;
/// - a container is started once for each generation, and again only when the agent itself starts and finds one
///   dead that nobody saw end;
/// - one operation at a time for each instance.
package struct AgentCore: Sendable {
    package enum Input: Sendable {
        /// The agent runs now; comes first, once.
        case began(milliseconds: Int64)
        /// Time passes; `milliseconds` of any clock that never goes back.
        case tick(milliseconds: Int64)
        case streamOpened(HostFacts)
        case streamClosed
        case received(ServerFrame)
        /// What ``Action/takeInventory`` found: all containers that carry the host's label.
        case inventory([RuntimeContainer])
        case inventoryFailed(message: String)
        case finished(Operation, OperationOutcome)
        /// The runtime says that something happened to this instance's container.
        case containerChanged(uuid: String)
        /// Events of the runtime may have been missed.
        case eventsInterrupted
        /// A stream of output, of a container or of a command, has come to its end by itself.
        case logsEnded(stream: UInt64)
    }

    /// What the driver must do, in this order: what is to persist is on disk before the next action is done.
    package enum Action: Sendable, Hashable {
        case note(AgentNote)
        case persistOrders(DesiredSet)
        case persistStarts(StartLedger)
        case takeInventory
        case run(Operation)
        case openLogs(LogsRequest, externalID: String)
        case openExec(ExecOrder, externalID: String)
        /// For a stream that is open.
        case feed(stream: UInt64, StreamFeed)
        /// Ends a stream of output, of a container or of a command.
        case closeLogs(stream: UInt64)
        case send(AgentFrame)
        /// Nothing good can come on this stream: close it and open another. No ``Input/streamClosed`` need follow.
        case closeStream(reason: String)
        /// For whoever keeps the stream open.
        case heard(ServerNews)
    }

    /// What a server says of the servers.
    package enum ServerNews: Sendable, Hashable {
        /// Base URLs of all gateways.
        case addresses([String])
        /// The stream ends since the environment moves: the next is to be opened within so many milliseconds.
        case moved(withinMilliseconds: UInt64)
    }

    /// What the server sends for an open stream.
    package enum StreamFeed: Sendable, Hashable {
        /// So much more output may be sent.
        case credit(UInt64)
        case input([UInt8], isLast: Bool)
        case resize(columns: UInt64, rows: UInt64)
    }

    /// An attempt that failed, until a new order or until it is time to try again.
    struct Failure: Sendable, Hashable {
        var kind: Operation.Kind
        var message: String
        /// nil: not before a new order.
        var retryAt: Int64?
        var attempts: Int
    }

    /// An open stream.
    struct Link: Sendable {
        var isWelcomed = false
        var heardAt: Int64
        /// A sync whose last part has not come.
        var parts: [Sync] = []
        var partsStamp: FrameStamp = .none
        var needsFullReport = true
        var reported: [String: Observation] = [:]
        var reportedOrphans: [Orphan] = []
        var logStreams: Set<UInt64> = []
    }

    package internal(set) var orders: DesiredSet
    package internal(set) var starts: StartLedger
    var now: Int64 = 0
    var link: Link?

    var hasInventory = false
    var inventoryIsPending = false
    var inventoryAt: Int64 = 0
    /// Instances whose operations overlap a pending inventory: it may show them as they were.
    var inventoryOverlap: Set<String> = []
    var containers: [String: RuntimeContainer] = [:]
    var duplicates: [String: [RuntimeContainer]] = [:]

    var operations: [String: Operation] = [:]
    var operationCount: UInt64 = 0
    var failures: [String: Failure] = [:]
    /// Instances whose image is there, on the way to their container.
    var pulled: Set<String> = []
    var toInspect: Set<String> = []
    /// Instances that may have a container that nobody has seen: an attempt to make it failed, and no look succeeded since.
    var unseen: Set<String> = []
    /// Instances to start without a new order.
    var toRevive: Set<String> = []
    /// Instances to think about.
    var dirty: Set<String> = []
    /// Instances that wait for a pull to end.
    var waiting: Set<String> = []
    /// Instances whose observation may have changed.
    var toReport: Set<String> = []
    var notes: [AgentNote] = []
    var actions: [Action] = []

    package init(orders: DesiredSet, starts: StartLedger) {
        self.orders = orders
        self.starts = starts
    }

    /// What the agent's own frames carry.
    package var stamp: FrameStamp {
        FrameStamp(incarnation: orders.incarnation ?? "", epoch: orders.epoch, revision: orders.revision)
    }

    package mutating func step(_ input: Input) -> [Action] {
        let ordersBefore: DesiredSet = orders
        let startsBefore: StartLedger = starts
        handle(input)
        plan()
        report()
        var result: [Action] = notes.map { .note($0) }
        if !ordersBefore.hasSameOrders(as: orders) { result.append(.persistOrders(orders)) }
        if startsBefore != starts { result.append(.persistStarts(starts)) }
        result.append(contentsOf: actions)
        notes = []
        actions = []
        return result
    }

    private mutating func handle(_ input: Input) {
        switch input {
        case .began(let milliseconds):
            now = milliseconds
            askForInventory()
        case .tick(let milliseconds):
            now = max(now, milliseconds)
            onTick()
        case .streamOpened(let facts): onStreamOpened(facts)
        case .streamClosed: forgetLink()
        case .received(let frame): onFrame(frame)
        case .inventory(let found): onInventory(found)
        case .inventoryFailed(let message):
            inventoryIsPending = false
            inventoryAt = now + 5_000
            notes.append(.inventoryFailed(message: message))
        case .finished(let operation, let outcome): onFinished(operation, outcome)
        case .containerChanged(let uuid):
            toInspect.insert(uuid)
            dirty.insert(uuid)
        case .eventsInterrupted: askForInventory()
        case .logsEnded(let stream): link?.logStreams.remove(stream)
        }
    }

    private mutating func onTick() {
        for (uuid, failure) in failures {
            if let retryAt: Int64 = failure.retryAt, retryAt <= now { dirty.insert(uuid) }
        }
        if now >= inventoryAt { askForInventory() }
        if let link, now - link.heardAt > Int64(Limits.hostSilenceSeconds) * 1_000 {
            abandonLink("the server was silent for \(Limits.hostSilenceSeconds) seconds")
        }
    }

    mutating func touch(_ uuid: String) {
        dirty.insert(uuid)
        toReport.insert(uuid)
    }
}
