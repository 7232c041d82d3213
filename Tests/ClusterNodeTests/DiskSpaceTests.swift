import Gateway
import JSON
import Limits
import Model
import RaftCore
import StoreFormat
import TestSupport
import Testing

@testable import ClusterNode
@testable import RaftGroup

/// When a node is read-only, and what still passes then.
struct DiskSpaceTests {
    private static let mebibyte: UInt64 = 1 << 20

    @Test func `between the two marks a node stays what it was`() {
        let total: UInt64 = 100 << 30
        let low: UInt64 = Limits.diskLowBytes
        let rows: [(DiskCondition, UInt64, DiskCondition)] = [
            (.ample, low, .ample), (.ample, low - 1, .low), (.ample, 0, .low), (.low, low, .low),
            (.low, low * 125 / 100 - 1, .low), (.low, low * 125 / 100, .ample), (.low, total, .ample),
        ]
        for (before, free, after) in rows {
            #expect(before.next(DiskSpace(total: total, free: free)) == after, "\(before) with \(free)")
        }
    }

    @Test func `a small disk has a small mark`() {
        #expect(DiskSpace(total: 96 * Self.mebibyte, free: 0).lowMark == 12 * Self.mebibyte)
        #expect(DiskSpace(total: 1 << 40, free: 0).lowMark == Limits.diskLowBytes)
    }

    @Test func `a message names node, folder, free bytes and what helps`() {
        let text: String = DiskWatch.message(
            "n1",
            DiskReport.Low(folder: "/data/log", space: DiskSpace(total: 96 << 20, free: 5 << 20))
        )
        for part in ["n1", "/data/log", "5120 KiB", "96 MiB", "12 MiB", "15 MiB", "enlarge"] {
            #expect(text.contains(part), "\(part) in: \(text)")
        }
    }

    @Test func `what makes something new grows, what deletes, changes or joins does not`() {
        func transaction(_ writes: [Write], created: Int = 0) -> Transaction {
            Transaction(time: 1, actor: "system", requestID: "r", writes: writes, created: created)
        }
        let made = RecordWriting.put(.instance, .created(0), ["name": "a"], scope: .known(5))
        let kept = RecordWriting.put(.instance, .known(7), ["name": "a"], scope: .known(5))
        let node = RecordWriting.put(.node, .created(0), ["name": "a"], scope: .known(0))
        #expect(WriteAdmission.grows(transaction([made], created: 1)))
        #expect(!WriteAdmission.grows(transaction([kept])))
        #expect(!WriteAdmission.grows(transaction([.delete(.instance, .known(7))])))
        #expect(!WriteAdmission.grows(transaction([node], created: 1)))
    }

    @Test func `only when no majority has room nobody takes changes`() {
        let three = Configuration(voters: [MemberID(1), MemberID(2), MemberID(3)])
        #expect(!WriteAdmission.isMajorityLow([MemberID(1)], three))
        #expect(WriteAdmission.isMajorityLow([MemberID(1), MemberID(3)], three))
        #expect(WriteAdmission.isMajorityLow([MemberID(1)], Configuration(voters: [MemberID(1)])))
    }

    @Test func `the heir of a full leader is there, has room, and the most of the log`() {
        func peer(_ id: UInt64, match: LogIndex, active: Bool = true, voter: Bool = true) -> PeerProgress {
            PeerProgress(
                id: MemberID(id),
                isVoter: voter,
                match: match,
                lag: 0,
                phase: .replicating,
                silentMilliseconds: 0,
                isActive: active,
                hasLostLog: false
            )
        }
        let peers: [PeerProgress] = [
            peer(2, match: 9), peer(3, match: 10), peer(4, match: 12), peer(5, match: 20, active: false),
            peer(6, match: 20, voter: false),
        ]
        #expect(DiskWatch.heir(peers, [MemberID(4)]) == MemberID(3))
        #expect(DiskWatch.heir(peers, []) == MemberID(4))
        #expect(DiskWatch.heir([peer(2, match: 1)], [MemberID(2)]) == nil)
    }

    @Test(.enabled(if: SmallDisk.isPossible, "only root may mount a small filesystem"), .timeLimit(.minutes(2)))
    func `a node on a full disk is read-only, says so, still deletes, and ends it by itself`() async throws {
        let disk = try #require(SmallDisk(bytes: 128 << 20))
        let rig = try await NodeRig(path: "\(disk.path)/node")
        #expect(try await rig.call("POST", "stacks", ["name": "before"]).status == 201)
        let kept: String = try #require(
            try await rig.call("POST", "stacks", ["name": "kept"]).body["id"]?.string
        )
        disk.fill(leaving: 8 << 20)
        let alarmed: JSONValue = try await rig.wait(for: "the alarm", "/v2-beta/cluster") {
            $0["alarms"]?.array?.isEmpty == false
        }
        let alarm: JSONValue = try #require(alarmed["alarms"]?.array?.first)
        #expect(alarm["alarm"]?.string == Alarm.Kind.diskLow)
        #expect(alarm["node"]?.string == "node1")
        #expect(alarm["command"]?.string?.hasPrefix("df -h ") ?? false)

        let refused = try await rig.call("POST", "stacks", ["name": "more"])
        #expect(refused.status == 507)
        #expect(refused.body["code"]?.string == "Insufficient Storage")
        for part in ["node1", disk.path, "MiB free"] {
            #expect(refused.body["message"]?.string?.contains(part) ?? false, "\(refused.body)")
        }
        #expect(try await rig.call("PUT", "stacks/\(kept)", ["description": "x"]).status == 507)
        #expect(try await rig.call("GET", "stacks/\(kept)").status == 200)
        #expect(try await rig.call("DELETE", "stacks/\(kept)").status == 200)
        _ = try await rig.wait(for: "the purge", "stacks/\(kept)") { $0["state"]?.string == "removed" }
        let token = try await rig.call("POST", "/v2-beta/cluster?action=createtoken", ["role": "host"])
        #expect(token.status == 201, "members may still change: \(token.body)")

        disk.empty()
        _ = try await rig.wait(for: "the alarm's end", "/v2-beta/cluster") {
            $0["alarms"]?.array?.isEmpty ?? false
        }
        #expect(try await rig.call("POST", "stacks", ["name": "more"]).status == 201)
        await rig.stop()
    }
}
