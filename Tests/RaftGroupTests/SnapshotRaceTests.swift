import Crypto
import Glibc
import RaftCore
import RaftGroup
import RaftLog
import Synchronization
import TestSupport
import Testing

/// A state that takes as long to be replaced as a test wants.
private final class SlowState: StateMachine {
    private let state = Mutex<(index: LogIndex, installs: Int)>((0, 0))
    let began = Mailbox<Void>()
    let mayEnd = Mailbox<Void>()

    var appliedIndex: LogIndex { state.withLock { $0.index } }
    var installs: Int { state.withLock { $0.installs } }

    func apply(index: LogIndex, term: Term, version: UInt8, payload: [UInt8]) -> Int {
        state.withLock { $0.index = index }
        return 0
    }

    func pass(index: LogIndex, term: Term) { state.withLock { $0.index = index } }
    func snapshot(to path: String) throws -> LogIndex { appliedIndex }

    func install(from path: String) throws {
        began.post(())
        _ = mayEnd.take()
        state.withLock { state in
            state.index += 100
            state.installs += 1
        }
    }
}

/// Snapshots that come close together, and one that takes long (T48).
@Suite(.timeLimit(.minutes(1))) struct SnapshotRaceTests {
    private static let identity = GroupIdentity(cluster: 1, incarnation: 1)
    private static let three = Configuration(voters: [MemberID(1), MemberID(2), MemberID(3)])

    private func about(_ index: LogIndex, _ bytes: [UInt8]) -> SnapshotAbout {
        SnapshotAbout(
            group: Self.identity,
            position: LogPosition(index: index, term: 3),
            configuration: Self.three,
            size: UInt64(bytes.count),
            digest: SHA256.hash(bytes)
        )
    }

    private func heartbeat(_ term: Term) -> Message {
        Message(
            group: Self.identity,
            from: MemberID(2),
            to: MemberID(1),
            term: term,
            body: .heartbeat(commit: .start, round: 0)
        )
    }

    private func until(_ condition: () -> Bool) async -> Bool {
        let deadline: ContinuousClock.Instant = .now + .seconds(20)
        while .now < deadline {
            if condition() { return true }
            try? await Task.sleep(for: .milliseconds(2))
        }
        return false
    }

    /// Offers again for as long as the answer is "later", as a sender does.
    private func offered(
        _ about: SnapshotAbout,
        from member: MemberID,
        to group: RaftGroup<SlowState>
    ) async -> SnapshotReply {
        let deadline: ContinuousClock.Instant = .now + .seconds(20)
        var reply: SnapshotReply = await group.offered(about, from: member)
        while reply == .later, .now < deadline {
            try? await Task.sleep(for: .milliseconds(2))
            reply = await group.offered(about, from: member)
        }
        return reply
    }

    @Test func `while one snapshot takes the state's place another one waits, and the member goes on listening`()
        async throws
    {
        let folder = Folder()
        defer { withExtendedLifetime(folder) {} }
        let machine = SlowState()
        let group = RaftGroup<SlowState>(
            storage: MemoryLog(member: MemberID(1), group: Self.identity, configuration: Self.three),
            machine: machine,
            snapshots: try SnapshotFolder(path: folder.path),
            fatal: { Issue.record("\($0)") }
        )
        group.receive(heartbeat(3))
        #expect(await until { group.status.term == 3 })

        let first: [UInt8] = Array("the first".utf8)
        guard case .proceed(let transfer, 0) = await group.offered(about(100, first), from: MemberID(2)) else {
            Issue.record("the first was not taken")
            return
        }
        #expect(await group.took(first, at: 0, transfer: transfer) == .proceed(transfer: transfer, offset: 9))
        async let installed: SnapshotReply = group.completed(transfer: transfer)
        let machineBegan: Bool = await until { machine.began.take(until: 0)?.isEmpty == false }
        #expect(machineBegan)

        // It takes long. The member is not silent meanwhile.
        group.receive(heartbeat(5))
        #expect(await until { group.status.term == 5 })
        #expect(group.status.applied == 0)

        machine.mayEnd.post(())
        #expect(await installed == .installed)
        #expect(await until { group.status.applied == 100 })
        // The very same once more, and an older one, are not wanted any more; a newer one is.
        #expect(await group.offered(about(100, first), from: MemberID(2)) == .installed)
        #expect(await group.offered(about(60, first), from: MemberID(2)) == .installed)
        // "Later" stands until the log has begun anew behind the snapshot, which the state does not wait for.
        guard case .proceed(let again, 0) = await offered(about(200, first), from: MemberID(2), to: group) else {
            Issue.record("the newer one was not taken")
            return
        }
        // A newer offer ends the transfer before it; the old one's bytes are refused, and nothing breaks.
        guard case .proceed(let newest, 0) = await group.offered(about(300, first), from: MemberID(3)) else {
            Issue.record("the newest was not taken")
            return
        }
        guard case .refused = await group.took(first, at: 0, transfer: again) else {
            Issue.record("bytes of an old transfer were taken")
            return
        }
        #expect(newest != again && machine.installs == 1)
        await group.shutdown()
    }
}
