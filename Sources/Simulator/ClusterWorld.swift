internal import Checkers
package import RaftCore
internal import RaftLog
internal import Store
internal import StoreFormat

/// A whole cluster in one process under one seed: consensus, disks, the replicated store, a network, clients that read
/// and write through any member, watches that move from one to another, and accidents; and, where it has hosts, who owns them,
/// the controllers and the agents (``Fleet``).
///
/// The core, the store, transactions, sessions and watches are the real ones; disks, network and clocks are made up.
/// A tick is 50 milliseconds. The same seed gives the same run, event for event.
package final class ClusterWorld {
    enum Event {
        case message(Message)
        /// A member's disk finished what it worked on.
        case disk(Int, life: Int)
        case checkpoint(Int, life: Int, ClusterMember.Checkpoint, keep: LogIndex)
        case crash(Int, life: Int, losesPower: Bool?)
        case mute(Int, ticks: Int)
        /// A member hears that another one's process is gone.
        case gone(MemberID, heardBy: Int)
        case snapshotRefused(Int, life: Int, to: MemberID)
        case chunk(from: Int, life: Int, to: Int, number: Int, of: Int, ClusterMember.Checkpoint)
        case chunkTaken(by: Int, from: Int, life: Int, received: Int, isInstalled: Bool)
        case call(Int)
        case forwarded(Int, to: Int)
        case decided(Int, index: LogIndex, TransactionOutcome)
        case handedBack(Int)
        case answer(Int, ClusterAnswer)
        /// A server has waited long enough for what it asked.
        case callExpired(Int)
    }

    static let tickMilliseconds: Int64 = 50
    /// Milliseconds since 1970.
    static let beginning: Int64 = 1_700_000_000_000

    static let wheelTicks: Int = 2_048
    static let clientCount: Int = 8

    let faults: ClusterFaults
    let flaws: Flaws
    let worldFlaws: ClusterFlaws
    let settings: RaftSettings
    var group = GroupIdentity(cluster: 7, incarnation: 1)
    var founders: Configuration
    /// Members that there may ever be.
    var placeLimit: Int = 12
    /// Sessions that were opened up to here are of another incarnation.
    var pastRevision: LogIndex = 0
    var random: SeededRandom
    var now: Int = 0
    /// Grows with everything that clients do, so that what follows is ordered.
    var clock: Int64 = 0
    var members: [ClusterMember] = []
    var network = ClusterNetwork()
    var checker = ClusterChecker()
    var trace: ClusterTrace
    var report: ClusterReport
    var clients: [ClusterClient] = []
    var calls: [Int: ClusterCall] = [:]
    var nextCall: Int = 1
    var watchers: [ClusterWatcher] = []
    /// By tick, in a circle.
    private var wheel: [[Event]]
    /// What is done when chance did not.
    var deeds: [Int: [Deed]] = [:]
    /// No accidents and no loss: what is left must come to an agreement.
    var isCalm: Bool = false
    /// Clients begin nothing new.
    var isClosing: Bool = false
    /// What is being delivered right now.
    var current: Message?
    /// The hosts, and what members do for them; nil in a cluster without.
    private(set) var fleet: Fleet?

    /// - Parameters:
    ///   - members: founders, all voters.
    ///   - hosts: how many hosts and services it has; nil for none.
    ///   - hasWords: whether the trace can be read; costs time.
    package init(
        seed: UInt64,
        members count: Int,
        faults: ClusterFaults = ClusterFaults(),
        flaws: Flaws = [],
        worldFlaws: ClusterFlaws = [],
        hosts: FleetSize? = nil,
        hostFaults: FleetFaults = FleetFaults(),
        hostFlaws: FleetFlaws = [],
        hasWords: Bool = false
    ) {
        var random = SeededRandom(seed: seed ^ 0x434C_5553)
        self.faults = faults.isMixed ? faults.mixed(&random) : faults
        self.flaws = flaws
        self.worldFlaws = worldFlaws
        self.random = random
        report = ClusterReport(seed: seed, members: count)
        // More goes on where there are hosts.
        trace = ClusterTrace(hasWords: hasWords, kept: hosts == nil ? 600 : 3_000)
        wheel = Array(repeating: [], count: Self.wheelTicks)
        var settings = RaftSettings()
        settings.electionTicks = 20
        settings.heartbeatTicks = 3
        settings.diskStallTicks = 80
        settings.appendBytes = faults.appendBytes
        settings.windowBytes = 4_000
        settings.promotionLagEntries = 20
        // Documents are longer there.
        if hosts != nil { settings.windowBytes *= 4 }
        self.settings = settings
        founders = Configuration(voters: (1...max(1, min(count, 7))).map { MemberID(UInt64($0)) })
        if let hosts {
            let fleet = Fleet(world: self, seed: seed, size: hosts, faults: hostFaults, flaws: hostFlaws)
            self.fleet = fleet
            checker = ClusterChecker(beginningWith: fleet.foundation)
            let position = LogPosition(index: fleet.foundation.revision, term: 1)
            for _ in founders.voters { plantMember(at: position, fleet.foundation) }
        } else {
            for _ in founders.voters { addMember() }
        }
        for number in 0..<Self.clientCount { clients.append(ClusterClient(number: number)) }
        makeWatchers()
    }

    /// Runs `steps` ticks of trouble, then lets everything heal, expects agreement, and judges what clients saw.
    package func run(steps: Int) -> ClusterReport {
        if faults.isForced { planDeeds(steps) }
        run(until: steps)
        if checker.violation == nil { settle() }
        closeWatchers()
        checker.judge(watchers.map(\.record))
        return finished()
    }

    func run(until time: Int) {
        while now < time, checker.violation == nil { advance() }
    }

    func finished() -> ClusterReport {
        report.violation = checker.violation.map { "\($0) (tick \(now))" }
        report.traceHash = trace.hash
        report.trace = trace.lines
        report.commits = Int(checker.committedIndex)
        report.ticks = now
        report.fleet = fleet?.ended()
        return report
    }

    func advance() {
        now += 1
        let slot: Int = now % Self.wheelTicks
        let due: [Event] = wheel[slot]
        wheel[slot] = []
        for event in due where checker.violation == nil { deliver(event) }
        if !isCalm { causeTrouble() }
        for member in members where member.isUp && member.pausedUntil <= now { tick(member) }
        for client in clients.indices where checker.violation == nil { run(client: client) }
        if now % 2 == 0 {
            for watcher in watchers.indices where checker.violation == nil { run(watcher: watcher) }
        }
        fleet?.advance()
        if now % 40 == 0 { compareLogs() }
    }

    private func tick(_ member: ClusterMember) {
        if member.clockRate != 100, member.clockRateUntil <= now { member.clockRate = 100 }
        for _ in 0..<member.clockTicks() { tickOnce(member) }
        if member.outgoing != nil { driveSnapshot(member) }
    }

    func tickOnce(_ member: ClusterMember) {
        member.ownTicks += 1
        step(member, .tick)
    }

    func schedule(_ event: Event, after ticks: Int) {
        wheel[(now + min(max(1, ticks), Self.wheelTicks - 1)) % Self.wheelTicks].append(event)
    }

    func count(_ fault: ClusterFault) { report.faults[fault, default: 0] += 1 }

    // MARK: Members

    @discardableResult
    func addMember() -> ClusterMember {
        let member = ClusterMember(place: members.count, group: group, configuration: founders)
        members.append(member)
        start(member)
        return member
    }

    /// A member whose disk holds a state already.
    func plantMember(at position: LogPosition, _ view: StoreView) {
        let member = ClusterMember(place: members.count, group: group, configuration: founders)
        try? member.disk.write(.ballot(Ballot(term: position.term)))
        try? member.disk.write(.reset(position, founders))
        try? member.disk.flush()
        member.checkpoint = ClusterMember.Checkpoint(position: position, view: view, configuration: founders)
        members.append(member)
        start(member)
    }

    func member(_ id: MemberID) -> ClusterMember? {
        let place = Int(id.number) - 1
        return members.indices.contains(place) ? members[place] : nil
    }

    /// Those that nobody removed.
    var present: [ClusterMember] { members.filter { $0.lingersUntil == .max } }

    /// If two logs agree at one place, they agree at all places before; and configurations are those of the log.
    func compareLogs() {
        for (position, left) in members.enumerated() {
            guard let core = left.core else { continue }
            checkConfiguration(left)
            for right in members[(position + 1)...] {
                if let other = right.core { checker.compare(core, other) }
            }
        }
    }

    /// The configuration in force is the last one in the log, committed or not (Raft dissertation, section 4.1).
    func checkConfiguration(_ member: ClusterMember) {
        guard let core = member.core else { return }
        var index: LogIndex = core.log.lastIndex
        while index >= core.log.firstIndex, core.log[index].kind != .configuration { index -= 1 }
        let right: Configuration? =
            index >= core.log.firstIndex
            ? Configuration(encoded: core.log[index].payload) : core.configuration(at: core.log.base.index)
        guard right != core.configuration else { return }
        checker.fail(
            "member \(member.id) acts under \(core.configuration), which its log, \(right.map { "\($0)" } ?? "damaged"), does not say"
        )
    }

    // MARK: The end

    /// Heals the world; within a bounded time all members of the final configuration must hold the same state.
    func settle() {
        isCalm = true
        network.heal()
        trace.record(now, 90, "all accidents are over")
        for member in members {
            member.pausedUntil = 0
            member.stalledUntil = 0
            member.failsFlush = false
            member.clockRate = 100
            if member.lingersUntil != .max {
                stop(member)
            } else if !member.isUp {
                start(member)
            }
        }
        let servedBefore: Int = report.acknowledged
        if let fleet {
            // Whatever happened, clients are served again; then users want nothing more, and hosts have time to do it.
            wait(1_500) {
                if report.acknowledged >= servedBefore + 2 * clients.count { isClosing = true }
                return isClosing && clients.allSatisfy { $0.task == nil }
            }
            fleet.settle()
        }
        let deadline: Int = now + 1_500
        while now < deadline, checker.violation == nil {
            advance()
            guard now % 10 == 0 else { continue }
            // Whatever happened, clients are served again.
            if report.acknowledged >= servedBefore + 2 * clients.count { isClosing = true }
            guard isClosing, clients.allSatisfy({ $0.task == nil }) else { continue }
            guard let leader = members.first(where: { $0.core?.takesProposals == true })?.core,
                hasSettled(under: leader)
            else { continue }
            return checker.ended(members.filter { leader.configuration.members.contains($0.id) })
        }
        checker.fail("no agreement within 1500 ticks after all faults had ended: \(stateOfAll)")
    }

    /// Lets time pass until `isDone` says so, but not for ever.
    func wait(_ ticks: Int, until isDone: () -> Bool) {
        let deadline: Int = now + ticks
        while now < deadline, checker.violation == nil, !isDone() { advance() }
    }

    /// Milliseconds since 1970, by the right clock.
    var time: Int64 { Self.beginning + Int64(now) * Self.tickMilliseconds }

    private func hasSettled(under leader: RaftCore) -> Bool {
        guard !leader.configuration.isJoint, leader.commit == leader.log.lastIndex else { return false }
        let ids: [MemberID] = leader.configuration.members
        return members.allSatisfy { !ids.contains($0.id) || $0.isUp && $0.applied == leader.commit }
    }

    private var stateOfAll: String {
        let states: [String] = members.map { member in
            guard let core = member.core else { return "\(member.id) down" }
            return "\(member.id) \(core.role) term \(core.term) log \(core.log.last) commit \(core.commit)"
        }
        let busy: [String] = clients.compactMap { client in client.task.map { "\(client.name) wants \($0.name)" } }
        return (states + busy).joined(separator: "; ")
    }
}
