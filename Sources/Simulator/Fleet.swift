internal import HostAgentCore
internal import HostProtocol
internal import Model
internal import RaftCore
internal import Services
internal import Store
internal import StoreFormat

/// The hosts of a simulated cluster, and what its members do for them: they own environments, run their controllers and
/// hold the streams of their hosts.
///
/// The decision who owns what, the controllers, the frames and the agents are the real ones, and so is the log under them: what
/// they propose goes through the cluster with everything that happens to it. Networks, runtimes and users are made up.
final class Fleet {
    enum Event {
        case toHost(stream: UInt64, [UInt8])
        case toServer(stream: UInt64, [UInt8])
        case closedAtHost(stream: UInt64)
        case closedAtServer(stream: UInt64)
        case finished(host: Int, life: UInt64, operation: UInt64)
        case inventory(host: Int, life: UInt64)
        case changed(host: Int, life: UInt64, uuid: String)
        /// The leader asks the owner to give a scope back.
        case release(Release, at: Int)
        /// The owner has.
        case released(Release)
        /// What came of a proposal or of a question.
        case answer(server: Int, life: Int, Origin, ClusterAnswer)
    }

    /// A request to give a scope back, and who asked.
    struct Release {
        var scope: UInt64
        var epoch: UInt64
        var asker: Int
        var askerLife: Int
    }

    /// Who proposed, and hears what came of it.
    enum Origin {
        case worker(scope: UInt64, epoch: UInt64)
        case session(host: UInt64, stream: UInt64)
        case absence(host: UInt64)
        /// The leader gives a scope to a node.
        case office(scope: UInt64, term: Term)
        /// A node takes a scope of its own under a new epoch.
        case take(scope: UInt64)
        /// A process that has just started asks what the state says now.
        case start
        /// A process with hosts asks whether a majority still answers.
        case touch
    }

    /// Where its records are.
    static let tables: [Table] = [
        .account, .host, .hostObserved, .hostReservation, .stack, .stackObserved, .service, .serviceObserved,
        .instance, .instanceObserved, .volume, .volumeObserved, .operation,
    ]

    unowned let world: ClusterWorld
    let size: FleetSize
    let flaws: FleetFlaws
    var faults: FleetFaults
    private var random: SeededRandom
    let documents = FleetDocuments()
    /// What there is before anything happens.
    let foundation: StoreView
    var hosts: [FleetHost] = []
    var hostIndex: [UInt64: Int] = [:]
    var streams: [UInt64: FleetStream] = [:]
    var streamCount: UInt64 = 0
    var projects: [UInt64] = []
    var stacks: [UInt64] = []
    /// What users want of each service in the end.
    var wishes: [UInt64: FleetWish] = [:]
    /// What users have asked for, by the request's name: it counts when it is committed.
    var orders: [String: FleetOrder] = [:]
    /// What servers have proposed, by the request's name, and under which epoch they act.
    var acts: [String: FleetAct] = [:]
    var proposalCount: Int = 0
    /// Owners and epochs, as committed.
    var owners: [UInt64: (node: String, epoch: UInt64)] = [:]
    /// Members that are to give up what they own.
    var draining: Set<MemberID> = []
    private var events: [Int: [Event]] = [:]
    var checker = FleetChecker()
    var report = FleetReport()
    /// The host that is lost for a while, and when.
    let loss: (host: Int, at: Int)?
    /// The frame that an agent is taking right now is one of the past.
    var isReplaying: Bool = false
    /// It has been lost.
    var isLost: Bool = false
    /// How often a host met a server of another incarnation.
    var strays: Int = 0
    /// What the clusters before this one knew last, by incarnation: their orders may still be carried out.
    var pasts: [String: StoreView] = [:]
    /// Containers that were there when this cluster began from a backup, and which it need not know.
    var bygone: Set<FleetPlace> = []

    init(world: ClusterWorld, seed: UInt64, size: FleetSize, faults: FleetFaults, flaws: FleetFlaws) {
        var random = SeededRandom(seed: seed ^ 0x464C_4545)
        self.world = world
        self.size = size
        self.flaws = flaws
        self.faults = faults.isMixed ? faults.mixed(&random) : faults
        let isLossy: Bool = faults.lostHostPercent > 0 && random.chance(percent: faults.lostHostPercent)
        loss = isLossy ? (random.below(size.hosts), 100 + random.below(1_400)) : nil
        self.random = random
        let founding = FleetFounding(size)
        foundation = founding.view
        projects = founding.projects
        stacks = founding.stacks
        wishes = founding.wishes
        for (index, host) in founding.hosts.enumerated() {
            hostIndex[host.number] = index
            hosts.append(FleetHost(number: host.number, project: host.project, facts: host.facts))
        }
    }

    var now: Int { world.now }

