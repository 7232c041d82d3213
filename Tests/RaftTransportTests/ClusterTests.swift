import Glibc
import RaftCore
import RaftGroup
import RaftLog
import RaftTransport
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(3)), .serialized) struct ClusterTests {
    private func withThree(_ body: (Cluster) async throws -> Void) async throws {
        let cluster = try Cluster()
        for number in UInt64(1)...3 { try cluster.found(number, voters: [1, 2, 3]) }
        for number in UInt64(1)...3 { try cluster.start(number) }
        do { try await body(cluster) } catch {
            await cluster.stopAll()
            throw error
        }
        await cluster.stopAll()
    }

    @Test func `three members elect, replicate what all propose, and read on every one`() async throws {
        try await withThree { cluster in
            try await cluster.fill(0..<1_000)
            for member in cluster.members {
                let index: LogIndex = try await member.group.readIndex()
                try await member.group.awaitApplied(index)
                #expect(member.machine.lines.count == 1_000)
            }
            let lines: [[String]] = cluster.members.map(\.machine.lines)
            #expect(lines[0] == lines[1] && lines[1] == lines[2])
            let leader: Cluster.Member = try await cluster.leader()
            #expect(await eventually { leader.group.status.peers.allSatisfy { $0.isActive && $0.lag == 0 } })
            #expect(leader.group.status.peers.map(\.id) == cluster.members.map(\.id).filter { $0 != leader.id })
            #expect(cluster.members.filter { $0.id != leader.id }.allSatisfy { $0.group.status.peers.isEmpty })
        }
    }

    @Test func `another member takes over when the leader ends under load, and the old one follows it`() async throws {
        try await withThree { cluster in
            try await cluster.fill(0..<50)
            let old: Cluster.Member = try await cluster.leader()
            let load = Task {
                for number in 0..<2_000 where !Task.isCancelled {
                    _ = try? await old.group.propose(Array("load \(number)".utf8))
                }
            }
            await cluster.stop(old.id.number)
            load.cancel()
            // A read on a follower lives through the election.
            let follower: Cluster.Member = try #require(cluster.members.first)
            try await follower.group.readIndex()
            let next: Cluster.Member = try await cluster.leader()
            #expect(next.id != old.id)
            try await cluster.fill(50..<100)
            let again: Cluster.Member = try cluster.start(old.id.number)
            try await again.group.readIndex()
            #expect(again.machine.lines == next.machine.lines)
            #expect(again.machine.lines.contains("line 99"))
        }
    }

    @Test func `a stopping leader hands over first`() async throws {
        try await withThree { cluster in
            try await cluster.fill(0..<10)
            let old: Cluster.Member = try await cluster.leader()
            #expect(await old.group.stepDown())
            #expect(old.group.status.role != .leader)
            let next: Cluster.Member = try await cluster.leader()
            #expect(next.id != old.id)
        }
    }

    @Test func `members join as learners, vote, and leave, the leader too`() async throws {
        try await withThree { cluster in
            try await cluster.fill(0..<20)
            try cluster.found(4, voters: [1, 2, 3])
            try cluster.start(4)
            func change(_ voters: [UInt64], _ learners: [UInt64]) async throws {
                let wantedVoters: [MemberID] = voters.map { MemberID($0) }
                let wantedLearners: [MemberID] = learners.map { MemberID($0) }
                let isDone: Bool = await eventually {
                    guard let leader = try? await cluster.leader() else { return false }
                    let now: Configuration = leader.group.status.configuration
                    if now.voters == wantedVoters, now.learners == wantedLearners, !now.isJoint { return true }
                    _ = await leader.group.changeMembers(voters: wantedVoters, learners: wantedLearners)
                    return false
                }
                try #require(isDone, "members \(cluster.members.map(\.group.status.configuration))")
            }
            try await change([1, 2, 3], [4])
            #expect(await eventually { cluster[4]?.machine.lines.count == 20 })
            try await change([1, 2, 3, 4], [])
            let old: UInt64 = try await cluster.leader().id.number
            try await change([1, 2, 3, 4].filter { $0 != old }, [])
            await cluster.stop(old)
            try await cluster.fill(20..<40)
            #expect(await eventually { cluster.members.allSatisfy { $0.machine.lines.count == 40 } })
            let leader: Cluster.Member = try await cluster.leader()
            #expect(leader.group.status.configuration.removed == [MemberID(old)])
        }
    }

    @Test func `a member whose folder was emptied is refused, told once, and shown`() async throws {
        try await withThree { cluster in
            try await cluster.fill(0..<50)
            let leader: Cluster.Member = try await cluster.leader()
            let other: UInt64 = try #require(cluster.members.first { $0.id != leader.id }).id.number
            #expect(await eventually { leader.group.status.peers.allSatisfy { $0.lag == 0 } })
            await cluster.stop(other)
            cluster.wipe(other)
            try cluster.found(other, voters: [1, 2, 3])
            try cluster.start(other)
            try await cluster.fill(50..<60)
            #expect(
                await eventually {
                    leader.group.status.peers.first { $0.id.number == other }?.hasLostLog == true
                }
            )
            try await cluster.fill(60..<70)
            #expect(cluster.observations.filter { $0.contains("memberLostLog") }.count == 1)
            #expect(cluster[other]?.machine.lines.isEmpty == true)
        }
    }
}
