import Glibc
import JSON
import Testing

extension EndToEnd {
    /// Every page of `docs/runbooks/`, typed as it stands on a cluster that is broken that way.
    @Suite(.serialized, .enabled("network namespaces are not permitted here", { await NetRig.mayRun() }))
    struct RunbookTests {
        private static let nodes: [String] = ["node1", "node2", "node3"]

        /// Some stacks, and what is there in the end.
        private func stacks(_ rig: NetRig, through node: String) async throws -> Set<String> {
            Set(
                try await wait(for: "stacks through \(node)", seconds: 60) {
                    try await rig.json(["stacks"], through: node).array?.compactMap { $0["name"]?.string }
                }
            )
        }

        private func voters(_ rig: NetRig, _ count: Int, through node: String) async throws {
            try await wait(for: "\(count) voters", seconds: 90) {
                let status: JSONValue = try await rig.json(["cluster", "status"], through: node)
                return (status["members"]?.array ?? []).count { ["leader", "voter"].contains($0["role"]?.string) }
                    == count
            }
        }

        @Test func `lost quorum`() async throws {
            try await NetRig.run(hosts: 0) { rig in
                let page = try Runbook("lost-quorum")
                try await rig.up("kept", scale: 0, through: "node1").ends(0)
                for name in ["node2", "node3"] { try await rig.kill9(name) }
                try await wait(for: "node1 to know that nobody leads") {
                    let asked: Ended = try await rig.shell("curl --silent \(NetRig.url("node1"))/readyz", in: "desk")
                    return asked.out.contains("noLeader")
                }
                let seen: String = try await page.type(0..<1, on: rig)
                try #require(seen.contains("noLeader") && seen.contains("drover_raft_has_leader 0"), "\(seen)")
                // The rest is typed as it stands; what is asked in the end waits until the node is up.
                try await page.type(1..<4, on: rig)
                _ = try await stacks(rig, through: "node1")
                try await page.type(4..<page.blocks.count - 1, on: rig)
                try await voters(rig, 3, through: "node1")
                try await page.type(page.blocks.count - 1..<page.blocks.count, on: rig)
                for node in Self.nodes { #expect(try await stacks(rig, through: node) == ["kept"]) }
            }
        }

        @Test func `slow disk`() async throws {
            try await NetRig.run(hosts: 0, withShim: true) { rig in
                let page = try Runbook("slow-disk")
                try FaultShim.set(.slow(milliseconds: 300), in: rig.faultFile("node2"))
                try await rig.up("kept", scale: 0, through: "node1").ends(0)
                let before: String = try await page.type(0..<2, on: rig)
                try #require(before.contains("drover_raft_log_unflushed_seconds"))
                let places: Places = try await rig.places(through: "node1")
                #expect(places.leader == "node1" && !places.owners.values.contains("node2"), "\(places)")
                try FaultShim.set(nil, in: rig.faultFile("node2"))
                try await page.type(2..<page.blocks.count, on: rig)
            }
        }

        @Test func `rolling upgrade`() async throws {
            try await NetRig.run(hosts: 1) { rig in
                let page = try Runbook("rolling-upgrade")
                try await rig.up("kept", scale: 2, through: "node1").ends(0)
                let before = try await rig.agree(through: "node1")
                try await rig.shell("mkdir --parents \(rig.folder)/backups", in: "desk").ends(0)
                try await page.type(on: rig)
                let after = try await rig.agree(through: "node2")
                #expect(after.held == before.held, "a container was touched")
            }
        }

        @Test func `restore`() async throws {
            try await NetRig.run(hosts: 1) { rig in
                let page = try Runbook("restore")
                try await rig.up("kept", scale: 2, through: "node1").ends(0)
                let before = try await rig.agree(through: "node1")
                try await page.type(0..<2, on: rig)
                for name in Self.nodes { try await rig.kill9(name) }
                try await page.type(2..<3, on: rig)
                _ = try await stacks(rig, through: "node1")
                let shown: String = try await page.type(3..<page.blocks.count, on: rig)
                #expect(shown.contains("kept"))
                try await voters(rig, 3, through: "node1")
                let after = try await rig.agree(through: "node1", seconds: 90)
                #expect(Set(before.held).isSubset(of: after.held), "a container was touched")
            }
        }

        @Test func `full disk`() async throws {
            try await NetRig.run(hosts: 0, diskMegabytes: 256) { rig in
                let page = try Runbook("full-disk")
                try await rig.begin(.fullDisk("node2"), nodes: Self.nodes)
                try await wait(for: "node2 to be read-only") {
                    let asked: Ended = try await rig.shell("curl --silent \(NetRig.url("node2"))/readyz", in: "desk")
                    return asked.out.contains("readOnly")
                }
                // The others go on.
                try await rig.up("kept", scale: 0, through: "node1").ends(0)
                // It looks once a second whether there is an alarm to be told.
                try await wait(for: "its alarm to be seen by the others") {
                    let seen: String = try await rig.client(["cluster", "status"], through: "node1").ends(0).out
                    return seen.contains("diskLow") || seen.contains("read-only")
                }
                try await page.type(on: rig)
                try await rig.up("after", scale: 0, through: "node2").ends(0)
                for node in Self.nodes { #expect(try await stacks(rig, through: node) == ["kept", "after"]) }
            }
        }

        @Test func `damaged log`() async throws {
            try await NetRig.run(hosts: 0) { rig in
                let page = try Runbook("damaged-log")
                try await rig.up("kept", scale: 0, through: "node1").ends(0)
                // One byte in the middle: the node mends that itself.
                try await rig.kill9("node3")
                let segment: String = try #require(
                    Files.names(in: "\(rig.data("node3"))/log").first { $0.hasSuffix(".log") }
                )
                let flip: String =
                    "printf '\\377' | dd of=\(rig.data("node3"))/log/\(segment) bs=1 seek=900 conv=notrunc"
                try await rig.shell(flip, in: "node3").ends(0)
                try rig.start("node3")
                try await wait(for: "node3 to be whole again", seconds: 60) {
                    let asked: Ended = try await rig.shell("curl --silent \(NetRig.url("node3"))/metrics", in: "desk")
                    return asked.out.contains("drover_ready 1\n")
                        && !asked.out.contains("drover_alarm{kind=\"logDamaged\"}")
                }
                #expect(rig.log("node3").contains("logDamaged"), "the damage was not noticed")
                // The whole log: that node must come in anew.
                try await rig.kill9("node3")
                try await rig.shell("rm --recursive --force \(rig.data("node3"))/log", in: "node3").ends(0)
                try rig.start("node3")
                try await wait(for: "node3 to refuse") { rig.isDown("node3") }
                #expect(rig.log("node3").contains("is gone"))
                try await page.type(on: rig)
                try await voters(rig, 3, through: "node3")
                for node in Self.nodes { #expect(try await stacks(rig, through: node) == ["kept"]) }
            }
        }

        @Test func `expired certificates`() async throws {
            try await NetRig.run(hosts: 0, withShim: true) { rig in
                let page = try Runbook("expired-certificates")
                try await rig.up("kept", scale: 0, through: "node1").ends(0)
                // As one stops them: what they know of the authority is in their checkpoints.
                for name in Self.nodes { rig.signal(name, SIGTERM) }
                for name in Self.nodes { try await wait(for: "\(name) to stop") { rig.isDown(name) } }
                // More than a year later, everywhere.
                for name in Self.nodes { rig.shiftClock(of: name, seconds: 400 * 86_400) }
                try rig.start("node1")
                try rig.start("node3")
                try await page.type(on: rig)
                try await voters(rig, 3, through: "node2")
                for node in Self.nodes { #expect(try await stacks(rig, through: node) == ["kept"]) }
            }
        }
    }
}
