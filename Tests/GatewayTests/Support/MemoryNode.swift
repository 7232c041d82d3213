import Gateway
import JSON
import Model
import Store
import StoreFormat
import Synchronization
import WebSocket

/// One node's state, host streams and explanations, in memory; what a test injects goes wrong.
final class MemoryNode: StateProviding, Proposing, HostConnecting, Explaining {
    let store = Store()
    private let state = Mutex(State())
    /// Several gateways may propose at the same time.
    private let applying = Mutex<[Transaction]>([])

    private struct State {
        /// Every transaction that was proposed, in order, with its outcome where it was applied.
        var proposed: [Transaction] = []
        var outcomes: [TransactionOutcome?] = []
        var faults: [Fault] = []
        var before: [@Sendable (Transaction) -> Void] = []
        var after: [@Sendable () -> Void] = []
        var output: [OutputChunk] = []
        var logRequests: [LogRequest] = []
        var execRequests: [ExecRequest] = []
        var sizes: [TerminalSize] = []
        var cancelledExecs: Int = 0
        var readFault: ProposalFault?
        var reads: Int = 0
    }

    enum Fault: Sendable {
        /// Nothing is applied.
        case refuse(ProposalFault)
        /// It is applied, and the answer is lost.
        case applyThen(ProposalFault)
        case outcome(TransactionOutcome)
    }

    // MARK: What tests set and see

    /// The next proposals that are no openings of sessions meet these.
    func inject(_ faults: Fault...) { state.withLock { $0.faults += faults } }
    /// Runs before the next proposal is applied: another request that is faster.
    func beforeNext(_ body: @escaping @Sendable (Transaction) -> Void) { state.withLock { $0.before.append(body) } }
    /// Runs after the next change was applied, before it is answered.
    func afterNext(_ body: @escaping @Sendable () -> Void) { state.withLock { $0.after.append(body) } }
    func failReads(_ fault: ProposalFault?) { state.withLock { $0.readFault = fault } }
    func output(_ chunks: [OutputChunk]) { state.withLock { $0.output = chunks } }
    var logRequests: [LogRequest] { state.withLock { $0.logRequests } }

    var execRequests: [ExecRequest] { state.withLock { $0.execRequests } }
    var sizes: [TerminalSize] { state.withLock { $0.sizes } }
    var cancelledExecs: Int { state.withLock { $0.cancelledExecs } }

    /// The proposals of the API, without openings of sessions.
    var changes: [Transaction] { state.withLock { $0.proposed.filter { !Self.isSession($0) } } }
    /// Nothing else is proposed on the gateway's own account.
    private static func isSession(_ transaction: Transaction) -> Bool {
        if case .openSession? = transaction.writes.first { true } else { false }
    }

    /// How many sessions were asked for.
    var sessionOpenings: Int {
        state.withLock { $0.proposed.count { Self.isSession($0) } }
    }
    var readCount: Int { state.withLock { $0.reads } }
    var lastChange: Transaction? { changes.last }

    @discardableResult
    func apply(_ transaction: Transaction) -> TransactionOutcome {
        applying.withLock { log in
            log.append(transaction)
            return store.apply(index: store.appliedIndex + 1, transaction)
        }
    }

    /// Everything that was applied, in order: the first is entry 1.
    var entries: [Transaction] { applying.withLock { $0 } }

    /// Applies writes as a controller would.
    @discardableResult
    func write(_ writes: [Write], created: Int = 0) -> TransactionOutcome {
        apply(Transaction(time: 1, actor: "system", requestID: "test", writes: writes, created: created))
    }

    // MARK: Proposing

    func propose(_ transaction: Transaction) async throws(ProposalFault) -> TransactionOutcome {
        let isSession: Bool = Self.isSession(transaction)
        let (fault, before): (Fault?, (@Sendable (Transaction) -> Void)?) = state.withLock { state in
            state.proposed.append(transaction)
            if isSession { return (nil, nil) }
            return (
                state.faults.isEmpty ? nil : state.faults.removeFirst(),
                state.before.isEmpty ? nil : state.before.removeFirst()
            )
        }
        before?(transaction)
        switch fault {
        case nil:
            let outcome: TransactionOutcome = apply(transaction)
            let after: (@Sendable () -> Void)? = state.withLock { state in
                isSession || state.after.isEmpty ? nil : state.after.removeFirst()
            }
            after?()
            return outcome
        case .refuse(let fault)?: throw fault
        case .applyThen(let fault)?:
            apply(transaction)
            throw fault
        case .outcome(let outcome)?: return outcome
        }
    }

    func currentView() async throws(ProposalFault) -> StoreView {
        let fault: ProposalFault? = state.withLock { state in
            state.reads += 1
            return state.readFault
        }
        if let fault { throw fault }
        return store.view
    }

    // MARK: Hosts and explanations

    func serve(_ socket: WebSocket, host: UInt64, project: UInt64) async {
        try? await socket.send(text: "host 1h\(host) of 1a\(project)")
        while let _ = try? await socket.receive() {}
    }

    func logs(of instance: UInt64, on host: UInt64, _ request: LogRequest) async throws(HostUnavailable) -> LogStream {
        let chunks: [OutputChunk] = state.withLock { state in
            state.logRequests.append(request)
            return state.output
        }
        guard !chunks.isEmpty else { throw HostUnavailable(message: "The host 1h\(host) has no stream.") }
        let (stream, continuation) = AsyncThrowingStream<OutputChunk, any Error>.makeStream()
        for chunk in chunks { continuation.yield(chunk) }
        if !request.follow { continuation.finish() }
        return LogStream(chunks: stream, cancel: { continuation.finish() })
    }

    /// Says its output, then what it gets as input, and ends with 3 at the end of its input.
    func exec(
        of instance: UInt64,
        on host: UInt64,
        _ request: ExecRequest
    ) async throws(HostUnavailable) -> ExecStream {
        let chunks: [OutputChunk] = state.withLock { state in
            state.execRequests.append(request)
            return state.output
        }
        guard !chunks.isEmpty else { throw HostUnavailable(message: "The host 1h\(host) has no stream.") }
        let (events, continuation) = AsyncThrowingStream<ExecEvent, any Error>.makeStream()
        for chunk in chunks { continuation.yield(.output(chunk)) }
        let end: @Sendable () -> Void = {
            continuation.yield(.exit(code: 3))
            continuation.finish()
        }
        if !request.hasInput { end() }
        return ExecStream(
            events: events,
            write: { continuation.yield(.output(OutputChunk(isError: false, bytes: $0))) },
            finishInput: { end() },
            resize: { size in self.state.withLock { $0.sizes.append(size) } },
            cancel: {
                self.state.withLock { $0.cancelledExecs += 1 }
                continuation.finish()
            }
        )
    }

    func explain(_ key: RecordKey, in view: StoreView) -> JSONValue? {
        ["title": "why", "state": "active", "because": [], "waitsFor": [], "fix": [], "hosts": []]
    }
}
