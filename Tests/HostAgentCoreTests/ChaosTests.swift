import HostAgentCore
import HostProtocol
import JSON
import TestSupport
import Testing

/// A server, a host and a lossy, reordering, repeating line between them, all out of one seed.
struct ChaosTests {
    @Test(arguments: 0..<100)
    func `under replays, old epochs and crashes: no twins, no removal without a tombstone, and it converges`(
        seed: Int
    ) {
        var world = ChaosWorld(seed: UInt64(seed) &* 7919 &+ 1)
        for _ in 0..<400 { world.disturb() }
        world.settle()
        #expect(world.violations == [], "seed \(seed)")
    }
}

struct ChaosWorld {
    private var random: Seeded
    private var core: AgentCore
    private var disk: (orders: DesiredSet, starts: StartLedger) = (DesiredSet(), StartLedger())
    /// By external id.
    private var engine: [String: RuntimeContainer] = [:]
    private var made: Int = 0
    private var running: [Operation] = []
    private var inventoryAsked = false
    private var isConnected = false
    private var clock: Int64 = 0

    // The server's truth.
    private var incarnation: String = "aa"
    private var epoch: UInt64 = 1
    private var revision: UInt64 = 1
    private var wanted: [String: InstanceSpec] = [:]
    private var tombstones: [String: Tombstone] = [:]
    private var sentRevision: UInt64 = 0
    /// Every frame ever sent, for replays.
    private var history: [ServerFrame] = []
    private var line: [ServerFrame] = []
    private var uuids: Int = 0
    private var incarnations: Int = 0
    /// Every order to remove, as `incarnation/uuid`.
    private var removals: Set<String> = []
    /// What backups there are.
    private var backups: [(revision: UInt64, wanted: [String: InstanceSpec], tombstones: [String: Tombstone])] = []
    private var isSettling = false
    private var observed: [String: Observation] = [:]
    private(set) var violations: [String] = []

    init(seed: UInt64) {
        random = Seeded(seed)
        core = AgentCore(orders: DesiredSet(), starts: StartLedger())
        input(.began(milliseconds: 0))
    }

    private mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

    private mutating func pick<T>(_ all: [T]) -> T? { all.randomElement(using: &random) }

