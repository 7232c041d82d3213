import JSON
import Testing

extension EndToEnd {
    /// What operators do when a majority, or all, is lost: real nodes, real folders, the commands as they are typed.
    @Suite(.serialized) struct RecoveryTests {
        @Test func `two of three lost: one command on a survivor, the old members are fenced, and it grows again`()
            async throws
        {
            try await HandRig.run { rig in
                try await rig.found(["node1", "node2", "node3"])
                for number in 1...5 { try await rig.stack("before-\(number)", node: "node\(number % 3 + 1)") }
                let written: Set<String> = try await rig.stacks(node: "node1")
                // The third is lost with its disk, the second with its machine; the first lives on without a majority.
                try await rig.kill9("node3")
                let recover: [String] = ["cluster", "recover", "--data", rig.data("node1")]
                let used: Ended = try await rig.drover(recover).ends(1)
                try #require(used.error.contains("in use"), "\(used)")
                try await rig.stop("node1")
                // While another member answers it would be a second cluster of the same past.
                let refused: Ended = try await rig.drover(recover).ends(1)
                try #require(refused.error.contains("node2 at \(rig.peer("node2"))"), "\(refused)")
                try await rig.kill9("node2")

                let done: Ended = try await rig.drover(
                    recover + ["--survivor", rig.data("node2"), "--output", "json"]
                ).ends(0)
                let report: JSONValue = try JSONReader.parse(done.out)
                let chosen: String = try #require(report["name"]?.string)
                try #require(
                    report["mayHaveLost"] == .bool(false),
                    "two of three have all that was acknowledged: \(done)"
                )
                let other: String = chosen == "node1" ? "node2" : "node1"
                try #require(report["shutOut"]?.array?.count == 2)

                try rig.start(chosen)
                try #require(try await rig.stacks(node: chosen) == written)
                try await rig.stack("after", node: chosen)
                let first = try await rig.api("GET", "projects/1a5/stacks", node: chosen)
                try #require(first.revision > 1_000_000_000)
                // Members of the past wake up: they are refused, and lead nothing.
                try rig.start(other)
                try rig.start("node3")
                try await wait(for: "the old members to be refused") {
                    rig.log(chosen).contains("was removed from the cluster")
                }
                let alone = try await rig.api("GET", "cluster", node: chosen)
                try #require(alone.body["members"]?.array?.count == 1, "\(alone.body)")
                // With empty folders they join the new one.
                for name in [other, "node3"] {
                    try await rig.kill9(name)
                    try await Files.remove(rig.data(name))
                    try await rig.join(name, through: chosen)
                }
                try await rig.voters(3, through: chosen)
                for name in ["node1", "node2", "node3"] {
                    try #require(try await rig.stacks(node: name) == written.union(["after"]))
                }
            }
        }

        @Test func `forced while another member answers, it says what that may cost, and shuts that member out`()
            async throws
        {
            try await HandRig.run { rig in
                try await rig.found(["node1", "node2", "node3"])
                for number in 1...3 { try await rig.stack("before-\(number)", node: "node\(number)") }
                let written: Set<String> = try await rig.stacks(node: "node1")
                try await rig.kill9("node3")
                try await rig.stop("node1")
                let recover: [String] = ["cluster", "recover", "--data", rig.data("node1"), "--output", "json"]
                try #require(try await rig.drover(recover).ends(1).error.contains("add --force"))
                let report: JSONValue = try JSONReader.parse(
                    try await rig.drover(recover + ["--force"]).ends(0).out
                )
                // Two members, one of them alive, were not looked at: they may have more than this one.
                try #require(report["mayHaveLost"] == .bool(true), "\(report)")
                try #require(report["shutOut"]?.array?.count == 2, "\(report)")
                try rig.start("node1")
                let kept: Set<String> = try await rig.stacks(node: "node1")
                try #require(kept == written, "nothing was written when it stopped")
                try await rig.stack("after", node: "node1")
                // The other one goes on by itself, asks, is refused, and takes nothing: there are not two clusters.
                try await wait(for: "the other member to be refused") {
                    rig.log("node1").contains("was removed from the cluster")
                }
                let taken = try? await rig.api("POST", "projects/1a5/stacks", ["name": "elsewhere"], node: "node2")
                try #require((taken?.status ?? 503) >= 500, "\(String(describing: taken))")
                let logs = try await rig.api("GET", "auditlogs?eventType=cluster.recover", node: "node1")
                try #require("\(logs.body)".contains("forced while others answered"), "\(logs.body)")
            }
        }

