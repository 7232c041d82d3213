import Bytes
import Glibc
import RaftCore
import RaftGroup
import RaftLog
import TestSupport
import Testing

@testable import RaftTransport

/// Real members whose logs are damaged on the disk (T21, T22).
@Suite(.timeLimit(.minutes(2)), .serialized) struct MendTests {
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

    /// Flips bits in the middle of what the member's first segment holds.
    private func damage(_ cluster: Cluster, _ number: UInt64) throws {
        let path: String = cluster.folder(number) + "/log/0000000000000001.log"
        let file: Int32 = open(path, O_RDWR)
        try #require(file >= 0)
        defer { close(file) }
        // Far behind the first records, and far before the last.
        var byte: UInt8 = 0
        try #require(pread(file, &byte, 1, 1_500) == 1)
        byte ^= 0xFF
        try #require(pwrite(file, &byte, 1, 1_500) == 1)
    }

    /// Opens the damaged log as a node does.
    private func salvage(_ cluster: Cluster, _ number: UInt64) throws -> SalvagedLog {
        #expect(throws: LogFault.self) {
            try FileLog(opening: cluster.folder(number) + "/log", segmentBytes: 64 * 1024)
        }
        return try FileLog.salvage(in: cluster.folder(number) + "/log", applied: 0, segmentBytes: 64 * 1024)
    }

    @Test func `a member with a damaged log fetches what it lost from its peers, and then votes`() async throws {
        try await withThree { cluster in
            try await cluster.fill(0..<200)
            await cluster.stop(3)
            try damage(cluster, 3)
            let salvaged: SalvagedLog = try salvage(cluster, 3)
            #expect(salvaged.end < salvaged.mending)
            let mended: Cluster.Member = try cluster.start(3)
            #expect(await eventually { mended.machine.lines.count == 200 })
            #expect(await eventually { cluster.observations.contains { $0.hasPrefix("3: mended") } })
            #expect(!cluster.observations.contains { $0.contains("memberLostLog") })
            // Its vote counts again: of the other two only one is left.
            let leader: Cluster.Member = try await cluster.leader()
            let other: UInt64 = leader.id.number == 3 ? 1 : leader.id.number
            await cluster.stop(other)
            _ = try await cluster.propose("after")
            #expect(await eventually { cluster[3]?.machine.lines.last == "after" })
        }
    }

    @Test func `a member that lost what only it and a dead one had helps nobody to win`() async throws {
        try await withThree { cluster in
            _ = try await cluster.propose("first")
            await cluster.stop(2)
            try await cluster.fill(0..<200)
            await cluster.stop(1)
            await cluster.stop(3)
            // Only 1 and 3 had these. 3 loses some, and 1 stays away.
            try damage(cluster, 3)
            _ = try salvage(cluster, 3)
            let damaged: Cluster.Member = try cluster.start(3)
            let behind: Cluster.Member = try cluster.start(2)
            let won: Bool = await eventually(seconds: 4) {
                [damaged, behind].contains { $0.group.status.role == .leader }
            }
            #expect(!won, "a leader without acknowledged entries")
            try cluster.start(1)
            _ = try await cluster.propose("last")
            for number in UInt64(1)...3 {
                #expect(await eventually { cluster[number]?.machine.lines.count == 202 }, "member \(number)")
            }
            #expect(await eventually { cluster.observations.contains { $0.hasPrefix("3: mended") } })
        }
    }

    @Test func `an entry of a kind that a later version sends is known as such`() throws {
        func message(_ kind: LogEntry.Kind) -> Message {
            Message(
                group: Samples.group,
                from: MemberID(1),
                to: MemberID(2),
                term: 3,
                body: .append(
                    AppendRequest(
                        previous: .start,
                        entries: [LogEntry(index: 1, term: 3, kind: kind, payload: [])],
                        commit: 0
                    )
                )
            )
        }
        var bytes: [UInt8] = MessageCodec.encode(message(.noop))
        let place: Int = try #require(
            zip(bytes, MessageCodec.encode(message(.data))).enumerated().first { $1.0 != $1.1 }?.0
        )
        bytes[place] = 99
        do {
            _ = try MessageCodec.decode(bytes)
            Issue.record("it was read")
        } catch {
            guard case .unknown(what: MessageCodec.unknownEntry, value: 99) = error else {
                Issue.record("unexpected: \(error)")
                return
            }
        }
    }
}
