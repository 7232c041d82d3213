package import RaftCore
internal import RaftLog

/// A Raft group in one process under one seed: members, network, disks, clients and accidents.
///
/// Time is counted in ticks. The same seed gives the same run, event for event.
package final class RaftWorld {
    enum Event: Sendable {
        case message(Message)
        /// A member's disk finished what it worked on.
        case disk(MemberID, life: UInt64)
        case crash(MemberID, life: UInt64)
        case mute(MemberID, ticks: Int)
        /// A member hears that another one's process is gone.
        case gone(MemberID, heardBy: MemberID)
        case snapshot(from: MemberID, to: MemberID, LogPosition, state: UInt64, Configuration)
        case snapshotSent(from: MemberID, to: MemberID, life: UInt64, succeeded: Bool)
    }

    static let group = GroupIdentity(cluster: 7, incarnation: 1)

    let faults: RaftFaults
    let flaws: Flaws
    let settings: RaftSettings
    var random: SeededRandom
    var now: Int = 0
    var nodes: [RaftNode] = []
    var network = RaftNetwork()
    var checker = RaftChecker()
    var trace = SimulationTrace()
    var report: SimulationReport
    var events: [Int: [Event]] = [:]

    private let founders: Configuration
    private let memberLimit: Int
    private var nextPayload: UInt64 = 1
    private var nextRead: UInt64 = 1
    /// What was committed anywhere when each read was asked.
    private var readFloors: [UInt64: LogIndex] = [:]
    /// No accidents and no loss: what is left must come to an agreement.
    var isCalm: Bool = false

    package init(seed: UInt64, members: Int, faults: RaftFaults = RaftFaults(), flaws: Flaws = []) {
        self.faults = faults
        self.flaws = flaws
        random = SeededRandom(seed: seed)
        report = SimulationReport(seed: seed)
        var settings = RaftSettings()
        settings.electionTicks = 20
        settings.heartbeatTicks = 3
        settings.diskStallTicks = 80
        settings.appendBytes = faults.appendBytes
        settings.windowBytes = 1_200
        settings.promotionLagEntries = 20
        self.settings = settings
        founders = Configuration(voters: (1...max(1, members)).map { MemberID(UInt64($0)) })
        memberLimit = members + 6
        for id in founders.voters { addNode(id) }
    }

    /// Runs `steps` ticks of trouble, then lets everything heal and expects agreement.
    package func run(steps: Int) -> SimulationReport {
        while now < steps, checker.violation == nil { advance() }
        if checker.violation == nil { settle() }
        report.violation = checker.violation.map { "\($0) (tick \(now))" }
        report.traceHash = trace.hash
        if report.violation != nil { report.trace = trace.lines }
        report.commits = Int(checker.committedIndex)
        return report
    }

    private func advance() {
        now += 1
        for event in events.removeValue(forKey: now) ?? [] where checker.violation == nil { deliver(event) }
        if !isCalm { causeTrouble() }
        for position in nodes.indices where nodes[position].isUp && nodes[position].pausedUntil <= now {
            // Clocks differ a little.
            if isCalm || !random.chance(percent: 4) { step(position, .tick) }
        }
        if now % 40 == 0 { compareLogs() }
    }

    /// Heals the world; within a bounded time all members of the final configuration must hold the same state.
    private func settle() {
        isCalm = true
        network.heal()
        for position in nodes.indices {
            nodes[position].pausedUntil = 0
            if !nodes[position].isUp { start(position) }
        }
        let deadline: Int = now + 1_000
        while now < deadline, checker.violation == nil {
            advance()
            guard now % 20 == 0, let leader = nodes.first(where: { $0.core?.takesProposals == true })?.core else {
                continue
            }
            if hasSettled(under: leader) { return }
        }
        checker.fail("no agreement within 1000 ticks after all faults had ended: \(stateOfAll)")
    }

    private func hasSettled(under leader: RaftCore) -> Bool {
        guard !leader.configuration.isJoint, leader.commit == leader.log.lastIndex else { return false }
        let members: [MemberID] = leader.configuration.members
        return nodes.allSatisfy { !members.contains($0.id) || $0.applied == leader.commit }
    }

    private var stateOfAll: String {
        nodes.map { node in
            guard let core = node.core else { return "\(node.id) down" }
            return "\(node.id) \(core.role) term \(core.term) log \(core.log.last) commit \(core.commit)"
        }.joined(separator: "; ")
    }

    private func compareLogs() {
        let cores: [RaftCore] = nodes.compactMap(\.core)
        for (position, left) in cores.enumerated() {
            for right in cores[(position + 1)...] { checker.compare(left, right) }
        }
    }

    // MARK: Members

    private func addNode(_ id: MemberID) {
        nodes.append(RaftNode(id: id, group: Self.group, configuration: founders))
        start(nodes.count - 1)
    }

    func start(_ position: Int) {
        nodes[position].start(settings: settings, seed: random.next(), flaws: flaws)
        let id: MemberID = nodes[position].id
        trace.record(now, 1, id.number) { "\(id) starts" }
    }

    func position(of id: MemberID) -> Int? { nodes.firstIndex { $0.id == id } }

    /// A newcomer that nobody knows yet, as long as there is room for one.
    func newMember() -> MemberID? {
        guard nodes.count < memberLimit else { return nil }
        let id = MemberID(UInt64(nodes.count + 1))
        addNode(id)
        return id
    }

    // MARK: Clients

    func propose(at position: Int, count: Int) {
        let first: UInt64 = nextPayload
        nextPayload += UInt64(count)
        let proposals: [RaftCore.Proposal] = (first..<nextPayload).map { number in
            RaftCore.Proposal(
                id: number,
                payload: (0..<8).map { UInt8(truncatingIfNeeded: number >> UInt64(8 * $0)) }
            )
        }
        step(position, .propose(proposals))
    }

    func read(at position: Int) {
        let id: UInt64 = nextRead
        nextRead += 1
        readFloors[id] = checker.committedIndex
        step(position, .read(ids: [id]))
    }

    func answered(_ ids: [UInt64], at index: LogIndex, by member: MemberID) {
        for id in ids {
            guard let floor = readFloors.removeValue(forKey: id) else { continue }
            report.reads += 1
            checker.answered(read: id, at: index, floor: floor, by: member)
        }
    }
}
