import Glibc
import JSON
import Subprocess
import Testing

extension EndToEnd {
    /// Nodes and hosts in network namespaces: links are cut while everybody lives.
    @Suite(.serialized, .enabled("network namespaces are not permitted here", { await NetRig.mayRun() }))
    struct PartitionTests {
        /// Longer than a host may be silent; a whole minute with `--all`.
        private static let hostAwaySeconds: Int = EndToEnd.isThorough ? 60 : 20

        @Test func `a host that is cut off and comes back keeps its containers, once each`() async throws {
            try await NetRig.run { rig in
                try await rig.up("shop", scale: 6, through: "node1").ends(0)
                let before = try await rig.agree(through: "node1")
                try await rig.cut("host1")
                try await wait(for: "the cluster to notice") {
                    let hosts: [JSONValue] = try await rig.json(["hosts"], through: "node2").array ?? []
                    return hosts.contains { $0["hostname"]?.string == "host1" && $0["agentState"]?.string != "active" }
                }
                // Meanwhile others are served.
                try await rig.up("other", scale: 2, through: "node3").ends(0)
                try await Task.sleep(for: .seconds(max(0, Self.hostAwaySeconds - 16)))
                try #require(Set(before.held).isSubset(of: rig.held()), "something was done to a host that was away")
                try await rig.heal("host1")
                let after = try await rig.agree(through: "node1")
                try #require(Set(before.held).isSubset(of: after.held), "containers were restarted")
                try #require(after.held.count == before.held.count + 2)
            }
        }

        @Test func `an owner that is cut off while its hosts are not is replaced, and nothing is doubled`() async throws
        {
            try await NetRig.run { rig in
                _ = try await replaced(rig) { owner, _ in
                    try await rig.cut(owner)
                } heal: { owner, _ in
                    try await rig.heal(owner)
                }
            }
        }

        @Test func `an owner that only its hosts still reach lets them go, and its successor serves them`() async throws
        {
            try await NetRig.run { rig in
                let owner: String = try await replaced(rig) { owner, others in
                    for other in others {
                        try await rig.drop(from: owner, to: other)
                        try await rig.drop(from: other, to: owner)
                    }
                } heal: { owner, others in
                    for node in [owner] + others { try await rig.letAll(to: node) }
                }
                // The hosts were connected to it, and heard its answers.
                try #require(rig.log(owner).contains("has not reached a majority"), "it was not the node that let go")
            }
        }

        /// An owner is cut off, another one takes over with everything as it was, and the first follows again.
        ///
        /// - Returns: the owner that was cut off.
        private func replaced(
            _ rig: NetRig,
            cut: (_ owner: String, _ others: [String]) async throws -> Void,
            heal: (_ owner: String, _ others: [String]) async throws -> Void
        ) async throws -> String {
            try await rig.up("shop", scale: 6, through: "node1").ends(0)
            let before = try await rig.agree(through: "node1")
            let places: Places = try await rig.places(through: "node1")
            let owner: String = places.owner
            let others: [String] = places.voters.filter { $0 != owner }
            try await cut(owner, others)
            try await wait(for: "another owner") { try await rig.places(through: others[0]).owner != owner }
            try await rig.up("more", scale: 4, through: others[0]).ends(0)
            let during = try await rig.agree(through: others[1])
            try #require(during.held.count == 10)
            try #require(Set(before.held).isSubset(of: during.held), "containers were restarted")
            try await heal(owner, others)
            try await wait(for: "\(owner) to follow again") {
                try await rig.places(through: owner).voters.count == 3
            }
            try await rig.client(["scale", "more/web=5"], through: owner).ends(0)
            let after = try await rig.agree(through: owner)
            try #require(after.held.count == 11)
            try #require(Set(during.held).isSubset(of: after.held), "containers were restarted")
            return owner
        }

        @Test func `an old copy of a node's folder that is started beside the cluster changes nothing`() async throws {
            try await NetRig.run { rig in
                try await rig.up("shop", scale: 4, through: "node1").ends(0)
                // A copy as a backup would be: taken while the node does not write.
                try await rig.kill9("node3")
                let copy: SubprocessResult = try await Subprocess.run(
                    "cp",
                    ["--recursive", "--preserve", rig.data("node3"), rig.data("old3")],
                    environment: Program.environment()
                )
                try #require(copy.status == .exited(code: 0), "\(copy.errorText)")
                try rig.start("node3")
                try await rig.client(["scale", "shop/web=2"], through: "node1").ends(0)
                try await rig.up("new", scale: 3, through: "node2").ends(0)
                let before = try await rig.agree(through: "node1")
                try #require(before.held.count == 5)
                // The copy runs where the hosts look for servers: in place of the true node.
                try await rig.kill9("node3")
                try rig.start("node3", data: rig.data("old3"))
                try await rig.client(["scale", "new/web=4"], through: "node1").ends(0)
                let after = try await rig.agree(through: "node1")
                try #require(after.held.count == 6)
                try #require(Set(before.held).isSubset(of: after.held), "something was deleted or restarted")
                try await Task.sleep(for: .seconds(5))
                try #require(rig.held() == after.held, "the old copy moved something")
            }
        }

        @Test func `a node whose disk was wiped is refused under its old name until it is removed`() async throws {
            try await NetRig.run { rig in
                try await rig.kill9("node3")
                let removed: SubprocessResult = try await Subprocess.run(
                    "rm",
                    ["--recursive", "--force", rig.data("node3")],
                    environment: Program.environment()
                )
                try #require(removed.status == .exited(code: 0))
                let refused: Ended = try await rig.join("node3", expecting: 1)
                try #require(refused.error.contains("drover cluster remove node3"), "\(refused)")
                try await rig.client(["cluster", "remove", "node3"], through: "node1").ends(0)
                try await wait(for: "node3 to be out") {
                    let status: JSONValue = try await rig.json(["cluster", "status"], through: "node1")
                    return status["members"]?.array?.compactMap { $0["id"]?.string }.sorted() == ["node1", "node2"]
                }
                try await rig.join("node3")
                try rig.start("node3")
                try await wait(for: "node3 to vote again", seconds: 60) {
                    try await rig.places(through: "node1").voters.count == 3
                }
                try await rig.up("after", scale: 2, through: "node3").ends(0)
            }
        }
    }
}
