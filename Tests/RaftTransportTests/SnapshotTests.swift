import Glibc
import Limits
import RaftCore
import RaftGroup
import RaftLog
import RaftTransport
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(3)), .serialized) struct SnapshotTests {
    private func withOne(_ body: (Cluster) async throws -> Void) async throws {
        let cluster = try Cluster()
        try cluster.found(1, voters: [1])
        try cluster.start(1)
        do { try await body(cluster) } catch {
            await cluster.stopAll()
            throw error
        }
        await cluster.stopAll()
    }

    /// Everything so far goes into a checkpoint, and all but `kept` entries leave the log.
    private func compact(_ member: Cluster.Member, keeping kept: UInt64) async {
        let index: LogIndex = member.machine.checkpoint()
        #expect(
            await eventually {
                member.group.compact(through: index - kept)
                return member.group.status.firstIndex > index - kept
            }
        )
    }

    private func addLearner(_ cluster: Cluster, _ number: UInt64) async throws {
        let leader: Cluster.Member = try await cluster.leader()
        let voters: [MemberID] = leader.group.status.configuration.voters
        #expect(await leader.group.changeMembers(voters: voters, learners: [MemberID(number)]) == nil)
    }

    @Test func `a learner that joins after compaction gets a snapshot and follows`() async throws {
        try await withOne { cluster in
            try await cluster.fill(0..<300)
            let leader: Cluster.Member = try await cluster.leader()
            await compact(leader, keeping: 10)
            try cluster.found(2, voters: [1])
            let newcomer: Cluster.Member = try cluster.start(2)
            try await addLearner(cluster, 2)
            #expect(await eventually { newcomer.machine.lines == leader.machine.lines })
            #expect(newcomer.machine.installs == 1)
            try await cluster.fill(300..<320)
            #expect(await eventually { newcomer.machine.lines.count == 320 })
            #expect(newcomer.group.status.configuration == leader.group.status.configuration)

            // What it has survives its own restart, though it never wrote a checkpoint itself.
            await cluster.stop(2)
            let again: Cluster.Member = try cluster.start(2)
            #expect(await eventually { again.machine.lines.count == 320 })
            #expect(again.machine.installs == 0)
            #expect(access(cluster.folder(2) + "/snapshots/installing", F_OK) != 0)
        }
    }

    @Test func `a follower that was away for ten times what is kept catches up`() async throws {
        let cluster = try Cluster()
        for number in UInt64(1)...3 { try cluster.found(number, voters: [1, 2, 3]) }
        for number in UInt64(1)...3 { try cluster.start(number) }
        try await cluster.fill(0..<20)
        let leader: Cluster.Member = try await cluster.leader()
        let away: UInt64 = try #require(cluster.members.first { $0.id != leader.id }).id.number
        await cluster.stop(away)
        try await cluster.fill(20..<400)
        // What was sent to it meanwhile waits for the next attempt to connect, and is dropped with that.
        let dials: Int = cluster.network.state.withLock { $0.dials }
        #expect(await eventually { cluster.network.state.withLock { $0.dials } >= dials + 12 })
        for member in cluster.members { await compact(member, keeping: 38) }
        let back: Cluster.Member = try cluster.start(away)
        #expect(await eventually { back.machine.lines.count == 400 })
        #expect(back.machine.installs == 1, "\(cluster.observations) \(cluster.members.map(\.group.status))")
        try await cluster.fill(400..<410)
        #expect(await eventually { back.machine.lines.count == 410 })
        await cluster.stopAll()
    }

    @Test func `a transfer that breaks three times goes on where it was`() async throws {
        try await withOne { cluster in
            // Several chunks.
            let leader: Cluster.Member = try await cluster.leader()
            let text = String(repeating: "x", count: 60_000)
            for number in 0..<40 { _ = try await leader.group.propose(Array("\(number)\(text)".utf8)) }
            await compact(leader, keeping: 2)
            // Each connection carries two chunks and a part of the next.
            let bytes: Int = 2 * Limits.raftSnapshotChunkBytes + 100_000
            cluster.network.state.withLock { $0.breaks[.snapshot] = (bytes, 3) }
            try cluster.found(2, voters: [1])
            let newcomer: Cluster.Member = try cluster.start(2)
            try await addLearner(cluster, 2)
            #expect(await eventually { newcomer.machine.lines == leader.machine.lines })
            #expect(newcomer.machine.installs == 1)
            #expect(cluster.network.state.withLock { $0.broken } == 3)
            #expect(cluster.observations.filter { $0.contains("snapshotStarted") }.count == 1)
        }
    }

    @Test func `a damaged chunk is not believed`() async throws {
        try await withOne { cluster in
            try await cluster.fill(0..<100)
            let leader: Cluster.Member = try await cluster.leader()
            await compact(leader, keeping: 2)
            cluster.network.state.withLock { $0.flips[.snapshot] = (by: leader.id, at: 400) }
            try cluster.found(2, voters: [1])
            let newcomer: Cluster.Member = try cluster.start(2)
            try await addLearner(cluster, 2)
            #expect(await eventually { newcomer.machine.lines == leader.machine.lines })
            #expect(cluster.network.state.withLock { $0.flipped } == 1)
        }
    }

    /// A crash after each step of an install, as the folders would look.
    @Test(arguments: ["before the state", "after the state", "after the log"])
    func `a crash during an install leaves the old state or the new one`(_ place: String) throws {
        let cluster = try Cluster()
        defer { cluster.wipe(9) }
        try cluster.found(9, voters: [1, 9])
        let folder: String = cluster.folder(9)
        let about = SnapshotAbout(
            group: Samples.group,
            position: LogPosition(index: 50, term: 4),
            configuration: Configuration(voters: [MemberID(1)], learners: [MemberID(9)]),
            size: 10,
            digest: [UInt8](repeating: 1, count: 32)
        )
        // Three entries of its own, of which the snapshot knows nothing.
        let log = try FileLog(opening: folder + "/log", segmentBytes: 64 * 1024)
        try log.write(.ballot(Ballot(term: 2)))
        let entries: [LogEntry] = (1...3).map { LogEntry(index: $0, term: 2, kind: .data, payload: [1]) }
        try log.write(.append(entries, write: 1))
        let snapshots = try SnapshotFolder(path: folder + "/snapshots")
        try snapshots.beginInstall(about)
        if place == "after the log" {
            try log.write(.ballot(Ballot(term: 4)))
            try log.write(.reset(about.position, about.configuration))
            try log.write(.append([LogEntry(index: 51, term: 4, kind: .data, payload: [2])], write: 2))
        }
        try log.close()

        let applied: LogIndex = place == "before the state" ? 2 : 50
        let opened = try FileLog(
            opening: folder + "/log",
            knownCommitted: applied,
            snapshots: snapshots,
            segmentBytes: 64 * 1024
        )
        let contents: LogContents = opened.contents()
        switch place {
        case "before the state":
            #expect(contents.base == .start)
            #expect(contents.entries == entries)
        case "after the state":
            #expect(contents.base == about.position)
            #expect(contents.baseConfiguration == about.configuration)
            #expect(contents.entries.isEmpty)
            #expect(contents.ballot.term == 4)
        default:
            #expect(contents.base == about.position)
            #expect(contents.last.index == 51)
        }
        #expect(access(folder + "/snapshots/installing", F_OK) != 0)
        try opened.close()

        // And again, without the description.
        let again = try FileLog(
            opening: folder + "/log",
            knownCommitted: applied,
            snapshots: snapshots,
            segmentBytes: 64 * 1024
        )
        #expect(again.contents() == contents)
        try again.close()
    }
}
