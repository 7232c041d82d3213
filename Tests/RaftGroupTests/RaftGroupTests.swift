import Glibc
import RaftCore
import RaftGroup
import RaftLog
import Synchronization
import TestSupport
import Testing

/// Keeps what was applied, in order.
final class Ledger: StateMachine {
    private let entries = Mutex<[String]>([])
    let appliedIndex: LogIndex

    init(appliedIndex: LogIndex = 0) { self.appliedIndex = appliedIndex }

    func apply(index: LogIndex, term: Term, version: UInt8, payload: [UInt8]) -> Int {
        entries.withLock {
            $0.append(String(decoding: payload, as: UTF8.self))
            return $0.count
        }
    }

    func pass(index: LogIndex, term: Term) {}

    struct NoSnapshots: Error {}
    func snapshot(to path: String) throws -> LogIndex { throw NoSnapshots() }
    func install(from path: String) throws { throw NoSnapshots() }

    var all: [String] { entries.withLock { $0 } }
}

/// Carries messages between groups of one process.
final class Wire: PeerTransport {
    private let groups = Mutex<[MemberID: RaftGroup<Ledger>]>([:])
    private let cut = Mutex<Set<MemberID>>([])

    func connect(_ group: RaftGroup<Ledger>) { groups.withLock { $0[group.status.id] = group } }
    func isolate(_ member: MemberID, _ isCut: Bool) {
        cut.withLock { _ = isCut ? $0.insert(member).inserted : $0.remove(member) != nil }
    }

    func send(_ message: Message, to member: MemberID) {
        guard cut.withLock({ !$0.contains(message.from) && !$0.contains(member) }) else { return }
        groups.withLock { $0[member] }?.receive(message)
    }

    func membersChanged(_ configuration: Configuration) {}
}

struct RaftGroupTests {
    private static let identity = GroupIdentity(cluster: 1, incarnation: 1)
    private static let one = MemberID(1)

    private let folder = Folder()

    private func start(_ path: String, _ ledger: Ledger) throws -> RaftGroup<Ledger> {
        RaftGroup(
            storage: try FileLog(opening: path, knownCommitted: ledger.appliedIndex, segmentBytes: 64 * 1024),
            machine: ledger,
            fatal: { Issue.record("\($0)") }
        )
    }

    @Test func `a group of one applies what is proposed, in order, and finds it again after a restart`() async throws {
        let path: String = folder.path
        try FileLog.create(
            in: path,
            member: Self.one,
            group: Self.identity,
            configuration: Configuration(voters: [Self.one]),
            segmentBytes: 64 * 1024
        )
        let ledger = Ledger()
        let group: RaftGroup<Ledger> = try start(path, ledger)
        try await group.awaitLeader()
        var last: LogIndex = 0
        for number in 1...20 {
            let applied: Applied<Int> = try await group.propose(Array("entry \(number)".utf8))
            #expect(applied.outcome == number)
            #expect(applied.index > last)
            last = applied.index
        }
        #expect(try await group.readIndex() >= last)
        #expect(group.status.role == .leader)
        await group.shutdown()
        await #expect(throws: ProposeError.self) { try await group.propose([1]) }

        let again = Ledger()
        let second: RaftGroup<Ledger> = try start(path, again)
        try await second.awaitLeader()
        try await second.readIndex()
        #expect(again.all == ledger.all)
        await second.shutdown()

        // From a checkpoint only what follows it is applied.
        let later = Ledger(appliedIndex: last - 5)
        let third: RaftGroup<Ledger> = try start(path, later)
        try await third.awaitLeader()
        try await third.readIndex()
        #expect(later.all == Array(ledger.all.suffix(5)))
        await third.shutdown()
    }

    @Test func `many callers at once are each answered with their own outcome`() async throws {
        let path: String = folder.path
        try FileLog.create(
            in: path,
            member: Self.one,
            group: Self.identity,
            configuration: Configuration(voters: [Self.one]),
            segmentBytes: 64 * 1024
        )
        let ledger = Ledger()
        let group: RaftGroup<Ledger> = try start(path, ledger)
        try await group.awaitLeader()
        let outcomes: [String: Int] = try await withThrowingTaskGroup(of: (String, Int).self) { tasks in
            for number in 0..<300 {
                tasks.addTask { ("\(number)", try await group.propose(Array("\(number)".utf8)).outcome) }
            }
            var found: [String: Int] = [:]
            for try await (name, outcome) in tasks { found[name] = outcome }
            return found
        }
        let all: [String] = ledger.all
        #expect(all.count == 300)
        for (place, name) in all.enumerated() { #expect(outcomes[name] == place + 1) }
        group.compact(through: 250)
        _ = try await group.propose([0])
        #expect(group.status.firstIndex == 251)
        await group.shutdown()
    }

    @Test func `too large a command is refused before it enters the log`() async throws {
        let group = memoryGroup(MemberID(1), [MemberID(1)], Wire(), Ledger())
        try await group.awaitLeader()
        await #expect(throws: ProposeError.self) { try await group.propose([UInt8](repeating: 0, count: 3 << 20)) }
        await group.shutdown()
    }

    private func memoryGroup(
        _ id: MemberID,
        _ voters: [MemberID],
        _ wire: Wire,
        _ ledger: Ledger
    ) -> RaftGroup<Ledger> {
        var options = RaftGroup<Ledger>.Options()
        options.tickMilliseconds = 5
        options.seed = id.number
        options.leaderlessMilliseconds = 300
        let group = RaftGroup(
            storage: MemoryLog(member: id, group: Self.identity, configuration: Configuration(voters: voters)),
            machine: ledger,
            transport: wire,
            options: options,
            fatal: { Issue.record("\($0)") }
        )
        wire.connect(group)
        return group
    }

    @Test func `three members agree, followers read, and a cut-off leader answers nothing`() async throws {
        let ids: [MemberID] = (1...3).map { MemberID($0) }
        let wire = Wire()
        let ledgers: [Ledger] = ids.map { _ in Ledger() }
        let groups: [RaftGroup<Ledger>] = zip(ids, ledgers).map { memoryGroup($0, ids, wire, $1) }
        let leader: RaftGroup<Ledger> = try await leader(of: groups)
        for number in 1...10 { _ = try await leader.propose(Array("\(number)".utf8)) }
        for (group, ledger) in zip(groups, ledgers) {
            try await group.readIndex()
            #expect(ledger.all == (1...10).map { "\($0)" })
        }

        wire.isolate(leader.status.id, true)
        await #expect(throws: ReadError.self) { try await leader.readIndex() }
        let others: [RaftGroup<Ledger>] = groups.filter { $0.status.id != leader.status.id }
        let next: RaftGroup<Ledger> = try await self.leader(of: others)
        _ = try await next.propose(Array("after".utf8))
        wire.isolate(leader.status.id, false)
        let deadline: ContinuousClock.Instant = .now.advanced(by: .seconds(20))
        while !ledgers.allSatisfy({ $0.all.last == "after" }), .now < deadline {
            try await Task.sleep(for: .milliseconds(5))
        }
        for ledger in ledgers { #expect(ledger.all.last == "after") }
        for group in groups { await group.shutdown() }
    }

    private func leader(of groups: [RaftGroup<Ledger>]) async throws -> RaftGroup<Ledger> {
        let deadline: ContinuousClock.Instant = .now.advanced(by: .seconds(20))
        while .now < deadline {
            for group in groups where group.status.role == .leader {
                if (try? await group.readIndex()) != nil { return group }
            }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw ReadError.timedOut
    }
}