        @Test
        func `without the sealing key every key of before is void, and the one that is printed opens all there was`()
            async throws
        {
            try await HandRig.run { rig in
                try await rig.found(["node1"])
                try await rig.stack("kept", node: "node1")
                let ann: String = try #require(
                    try await rig.api("POST", "accounts", ["name": "ann"], node: "node1").body["id"]?.string
                )
                let made = try await rig.api("POST", "apikeys", ["accountId": .string(ann)], node: "node1").body
                let own: (access: String, secret: String) = (
                    try #require(made["publicValue"]?.string), try #require(made["secretValue"]?.string)
                )
                let old: (access: String, secret: String) = rig.credentials
                for key in [old, own] {
                    rig.credentials = key
                    try #require(try await rig.api("GET", "projects", node: "node1").status == 200)
                }
                rig.credentials = old
                let file: String = "\(rig.folder)/cluster.backup"
                try await rig.drover(["cluster", "backup", file], node: "node1").ends(0)
                try await rig.kill9("node1")
                let restored: Ended = try await rig.drover(
                    ["cluster", "restore", file, "--output", "json"] + rig.options("node2")
                ).ends(0)
                let report: JSONValue = try JSONReader.parse(restored.out)
                try #require(report["newAuthority"] == .bool(true), "\(restored)")
                try rig.start("node2")
                rig.credentials = (
                    try #require(report["accessKey"]?.string), try #require(report["secretKey"]?.string)
                )
                try #require(try await rig.stacks(node: "node2") == ["kept"])
                let new: (access: String, secret: String) = rig.credentials
                for key in [old, own] {
                    rig.credentials = key
                    try #require(try await rig.api("GET", "projects", node: "node2").status == 401)
                }
                // Nobody gets in by what the state still has of them.
                rig.credentials = (own.access, "")
                try #require(try await rig.api("GET", "projects", node: "node2").status == 401)
                rig.credentials = new
                let keys = try await rig.api("GET", "apikeys?accountId=\(ann)", node: "node2").body["data"]?.array
                try #require(keys?.count == 1, "the record is there: it can be seen and removed")
                let again = try await rig.api("POST", "apikeys", ["accountId": .string(ann)], node: "node2").body
                rig.credentials = (
                    try #require(again["publicValue"]?.string), try #require(again["secretValue"]?.string)
                )
                try #require(try await rig.api("GET", "projects", node: "node2").status == 200)
                // Neither the disk nor the log of the restored node has the key that was printed.
                for secret in [new.secret, old.secret, own.secret] {
                    let found: [String] = try await files(with: secret, in: rig.data("node2"))
                    try #require(found.isEmpty, "a secret stands in \(found)")
                }
                rig.credentials = new
                // It is good after a restart, and for a second node.
                try await rig.stop("node2")
                try rig.start("node2")
                try await rig.join("node3", through: "node2")
                try await rig.voters(2, through: "node2")
                try #require(try await rig.stacks(node: "node3") == ["kept"])
            }
        }

        @Test func `a backup under load is checked, restored on an empty machine, and grows to three nodes`()
            async throws
        {
            try await HandRig.run { rig in
                try await rig.found(["node1", "node2", "node3"])
                for number in 1...4 { try await rig.stack("before-\(number)", node: "node1") }
                let load = Task {
                    for number in 1...10_000 where !Task.isCancelled {
                        _ = try? await rig.api(
                            "POST",
                            "projects/1a5/stacks",
                            ["name": .string("load-\(number)")],
                            node: "node\(number % 3 + 1)"
                        )
                    }
                }
                defer { load.cancel() }
                let file: String = "\(rig.folder)/cluster.backup"
                let acknowledged: Set<String> = try await rig.stacks(node: "node2")
                let made: Ended = try await rig.drover(["cluster", "backup", file], node: "node2").ends(0)
                load.cancel()
                _ = await load.value
                try #require(made.error.contains("sealing.key") && made.out.contains("state hash"), "\(made)")
                let checked: Ended = try await rig.drover(["cluster", "backup", "--verify", file, "--output", "json"])
                    .ends(0)
                let about: JSONValue = try JSONReader.parse(checked.out)
                let before = try await rig.api("GET", "projects/1a5/stacks", node: "node1")
                for name in ["node1", "node2", "node3"] { try await rig.kill9(name) }

                let restored: Ended = try await rig.drover(
                    [
                        "cluster", "restore", file, "--sealing-key", "\(rig.data("node3"))/sealing.key", "--output",
                        "json",
                    ]
                        + rig.options("node4")
                ).ends(0)
                let report: JSONValue = try JSONReader.parse(restored.out)
                try #require(report["restoredEntry"] == about["index"] && report["newAuthority"] == .bool(false))
                try rig.start("node4")
                let shown: Set<String> = try await rig.stacks(node: "node4")
                try #require(acknowledged.isSubset(of: shown), "the backup lacks what was acknowledged before it began")
                let now = try await rig.api("GET", "projects/1a5/stacks", node: "node4")
                try #require(now.revision > before.revision + 100_000_000, "the revision jumps up")
                // One of the past wakes up, and is refused.
                try rig.start("node1")
                try rig.start("node2")
                for name in ["node5", "node6"] { try await rig.join(name, through: "node4") }
                try await rig.voters(3, through: "node4")
                for name in ["node5", "node6"] { try #require(try await rig.stacks(node: name) == shown) }
                // What was restored is backed up again as it was: every record of then is there.
                try await rig.kill9("node4")
                try await rig.stack("after", node: "node5")
                try #require(try await rig.stacks(node: "node6") == shown.union(["after"]))
            }
        }
    }
}
