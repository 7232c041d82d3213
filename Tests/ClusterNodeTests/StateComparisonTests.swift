import EventLoop
import JSON
import Limits
import Logging
import Model
import RaftCore
import Store
import StoreFormat
import Synchronization
import Testing

@testable import ClusterNode

/// Members that should hold the same state and do not are found, and the odd one ends (T26).
@Suite(.timeLimit(.minutes(1))) struct StateComparisonTests {
    private static let three = Configuration(voters: [MemberID(1), MemberID(2), MemberID(3)])

    @Test func `a majority says who is odd; without one nobody is`() {
        let (a, b, c): ([UInt8], [UInt8], [UInt8]) = ([1], [2], [3])
        func judge(_ hashes: [UInt64: [UInt8]], _ configuration: Configuration = StateComparisonTests.three)
            -> StateVerdict
        {
            .judge(Dictionary(uniqueKeysWithValues: hashes.map { (MemberID($0.key), $0.value) }), configuration)
        }
        #expect(judge([1: a, 2: a, 3: a]) == .equal)
        #expect(judge([1: a, 3: a]) == .equal)
        #expect(judge([1: a, 2: b, 3: a]) == .odd([MemberID(2)], agreeing: [MemberID(1), MemberID(3)], hash: a))
        #expect(judge([1: b, 2: a, 3: a]) == .odd([MemberID(1)], agreeing: [MemberID(2), MemberID(3)], hash: a))
        #expect(judge([1: a, 2: b, 3: c]) == .divided([MemberID(1), MemberID(2), MemberID(3)]))
        #expect(judge([1: a, 2: b]) == .divided([MemberID(1), MemberID(2)]))
        #expect(judge([1: a]) == .tooFew)
        #expect(
            judge([1: a, 2: b], Configuration(voters: [MemberID(1), MemberID(2)]))
                == .divided([MemberID(1), MemberID(2)])
        )
        // A learner has no say, and may be odd.
        let learning = Configuration(voters: [MemberID(1), MemberID(2)], learners: [MemberID(3)])
        #expect(
            judge([1: a, 2: a, 3: b], learning) == .odd([MemberID(3)], agreeing: [MemberID(1), MemberID(2)], hash: a)
        )
        #expect(judge([1: a, 3: a], learning) == .tooFew)
    }

    @Test func `a member believes only what a majority says against its own word`() {
        let order = Quarantine(index: 9, hash: [1], agreeing: [MemberID(1), MemberID(3)])
        #expect(order.holds(against: [2], of: MemberID(2), Self.three))
        #expect(!order.holds(against: [1], of: MemberID(2), Self.three), "it holds the same")
        #expect(!order.holds(against: nil, of: MemberID(2), Self.three), "it said nothing of that entry")
        #expect(!order.holds(against: [2], of: MemberID(1), Self.three), "it is said to agree")
        let alone = Quarantine(index: 9, hash: [1], agreeing: [MemberID(1)])
        #expect(!alone.holds(against: [2], of: MemberID(2), Self.three), "one is no majority")
    }

    /// Three stores that apply the same entries, and one that does not quite.
    private final class Trio: Sendable {
        let machines: [StoreMachine]
        let quarantined = Mutex<[MemberID]>([])
        let isSilent = Mutex<Set<MemberID>>([])
        let loop: EventLoop
        let alarms: Alarms
        let configuration = StateComparisonTests.three

        init() throws {
            loop = try EventLoop.start()
            machines = (0..<3).map { _ in StoreMachine(store: Store()) { Issue.record("halted: \($0)") } }
            alarms = Alarms(
                logger: Logger(label: "test", level: .error, sink: CapturingLogSink()),
                now: { 1 }
            )
        }

        func apply(_ index: UInt64, name: String = "same", to which: [Int] = [0, 1, 2]) {
            let transaction = Transaction(
                time: 1,
                actor: "1a1",
                requestID: "r",
                writes: [RecordWriting.put(.stack, .known(index), ["name": .string(name)], scope: .known(5))]
            )
            for number in which {
                _ = machines[number].apply(index: index, term: 1, version: 1, payload: transaction.encoded())
            }
        }

        func comparison() -> StateComparison {
            let hashing: [StateHashing] = machines.map { StateHashing(store: $0.store, marks: $0.marks) }
            let loop: EventLoop = loop
            return StateComparison(
                links: StateComparison.Links(
                    look: {
                        GroupLook(
                            id: MemberID(1),
                            isLeader: true,
                            term: 1,
                            leader: MemberID(1),
                            commit: 1,
                            applied: 1,
                            configuration: self.configuration,
                            peers: Dictionary(
                                uniqueKeysWithValues: [2, 3].map {
                                    (MemberID($0), MembershipView.Peer(match: 1, lag: 0, silentMilliseconds: 1))
                                }
                            )
                        )
                    },
                    applied: { self.machines[0].appliedIndex },
                    report: { member, index in
                        if self.isSilent.withLock({ $0.contains(member) }) { return nil }
                        return await hashing[Int(member.number) - 1].report(at: index, on: loop)
                    },
                    quarantine: { member, order in
                        guard
                            order.holds(
                                against: hashing[Int(member.number) - 1].told(at: order.index),
                                of: member,
                                self.configuration
                            )
                        else { return }
                        self.quarantined.withLock { $0.append(member) }
                    },
                    name: { "n\($0)" }
                ),
                alarms: alarms,
                loop: loop,
                logger: Logger(label: "test", level: .error, sink: CapturingLogSink())
            )
        }
    }

    @Test func `equal states are equal, and nothing is written for it`() async throws {
        let trio = try Trio()
        for index in UInt64(1)...20 { trio.apply(index) }
        #expect(await trio.comparison().compare())
        #expect(trio.alarms.all.isEmpty)
        #expect(trio.machines.map(\.appliedIndex) == [20, 20, 20], "no log entry for a comparison")
        await trio.loop.stop()
    }

    @Test func `one that differs in one field is told to stop, with an alarm`() async throws {
        let trio = try Trio()
        trio.apply(1)
        trio.apply(2, to: [0, 2])
        trio.apply(2, name: "other", to: [1])
        trio.apply(3)
        #expect(await trio.comparison().compare())
        #expect(trio.quarantined.withLock { $0 } == [MemberID(2)])
        let alarm: Alarm = try #require(trio.alarms.all.first)
        #expect(alarm.kind == Alarm.Kind.stateDiffers)
        #expect(alarm.message.hasPrefix("n2 held another state than n1, n3 at entry 3"))
        #expect(alarm.command == "drover cluster remove n2")
        await trio.loop.stop()
    }

    @Test func `a leader that is the odd one stops itself`() async throws {
        let trio = try Trio()
        trio.apply(1, name: "other", to: [0])
        trio.apply(1, to: [1, 2])
        #expect(await trio.comparison().compare())
        #expect(trio.quarantined.withLock { $0 } == [MemberID(1)])
        await trio.loop.stop()
    }

    @Test func `members that are never at one entry together meet at one that lies ahead`() async throws {
        let trio = try Trio()
        for index in UInt64(1)...100 { trio.apply(index) }
        trio.apply(101, to: [1])  // Member 2 is past the leader's entry.
        let comparison: StateComparison = trio.comparison()
        async let done: Bool = comparison.compare()
        // The load goes on until they have met.
        var index: UInt64 = 101
        trio.apply(101, to: [0, 2])
        let stopping = Mutex(false)
        let load = Task {
            while !stopping.withLock({ $0 }) {
                index += 1
                trio.apply(index)
                await Task.yield()
            }
        }
        #expect(await done)
        stopping.withLock { $0 = true }
        await load.value
        #expect(trio.alarms.all.isEmpty)
        await trio.loop.stop()
    }

    @Test func `three comparisons that came to nothing are an alarm, and one that came to something ends it`()
        async throws
    {
        let trio = try Trio()
        trio.apply(1)
        trio.isSilent.withLock { $0 = [MemberID(3)] }
        let comparison: StateComparison = trio.comparison()
        for _ in 1..<Limits.stateCompareFailures {
            #expect(await !comparison.compare())
            #expect(trio.alarms.all.isEmpty)
        }
        #expect(await !comparison.compare())
        let alarm: Alarm = try #require(trio.alarms.all.first)
        #expect(alarm.kind == Alarm.Kind.stateNotCompared)
        #expect(alarm.message.contains("n3"))
        trio.isSilent.withLock { $0 = [] }
        #expect(await comparison.compare())
        #expect(trio.alarms.all.isEmpty)
        await trio.loop.stop()
    }

    @Test func `a quarantined folder refuses to start, says why and what to do`() async throws {
        let rig = try await NodeRig()
        await rig.node.stop()
        try rig.folder.quarantine("the state here differed at entry 7")
        await #expect(throws: NodeFault.self) { try await NodeRig.start(rig.folder) }
        do throws(NodeFault) { try rig.folder.checkWhole() } catch {
            #expect("\(error)".contains("entry 7"))
            #expect("\(error)".contains("drover cluster remove node1"))
            #expect("\(error)".contains(rig.folder.path))
        }
        await rig.abandon()
    }
}