    mutating func disturb() {
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<14: changeOrders()
        case 14..<24: speak(full: chance(40))
        case 24..<50: deliver()
        case 50..<56: replay()
        case 56..<80: finishOne()
        case 80..<84: answerInventory()
        case 84..<88: crashAgent()
        case 88..<92: breakContainer()
        case 92..<94: moveOwner()
        case 94..<97: reconnect()
        case 97: restore()
        default:
            clock += 3_000
            input(.tick(milliseconds: clock))
        }
    }

    private mutating func changeOrders() {
        if chance(10) { backups.append((revision, wanted, tombstones)) }
        revision += 1
        switch Int.random(in: 0..<5, using: &random) {
        case 0, 1:
            uuids += 1
            let uuid: String = "u\(uuids)"
            wanted[uuid] = InstanceSpec(
                uuid: uuid,
                number: UInt64(uuids),
                name: uuid,
                goal: .running,
                generation: 1,
                revision: revision,
                launch: [:]
            )
        case 2:
            guard let uuid: String = pick(wanted.keys.sorted()), var spec = wanted[uuid] else { return }
            spec.generation += 1
            spec.goal = .running
            spec.revision = revision
            wanted[uuid] = spec
        case 3:
            guard let uuid: String = pick(wanted.keys.sorted()) else { return }
            wanted[uuid]?.goal = .stopped
            wanted[uuid]?.revision = revision
        default:
            guard let uuid: String = pick(wanted.keys.sorted()), let spec = wanted.removeValue(forKey: uuid) else {
                return
            }
            removals.insert("\(incarnation)/\(uuid)")
            tombstones[uuid] = Tombstone(
                uuid: uuid,
                number: spec.number,
                generation: spec.generation,
                revision: revision
            )
        }
    }

    private var stamp: FrameStamp { FrameStamp(incarnation: incarnation, epoch: epoch, revision: revision) }

    private mutating func speak(full: Bool) {
        let instances: [InstanceSpec] = wanted.values.filter { full || $0.revision > sentRevision }
            .sorted { $0.uuid < $1.uuid }
        let removed: [Tombstone] = tombstones.values.filter { full || $0.revision > sentRevision }
            .sorted { $0.uuid < $1.uuid }
        let sync = Sync(isFull: full, since: sentRevision, instances: instances, tombstones: removed)
        for part in sync.parts(limitBytes: 4 * 1024 + 300) { post(.sync(part)) }
        sentRevision = revision
    }

    private mutating func post(_ message: ServerMessage) {
        let frame = ServerFrame(stamp, message)
        history.append(frame)
        line.append(frame)
    }

    private mutating func deliver() {
        guard !line.isEmpty else { return }
        if chance(15) { line.shuffle(using: &random) }
        input(.received(line.removeFirst()))
    }

    private mutating func replay() {
        guard isConnected, let frame: ServerFrame = pick(history) else { return }
        // A welcome to a fresh stream needs the keys of that cluster: nobody can replay one of another.
        if case .welcome = frame.message, !core.isWelcomed { return }
        input(.received(frame))
    }

    private mutating func finishOne() {
        guard let index: Int = running.indices.randomElement(using: &random) else { return }
        let operation: Operation = running.remove(at: index)
        if chance(8) {
            // Failed, but perhaps it worked all the same.
            if chance(50) { _ = perform(operation) }
            input(.finished(operation, .failed(OperationFailure("chance", isTransient: true))))
        } else {
            input(.finished(operation, perform(operation)))
        }
    }

    private mutating func perform(_ operation: Operation) -> OperationOutcome {
        let uuid: String = operation.uuid
        func found() -> RuntimeContainer? {
            engine.values.filter { $0.uuid == uuid }.min { $0.externalID < $1.externalID }
        }
        switch operation.kind {
        case .pull: return .done
        case .create:
            if found() == nil {
                made += 1
                let id: String = "c\(made)"
                engine[id] = RuntimeContainer(
                    uuid: uuid,
                    number: operation.spec?.number ?? 0,
                    externalID: id,
                    name: uuid,
                    phase: .created
                )
                check("twins of \(uuid)", engine.values.count { $0.uuid == uuid } <= 1)
            }
        case .start(let id): engine[id]?.phase = .running
        case .stop(let id):
            if engine[id]?.phase == .running { engine[id]?.phase = .exited }
        case .remove(let id):
            engine[id] = nil
        case .inspect: break
        }
        return .container(found())
    }

    private mutating func check(_ name: String, _ isTrue: Bool) {
        if !isTrue { violations.append(name) }
    }

    private mutating func answerInventory() {
        guard inventoryAsked else { return }
        inventoryAsked = false
        input(.inventory(engine.values.sorted { $0.externalID < $1.externalID }))
    }

    private mutating func crashAgent() {
        // What was under way happens or not.
        for operation in running where chance(50) { _ = perform(operation) }
        running = []
        line = []
        isConnected = false
        inventoryAsked = false
        core = AgentCore(orders: disk.orders, starts: disk.starts)
        input(.began(milliseconds: clock))
    }

    private mutating func breakContainer() {
        guard let id: String = pick(engine.keys.sorted()), let container = engine[id] else { return }
        if container.phase == .running { engine[id]?.phase = .exited }
        if chance(70) { input(.containerChanged(uuid: container.uuid)) }
    }

    private mutating func moveOwner() {
        revision += 1
        epoch += 1
        reconnect()
    }

    /// The server is set back to a backup, and is another incarnation from then on.
    private mutating func restore() {
        guard let backup = pick(backups) else { return }
        (revision, wanted, tombstones) = (backup.revision + 1, backup.wanted, backup.tombstones)
        backups = []
        incarnations += 1
        incarnation = "b\(incarnations)"
        epoch = 1
        for uuid in tombstones.keys { removals.insert("\(incarnation)/\(uuid)") }
        reconnect()
    }

    private mutating func reconnect() {
        line = []
        isConnected = true
        input(.streamOpened(Bench.facts))
        guard isConnected else { return }
        sentRevision = core.stamp.revision
        if core.stamp.incarnation != incarnation { sentRevision = 0 }
        post(.welcome(Welcome(hostID: "1h1", hostNumber: 1, pingSeconds: 5)))
        speak(full: sentRevision == 0 || (!isSettling && chance(50)))
    }

    private mutating func input(_ input: AgentCore.Input) {
        for action in core.step(input) {
            switch action {
            case .persistOrders(let orders): disk.orders = orders
            case .persistStarts(let starts): disk.starts = starts
            case .takeInventory: inventoryAsked = true
            case .run(let operation):
                check("two operations at once for \(operation.uuid)", !running.contains { $0.uuid == operation.uuid })
                if case .start = operation.kind {
                    check("a start that is not on disk", disk.starts.entries[operation.uuid] != nil)
                }
                if case .remove = operation.kind {
                    check("a removal that is not on disk", disk.orders.tombstones[operation.uuid] != nil)
                    check(
                        "a removal without a tombstone",
                        removals.contains("\(core.orders.incarnation ?? "")/\(operation.uuid)")
                    )
                }
                running.append(operation)
            case .heard: break
            case .closeStream:
                isConnected = false
                line = []
            case .send(let frame):
                guard case .report(let report) = frame.message else { continue }
                for each in report.observations { observed[each.uuid] = each }
            case .note, .openLogs, .openExec, .feed, .closeLogs: break
            }
        }
    }

    /// As a server's reconciler does: orders anew what is said to rest and should run.
    private mutating func orderAnew() {
        guard isConnected else { return }
        for (uuid, spec) in wanted.sorted(by: { $0.key < $1.key }) where spec.goal == .running {
            guard let said: Observation = observed[uuid], said.generation >= spec.generation,
                said.condition == .stopped || said.condition == .gone
            else { continue }
            revision += 1
            wanted[uuid]?.generation = said.generation + 1
            wanted[uuid]?.revision = revision
        }
        if revision > sentRevision { speak(full: false) }
    }

    /// Chance ends: everything that waits is done, the server speaks in deltas on what the host holds.
    mutating func settle() {
        isSettling = true
        revision += 1
        observed = [:]
        reconnect()
        for round in 0..<3_000 {
            if !isConnected { reconnect() }
            if round.isMultiple(of: 50) { orderAnew() }
            if !line.isEmpty { input(.received(line.removeFirst())) }
            answerInventory()
            if !running.isEmpty {
                let operation: Operation = running.removeFirst()
                input(.finished(operation, perform(operation)))
            }
            clock += 500
            input(.tick(milliseconds: clock))
            if clock.isMultiple(of: 5_000) { post(.ping) }
        }
        for (uuid, spec) in wanted.sorted(by: { $0.key < $1.key }) {
            let phase: RuntimeContainer.Phase? = engine.values.first { $0.uuid == uuid }?.phase
            check("\(uuid) should run and is \(String(describing: phase))", spec.goal == .stopped || phase == .running)
            check("\(uuid) should not run", spec.goal == .running || phase != .running)
        }
        for uuid in tombstones.keys.sorted() {
            check("\(uuid) should be gone", !engine.values.contains { $0.uuid == uuid })
        }
    }
}