    /// What hosts know of the cluster that they belong to.
    var incarnation: String { "5eed\(world.group.incarnation)" }

    /// The state as nobody but the checkers sees it: everything that is committed.
    var head: FleetReader { FleetReader(view: world.checker.head, documents: documents) }

    func advance() {
        if !world.isCalm { causeTrouble() }
        for event in events.removeValue(forKey: now) ?? [] where isSound { deliver(event) }
        for member in world.members where isSound {
            if let server: FleetServer = member.server { run(server) }
        }
        for host in hosts.indices where isSound { tick(host) }
    }

    /// Nothing was violated so far.
    var isSound: Bool {
        if let reason: String = checker.violation { world.checker.fail(reason) }
        return world.checker.violation == nil
    }

    func at(_ time: Int, _ event: Event) { events[max(time, now + 1), default: []].append(event) }

    private func deliver(_ event: Event) {
        switch event {
        case .toHost(let stream, let bytes): arrived(bytes, atHostOf: stream)
        case .toServer(let stream, _):
            if let place: Int = streams[stream]?.server { deliver(event, to: place) }
        case .closedAtHost(let stream): closeAtHost(stream)
        case .closedAtServer(let stream): closeAtServer(stream)
        case .finished(let host, let life, let operation): finish(host, life, operation)
        case .inventory(let host, let life): answerInventory(host, life)
        case .changed(let host, let life, let uuid):
            guard hosts[host].life == life else { return }
            input(host, .containerChanged(uuid: uuid))
        case .release(_, let place): deliver(event, to: place)
        case .released(let release): deliver(event, to: release.asker)
        case .answer(let place, let life, _, _):
            if world.members[place].life == life { deliver(event, to: place) }
        }
    }

    /// What comes while a process stands still waits for it, in order.
    private func deliver(_ event: Event, to place: Int) {
        guard let server: FleetServer = world.members[place].server else { return }
        server.inbox.append(event)
        openInbox(of: server)
    }

    func openInbox(of server: FleetServer) {
        guard server.member.pausedUntil <= now, !server.inbox.isEmpty else { return }
        let waiting: [Event] = server.inbox
        server.inbox = []
        for event in waiting where isSound && server.isUp {
            switch event {
            case .answer(_, _, let origin, let answer): answered(server, origin, answer)
            case .toServer(let stream, let bytes): arrived(bytes, atServerOf: stream)
            case .release(let release, _): self.release(release, at: server)
            case .released(let release): released(release, to: server)
            default: break
            }
        }
    }

    /// What it all came to.
    func ended() -> FleetReport {
        var report: FleetReport = report
        report.starts = checker.starts.values.reduce(0, +)
        report.running = hosts.reduce(0) { $0 + $1.engine.values.count { $0.phase == .running } }
        return report
    }

    // MARK: Chance

    func below(_ bound: Int) -> Int { random.below(bound) }

    func chance(percent: Int) -> Bool { random.chance(percent: percent) }

    func nextNumber() -> UInt64 { random.next() }

    // MARK: The end

    /// Within a bounded time there is exactly what users want, and then nothing happens any more.
    func settle() {
        faults = faults.healed
        draining = []
        var missing: String = ""
        world.wait(12_000) {
            guard now % 20 == 0 else { return false }
            missing = shortcoming() ?? ""
            return missing.isEmpty
        }
        guard isSound else { return }
        guard missing.isEmpty else {
            return checker.fail("10 minutes after all faults had ended: \(missing); \(stateOfOwners)")
        }
        rest()
    }

    private var stateOfOwners: String {
        let scopes: [String] = owners.sorted { $0.key < $1.key }.map { scope, owner in
            "\(scope) is \(owner.node)'s, epoch \(owner.epoch)"
        }
        let servers: [String] = world.members.compactMap(\.server).map { server in
            let held: String = server.held.sorted { $0.key < $1.key }.map { "\($0.key)/\($0.value)" }
                .joined(separator: " ")
            let role: String = server.member.core.map { "\($0.role)" } ?? "down"
            return "\(server.name) (\(role), \(server.isReady ? "" : "not ready, ")holds \(held))"
        }
        return (scopes + servers).joined(separator: "; ")
    }

    /// Nothing is written when nothing changes.
    private func rest() {
        var quietSince: Int = now
        var last: Revision = world.checker.committedIndex
        world.wait(3_000) {
            if world.checker.committedIndex != last { quietSince = now }
            last = world.checker.committedIndex
            return now - quietSince >= 600
        }
        guard isSound else { return }
        if now - quietSince < 600 { checker.fail("does not come to rest: it still writes, though nothing changes") }
        if let missing: String = shortcoming() { checker.fail("it came about, but did not stay: \(missing)") }
    }
}

/// A container's place: on which host, under which of the runtime's ids.
struct FleetPlace: Hashable {
    var host: Int
    var externalID: String
}
