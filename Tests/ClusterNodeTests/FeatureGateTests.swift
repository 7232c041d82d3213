import Authority
import EventLoop
import JSON
import Logging
import Model
import Services
import Store
import StoreFormat
import Synchronization
import Testing

@testable import ClusterNode

/// What is new is written only when every node reads it (T42, T43).
@Suite(.timeLimit(.minutes(1))) struct FeatureGateTests {
    private static let logger = Logger(label: "test", level: .error, sink: CapturingLogSink())

    private static func keeper(_ state: MemoryState, isLeader: Bool = true) -> ClusterLevelKeeper {
        ClusterLevelKeeper(state: state, isLeader: { isLeader }, logger: logger, now: { 1 })
    }

    private static func announce(_ state: MemoryState, _ number: UInt64, level: Int?, removed: Bool = false) {
        state.write([
            RecordWriting.put(
                .node,
                .known(number),
                [
                    "name": .string("n\(number)"), "kind": "node", "state": "active",
                    "level": level.map { JSONValue($0) } ?? .null, "removed": removed ? 5 : nil,
                ],
                scope: .known(0)
            )
        ])
    }

    @Test func `the level is the lowest that is announced, and never falls`() {
        #expect(ClusterLevel.raised(from: 1, announced: [2, 2, 3]) == 2)
        #expect(ClusterLevel.raised(from: 1, announced: [2, 1, 3]) == nil)
        #expect(ClusterLevel.raised(from: 3, announced: [2, 4]) == nil)
        #expect(ClusterLevel.raised(from: 1, announced: []) == nil)
    }

    @Test func `no gate is above the level of this build`() {
        for gate in FeatureGate.all {
            #expect(gate.level <= FeatureGate.ownLevel && gate.level > FeatureGate.firstLevel)
        }
    }

    @Test func `members of two versions: the gate stays shut until the last announces, and opens by one entry`()
        async throws
    {
        let state = MemoryState()
        Self.announce(state, 7, level: 2)
        Self.announce(state, 8, level: nil)
        Self.announce(state, 9, level: nil, removed: true)
        await Self.keeper(state).look()
        #expect(state.proposed.isEmpty && ClusterLevel.of(state.store.view) == FeatureGate.firstLevel)
        Self.announce(state, 8, level: 2)
        await Self.keeper(state, isLeader: false).look()
        #expect(state.proposed.isEmpty)
        await Self.keeper(state).look()
        #expect(ClusterLevel.of(state.store.view) == 2)
        await Self.keeper(state).look()
        #expect(state.proposed.count == 1, "nothing is written twice")
        #expect(state.proposed.first?.audit?.eventType == "cluster.level")
    }

    @Test func `a node that is let in meanwhile keeps the gate shut`() async throws {
        let state = MemoryState()
        Self.announce(state, 7, level: 2)
        state.beforeNext {
            Self.announce(state, 8, level: nil)
            state.write([.touchPolicy(subject: Template(bytes: ClusterLevel.subject))])
        }
        await Self.keeper(state).look()
        #expect(ClusterLevel.of(state.store.view) == FeatureGate.firstLevel)
    }

    @Test func `an old node is refused at the door of a newer cluster, and at its own start`() async throws {
        let loop: EventLoop = try .start()
        let rig = try JoinRig()
        // While nothing was raised, an old one may come.
        var old: JoinRequest = try JoinRig.request(rig.token().text, "node2")
        old.entry.level = 1
        #expect(await rig.ask(old.json, loop: loop).status == 201)
        rig.state.write([
            RecordWriting.put(
                ClusterLevel.key.table,
                .known(ClusterLevel.key.number),
                ["kind": "clusterLevel", "level": 2],
                scope: .known(0)
            )
        ])
        var another: JoinRequest = try JoinRig.request(rig.token().text, "node3")
        another.entry.level = 1
        let refused = await rig.ask(another.json, loop: loop)
        #expect(refused.status == 409)
        let text: String = refused.body["message"]?.string ?? ""
        for part in ["node3", "level 2", "level 1", "forgetPolicy", "run the version that the other nodes run"] {
            #expect(text.contains(part), "\(text)")
        }
        #expect(rig.state.node(named: "node3") == nil)
        let view: StoreView = rig.state.store.view
        #expect(ClusterLevel.objection(1, version: "0.1.0", in: view)?.contains("0.1.0") ?? false)
        #expect(ClusterLevel.objection(FeatureGate.ownLevel, version: nil, in: view) == nil)
        await loop.stop()
    }

    @Test func `a request to join without a level is of the first one`() throws {
        var value: JSONObject = try #require(JoinRig.request("t", "node2").json.object)
        #expect(try JoinRequest(.object(value)).entry.level == FeatureGate.ownLevel)
        value["level"] = nil
        #expect(try JoinRequest(.object(value)).entry.level == FeatureGate.firstLevel)
    }

    @Test func `a credential's policy is forgotten with it, once every node reads that`() throws {
        let state = MemoryState()
        let subject: [UInt8] = PolicySubject.credential(40)
        state.write([
            RecordWriting.put(
                .credential,
                .known(40),
                ["kind": "apiKey", "state": "purged", "removed": 1],
                scope: .known(0)
            ), .touchPolicy(subject: Template(bytes: subject)),
        ])
        for (level, forgets) in [(1, false), (2, true)] {
            let context = ControlContext(
                scope: 0,
                epoch: 0,
                time: 10_000_000_000,
                uuids: UUIDSource(seed: (high: 1, low: 2)),
                requestID: "r",
                clusterLevel: level
            )
            let plan: Plan = PurgeController.plan(40, in: StateReader(state.store.view, ParsedDocuments()), context)
            let writes: [Write] = plan.transactions.flatMap(\.writes)
            #expect(writes.contains(.forgetPolicy(subject: Template(bytes: subject))) == forgets)
            if forgets { state.write(writes) }
        }
        #expect(state.store.view.policyRevision(subject) == 0)
        #expect(state.store.view.get(RecordKey(.credential, 40)) == nil)
    }

    @Test func `an entry of a newer form stops the member, with the reason`() {
        let reasons = Mutex<[String]>([])
        let machine = StoreMachine(store: Store()) { reason in reasons.withLock { $0.append(reason) } }
        var bytes: [UInt8] = Transaction(time: 1, actor: "1a1", requestID: "r").encoded()
        _ = machine.apply(index: 1, term: 1, version: 2, payload: bytes)
        bytes[0] = 2
        _ = machine.apply(index: 2, term: 1, version: 1, payload: bytes)
        let told: [String] = reasons.withLock { $0 }
        #expect(told.count == 2)
        for reason in told {
            #expect(reason.contains("fork the state"), "\(reason)")
            #expect(reason.contains("version that the other members run"), "\(reason)")
        }
        #expect(machine.appliedIndex == 0, "nothing was made of them")
    }
}
