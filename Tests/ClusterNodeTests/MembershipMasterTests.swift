import Authority
import Certificates
import EventLoop
import JSON
import Model
import RaftCore
import Store
import StoreFormat
import Synchronization
import TLS
import Testing

@testable import ClusterNode

/// A Raft group that does what it is told at once.
final class ObedientGroup: GroupSteering {
    private let state: Mutex<GroupLook>
    private let changes = Mutex<Int>(0)

    init(voters: [UInt64], isLeader: Bool = true) {
        state = Mutex(
            GroupLook(
                id: MemberID(7),
                isLeader: isLeader,
                term: 3,
                leader: MemberID(isLeader ? 7 : 8),
                commit: 50,
                applied: 50,
                configuration: Configuration(voters: voters.map { MemberID($0) }),
                peers: [:]
            )
        )
    }

    var look: GroupLook { state.withLock { $0 } }
    var changeCount: Int { changes.withLock { $0 } }

    func silence(_ member: UInt64) {
        state.withLock { $0.peers[MemberID(member)]?.silentMilliseconds = nil }
    }

    func changeMembers(voters: [MemberID], learners: [MemberID]) async -> ConfigurationRefusal? {
        changes.withLock { $0 += 1 }
        state.withLock { look in
            let gone: [MemberID] = look.configuration.members.filter { !(voters + learners).contains($0) }
            look.configuration = Configuration(
                voters: voters,
                learners: learners,
                removed: look.configuration.removed + gone
            )
            for member in look.configuration.members where member != look.id && look.peers[member] == nil {
                look.peers[member] = MembershipView.Peer(match: 48, lag: 2, silentMilliseconds: 5)
            }
        }
        return nil
    }

    func transferLeadership(to member: MemberID) {
        state.withLock { look in
            look.leader = member
            look.isLeader = false
        }
    }
}

