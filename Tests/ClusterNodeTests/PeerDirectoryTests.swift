import EventLoop
import JSON
import Model
import RaftCore
import StoreFormat
import Testing

@testable import ClusterNode

struct PeerDirectoryTests {
    private let state = MemoryState()

    private func record(_ number: UInt64, _ name: String, _ membership: NodeRecord.State = .active) {
        var node = JoinRig.entry(name).fields(state: membership, time: 1)
        if membership == .removed { node["removed"] = .int(2) }
        state.write([RecordWriting.put(.node, .known(number), node, scope: .known(0))])
    }

    @Test func `a node is found by its name, a removed one is not`() throws {
        let directory = PeerDirectory(
            store: state.store,
            told: [PeerDirectory.Peer(member: MemberID(9), name: "member-9", place: "127.0.0.1:9009")]
        )
        record(7, "node1")
        record(8, "node2", .removed)
        #expect(directory.peer(named: "node1")?.member == MemberID(7))
        #expect(directory.peer(named: "node2") == nil && directory.peer(named: "node3") == nil)
        #expect(directory.peer(named: "member-9")?.member == MemberID(9))
        // Its name is free again.
        record(10, "node2")
        #expect(directory.peer(named: "node2")?.member == MemberID(10))
    }

    @Test func `a record that changes is read again`() {
        let directory = PeerDirectory(store: state.store, told: [])
        record(7, "node1")
        #expect(directory.peer(MemberID(7))?.membership == .active)
        #expect(directory.peer(MemberID(7))?.membership == .active)
        record(7, "node1", .removed)
        #expect(directory.peer(MemberID(7))?.membership == .removed)
        #expect(directory.all.map(\.membership) == [.removed])
        record(7, "node7")
        #expect(directory.peer(MemberID(7))?.name == "node7")
    }

    @Test func `where a node says that it is counts more than its record`() throws {
        let directory = PeerDirectory(store: state.store, told: [])
        record(7, "node1")
        let member = MemberID(7)
        #expect("\(try #require(directory.endpoint(of: member)))".contains("9001"))
        // It has moved: nobody could reach it to let it change its record.
        directory.learn(member, name: "node1", place: "127.0.0.1:9444")
        #expect("\(try #require(directory.endpoint(of: member)))".contains("9444"))
        directory.learn(member, name: "node1", place: "nonsense")
        #expect("\(try #require(directory.endpoint(of: member)))".contains("9444"))
        // One that has no record here yet.
        directory.learn(MemberID(11), name: "node5", place: "127.0.0.1:9555")
        #expect(directory.peer(named: "node5")?.member == MemberID(11))
        #expect(directory.endpoint(of: MemberID(11)) != nil)
    }
}
