internal import HostAgentCore
internal import HostProtocol
internal import Model
internal import RaftCore
internal import Store
internal import StoreFormat

/// Servers, hosts and the streams between them in one process under one seed: ownership moves, agents crash, streams
/// break, and frames of the past come again.
///
/// The state, the controllers, the frames and the agents are the real ones; networks, disks, runtimes and users are
/// made up. A tick is 100 milliseconds. The same seed gives the same run, event for event.
package final class HostWorld {
    struct Change: Sendable {
        var key: RecordKey
        var before: Record?
        var after: Record?
    }

    enum Event: Sendable {
        case apply(Proposal)
        case answer(server: Int, life: UInt64, Origin, TransactionOutcome)
        case toHost(stream: UInt64, [UInt8])
        case toServer(stream: UInt64, [UInt8])
        case closedAtHost(stream: UInt64)
        case closedAtServer(stream: UInt64)
        case finished(host: Int, life: UInt64, operation: UInt64)
        case inventory(host: Int, life: UInt64)
        case changed(host: Int, life: UInt64, uuid: String)
    }

    /// Who proposed, and hears what came of it.
    enum Origin: Sendable {
        case worker(scope: UInt64, epoch: UInt64)
        case session(host: UInt64, stream: UInt64)
        case absence
    }

    struct Proposal: Sendable {
        var server: Int
        var life: UInt64
        var origin: Origin
        var scope: UInt64
        var epoch: UInt64
        var transaction: Transaction
    }

    /// One entry of the log, with the state after it.
    struct Entry {
        var view: StoreView
        var changes: [Change]
        var assigned: [UInt64]
    }

    static let incarnation: String = "5eed"
    static let tickMilliseconds: Int64 = 100

    let size: HostWorldSize
    let flaws: HostFlaws
    var faults: HostFaults
    private var random: SeededRandom
    var now: Int = 0
    let store = Store()
    let documents = HostWorldDocuments()
    /// What was committed, for servers that have not applied it yet.
    var log: [Entry] = []
    /// How many entries came before those in ``log``.
    var logBase: Int = 0
    var servers: [HostWorldServer] = []
    var hosts: [HostWorldHost] = []
    var hostIndex: [UInt64: Int] = [:]
    var streams: [UInt64: HostWorldStream] = [:]
    var streamCount: UInt64 = 0
    var projects: [UInt64] = []
    /// What users want of each service in the end.
    var wishes: [UInt64: HostWorldWish] = [:]
    var stacks: [UInt64] = []
    var events: [Int: [Event]] = [:]
    var checker = HostChecker()
    var trace = SimulationTrace()
    var report: HostReport
    /// By environment, since when its owner does not answer.
    var silentSince: [UInt64: Int] = [:]
    /// Every accident is over: what is wanted must come about.
    var isCalm: Bool = false
    /// The frame that an agent is taking right now is one of the past.
    var isReplaying: Bool = false

    package init(
        seed: UInt64,
        size: HostWorldSize = HostWorldSize(),
        faults: HostFaults = HostFaults(),
        flaws: HostFlaws = []
    ) {
        self.size = size
        self.faults = faults
        self.flaws = flaws
        random = SeededRandom(seed: seed ^ 0x484F_5354)
        report = HostReport(seed: seed)
        found()
    }

    var time: Int64 { 1_700_000_000_000 + Int64(now) * Self.tickMilliseconds }

    /// Runs `steps` ticks of trouble, then lets everything heal and expects exactly what users wanted.
    package func run(steps: Int) -> HostReport {
        while now < steps, checker.violation == nil { advance() }
        if checker.violation == nil { settle() }
        report.violation = checker.violation.map { "\($0) (tick \(now))" }
        report.traceHash = trace.hash
        if report.violation != nil { report.trace = trace.lines }
        report.starts = checker.starts.values.reduce(0, +)
        report.running = hosts.reduce(0) { $0 + $1.engine.values.count { $0.phase == .running } }
        return report
    }

    private func advance() {
        now += 1
        if !isCalm { causeTrouble() }
        keepOwners()
        for event in events.removeValue(forKey: now) ?? [] where checker.violation == nil { deliver(event) }
        for server in servers.indices where checker.violation == nil { run(server) }
        for host in hosts.indices where checker.violation == nil { tick(host) }
        forgetLog()
    }

    func at(_ time: Int, _ event: Event) {
        events[max(time, now + 1), default: []].append(event)
    }

    private func deliver(_ event: Event) {
        switch event {
        case .apply(let proposal): apply(proposal)
        case .answer(let server, _, _, _): deliver(event, to: server)
        case .toHost(let stream, let bytes): arrived(bytes, atHostOf: stream)
        case .toServer(let stream, _):
            if let server: Int = streams[stream]?.server { deliver(event, to: server) }
        case .closedAtHost(let stream): closeAtHost(stream)
        case .closedAtServer(let stream): closeAtServer(stream)
        case .finished(let host, let life, let operation): finish(host, life, operation)
        case .inventory(let host, let life): answerInventory(host, life)
        case .changed(let host, let life, let uuid):
            guard hosts[host].life == life else { return }
            input(host, .containerChanged(uuid: uuid))
        }
    }

    /// What comes while a server stands still waits for it, in order.
    private func deliver(_ event: Event, to server: Int) {
        servers[server].inbox.append(event)
        openInbox(of: server)
    }

    func openInbox(of server: Int) {
        guard servers[server].stalledUntil <= now, !servers[server].inbox.isEmpty else { return }
        let waiting: [Event] = servers[server].inbox
        servers[server].inbox = []
        for event in waiting where servers[server].downUntil <= now {
            switch event {
            case .answer(_, let life, let origin, let outcome):
                guard servers[server].life == life else { continue }
                catchUp(server)
                answered(server, origin, outcome)
            case .toServer(let stream, let bytes): arrived(bytes, atServerOf: stream)
            default: break
            }
        }
    }

    // MARK: Chance

    func below(_ bound: Int) -> Int { random.below(bound) }

    func chance(percent: Int) -> Bool { random.chance(percent: percent) }

    func nextNumber() -> UInt64 { random.next() }

    // MARK: The end

    /// Everything heals; within a bounded time there is exactly what users want, and then nothing happens any more.
    private func settle() {
        isCalm = true
        faults = .none
        for server in servers.indices {
            servers[server].downUntil = 0
            servers[server].stalledUntil = 0
        }
        trace.record(now, 90) { "all accidents are over" }
        let deadline: Int = now + 6_000
        var missing: String = ""
        while now < deadline, checker.violation == nil {
            advance()
            guard now % 20 == 0 else { continue }
            missing = shortcoming() ?? ""
            if missing.isEmpty { return rest() }
        }
        checker.fail("10 minutes after all faults had ended: \(missing)")
    }

    /// Nothing is written when nothing changes.
    private func rest() {
        let deadline: Int = now + 1_500
        var quietSince: Int = now
        var revision: Revision = store.appliedIndex
        while now < deadline, checker.violation == nil, now - quietSince < 300 {
            advance()
            if store.appliedIndex != revision { quietSince = now }
            revision = store.appliedIndex
        }
        guard checker.violation == nil else { return }
        if now - quietSince < 300 { checker.fail("does not come to rest: it still writes, though nothing changes") }
        if let missing: String = shortcoming() { checker.fail("it came about, but did not stay: \(missing)") }
    }
}