@Suite(.timeLimit(.minutes(1))) struct MembershipMasterTests {
    private static func wait(for what: String, _ condition: () -> Bool) async throws {
        for _ in 0..<1_000 {
            if condition() { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        Issue.record("\(what) did not come about")
    }

    private static func running(
        _ state: MemoryState,
        _ group: ObedientGroup,
        _ body: (MembershipMaster) async throws -> Void
    ) async throws {
        let loop: EventLoop = try .start()
        let master = MembershipMaster(
            state: state,
            group: group,
            loop: loop,
            logger: NodeRig.logger,
            now: { WallClock.milliseconds }
        )
        let task = Task { await master.run() }
        let result: Result<Void, any Error>
        do { result = .success(try await body(master)) } catch { result = .failure(error) }
        task.cancel()
        state.store.closeWatches()
        await task.value
        await loop.stop()
        try result.get()
    }

    private static func put(_ state: MemoryState, _ number: UInt64, _ name: String, _ wanted: NodeRecord.State) {
        state.write([
            RecordWriting.put(
                .node,
                .known(number),
                JoinRig.entry(name).fields(state: wanted, time: 1),
                scope: .known(0)
            )
        ])
    }

    @Test func `a node that was let in becomes a voter, and goes again`() async throws {
        let state = MemoryState()
        let group = ObedientGroup(voters: [7])
        Self.put(state, 7, "node1", .active)
        try await Self.running(state, group) { _ in
            Self.put(state, 42, "node2", .joining)
            try await Self.wait(for: "a voter") { state.node(42)?.membership == .active }
            #expect(group.look.configuration.voters == [MemberID(7), MemberID(42)])
            // As learner, then as voter.
            #expect(group.changeCount == 2)

            var leaving: NodeRecord = try #require(state.node(42))
            leaving.membership = .removing
            state.write([RecordWriting.put(.node, .known(42), leaving.fields, scope: .known(0))])
            try await Self.wait(for: "the end") { state.node(42)?.removed != nil }
            #expect(group.look.configuration.voters == [MemberID(7)])
            #expect(group.look.configuration.removed == [MemberID(42)])
            #expect(state.node(named: "node2") == nil, "its name is free")
            #expect(state.proposed.compactMap(\.audit).map(\.eventType) == ["node.active", "node.removed"])
        }
    }

    @Test func `who does not lead does nothing`() async throws {
        let state = MemoryState()
        let group = ObedientGroup(voters: [7, 8], isLeader: false)
        Self.put(state, 42, "node2", .joining)
        try await Self.running(state, group) { master in
            await master.look()
            #expect(group.changeCount == 0 && state.proposed.isEmpty)
        }
    }

    @Test func `old join tokens are forgotten, others are not`() async throws {
        let state = MemoryState()
        let now: Int64 = WallClock.milliseconds
        for (number, expires): (UInt64, Int64) in [(10, now - 8 * 86_400_000), (11, now - 1_000), (12, now + 1_000)] {
            state.write([
                RecordWriting.put(
                    .joinToken,
                    .known(number),
                    ["token": .string("t\(number)"), "role": "node", "expires": .int(expires)],
                    scope: .known(0)
                )
            ])
        }
        try await Self.running(state, ObedientGroup(voters: [7])) { _ in
            try await Self.wait(for: "the forgetting") { state.store.view.records(in: .joinToken).count == 2 }
            #expect(state.store.view.get(RecordKey(.joinToken, 10)) == nil)
        }
    }

    @Test func `the status shows each member as the leader sees it`() async throws {
        let state = MemoryState()
        let group = ObedientGroup(voters: [7])
        _ = await group.changeMembers(voters: [MemberID(7), MemberID(8)], learners: [MemberID(42)])
        Self.put(state, 7, "node1", .active)
        Self.put(state, 42, "node2", .joining)
        state.write([.assignScope(scope: .known(0), node: "node1"), .assignScope(scope: .known(5), node: "node2")])
        let office = ClusterOffice(identity: JoinRig.group, group: group) { [MemberID(42): "it is on its way"] }
        let status = JSONValue.object(await office.status(in: state.store.view))
        #expect(status["clusterId"] == "0000000000000abc" && status["leader"] == "node1" && status["term"] == 3)
        let members: [JSONValue] = status["members"]?.array ?? []
        #expect(members.compactMap { $0["id"]?.string } == ["node1", "member 8", "node2"])
        #expect(members.compactMap { $0["role"]?.string } == ["leader", "voter", "learner"])
        for (name, value): (String, JSONValue) in [
            ("lag", 2), ("lastHeardMs", 5), ("applied", 48), ("message", "it is on its way"),
        ] {
            #expect(members.last?[name] == value)
        }
        #expect(status["scopes"]?.array?.map { $0["scope"] } == ["cluster", "1a5"])

        let view: StoreView = state.store.view
        #expect(office.objection(toRemoving: 42, in: view) == nil)
        #expect(office.objection(toRemoving: 8, in: view) == nil)
        group.silence(8)
        #expect(office.objection(toRemoving: 7, in: view)?.contains("bring back member 8") == true)
        #expect(office.objection(toLeading: 42, in: view)?.contains("no voter") == true)
        #expect(office.objection(toLeading: 8, in: view)?.contains("heard") == true)
    }

    @Test func `on the peer address a certificate's role, cluster and removal count`() throws {
        let rig = try JoinRig()
        func judge(_ certificate: Certificate?, cluster: UInt64 = 0xabc, removed: [UInt64] = [], late: Int64 = 0)
            -> String
        {
            do {
                let member: MemberID = try PeerAdmission.judge(
                    certificate,
                    cluster: cluster,
                    view: rig.state.store.view,
                    configuration: Configuration(voters: [MemberID(7)], removed: removed.map { MemberID($0) }),
                    now: rig.clock.now + late
                )
                return "member \(member)"
            } catch {
                return "\(error)"
            }
        }
        let node: Certificate = try rig.nodeIdentity().certificates[0]
        let host: Certificate = try rig.hostIdentity().certificates[0]
        #expect(judge(node) == "member 7")
        #expect(judge(node, late: 91 * 86_400_000).contains("expired"))
        #expect(judge(nil).contains("is needed"))
        #expect(judge(rig.authority.certificate).contains("is needed"))
        #expect(judge(host).contains("for a host"))
        #expect(judge(node, cluster: 1).contains("another cluster"))
        #expect(judge(node, removed: [7]).contains("for ever"))
        var gone: NodeRecord = try #require(rig.state.node(7))
        gone.removed = 1
        rig.state.write([RecordWriting.put(.node, .known(7), gone.fields, scope: .known(0))])
        #expect(judge(node).contains("for ever"))
    }
}
