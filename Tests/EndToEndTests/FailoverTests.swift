import JSON
import Testing

extension EndToEnd {
    /// Three nodes, two hosts, all real processes over TLS.
    @Suite(.serialized) struct FailoverTests {
        @Test func `kill -9 of the leader, of an owner, of both in the middle of up loses and doubles nothing`()
            async throws
        {
            try await DevRig.run(nodes: 3) { rig in
                let gaps = try await Failover(rig: rig).run([.leader, .owner, .both], scale: 24)
                // Not a measure of speed: that the survivors go on by themselves.
                try #require(gaps.allSatisfy { $0.gap < 30_000 }, "\(gaps)")
            }
        }

        @Test(.enabled(if: EndToEnd.isThorough, "--all runs it"), .timeLimit(.minutes(30)))
        func `twenty kills of each kind, and how long writes were not acknowledged`() async throws {
            try await DevRig.run(nodes: 3) { rig in
                for target in Failover.Target.chosen {
                    let gaps: [Int] = try await Failover(rig: rig).run(
                        [Failover.Target](repeating: target, count: 20),
                        scale: 8
                    ).map(\.gap).sorted()
                    print(
                        "\(target.rawValue): p50 \(gaps[9]) ms, p95 \(gaps[18]) ms, longest \(gaps[19]) ms of 20 kills"
                    )
                }
            }
        }

        @Test func `an environment moves under load, and no request is refused`() async throws {
            try await DevRig.run(nodes: 3) { rig in
                try await rig.up(try rig.plain("shop", scale: 6)).ends(0)
                let before = try await rig.agree()
                let places: Places = try await rig.places()
                let writers: [GapWriter] = places.voters.map { GapWriter(rig: rig, node: $0, prefix: "load-\($0)") }
                let writing: [Task<Void, Never>] = writers.map { writer in Task { await writer.run() } }
                defer { for task in writing { task.cancel() } }
                try await rig.run(["cluster", "drain", places.owner]).ends(0)
                let moved: Places = try await wait(for: "another owner") {
                    let now: Places = try await rig.places()
                    return now.owner == places.owner ? nil : now
                }
                // It is served by the new one while the load goes on.
                try await rig.run(["scale", "shop/web=8"]).ends(0)
                let after = try await rig.agree(node: moved.owner)
                for task in writing { task.cancel() }
                for task in writing { await task.value }
                try #require(after.held.count == 8)
                try #require(Set(before.held).isSubset(of: after.held), "containers were restarted")
                try #require(writers.flatMap(\.refusals).isEmpty, "\(writers.flatMap(\.refusals))")
                try await GapWriter.check(writers, rig)
            }
        }

        @Test func `all nodes killed at once come back with everything, and containers go on running`() async throws {
            try await DevRig.run(nodes: 3) { rig in
                try await rig.up(try rig.plain("kept", scale: 6, withGlobal: true)).ends(0)
                let before = try await rig.agree()
                try await rig.kill9(["node1", "node2", "node3"])
                try await wait(for: "the cluster to be back") {
                    for node in ["node1", "node2", "node3"] {
                        guard try await rig.api("GET", "cluster", node: node).body["leader"]?.string != nil else {
                            return false
                        }
                    }
                    return true
                }
                for node in ["node1", "node2", "node3"] {
                    let now = try await rig.agree(node: node)
                    try #require(now.held == before.held, "containers were restarted or lost")
                    try #require(now.shown == before.shown)
                }
                try await rig.run(["scale", "kept/web=7"]).ends(0)
                try #require(try await rig.agree().shown.count == 9)
            }
        }

        @Test func `six environments on three nodes are two each, and any node takes writes for them`() async throws {
            try await DevRig.run(nodes: 3, hosts: 0) { rig in
                for number in 2...6 {
                    let made = try await rig.api("POST", "projects", ["name": .string("env\(number)")])
                    try #require(made.status == 201, "\(made)")
                }
                let places: Places = try await wait(for: "two environments on each node") {
                    let places: Places = try await rig.places()
                    let counts: [Int] = places.voters.map { node in
                        places.owners.count { $0.key.hasPrefix("1a") && $0.value == node }
                    }
                    return counts == [2, 2, 2] ? places : nil
                }
                for (scope, owner) in places.owners where scope.hasPrefix("1a") {
                    for node in places.voters where node != owner {
                        let made = try await rig.api(
                            "POST",
                            "projects/\(scope)/stacks",
                            ["name": .string("by-\(node)")],
                            node: node
                        )
                        try #require(made.status == 201, "\(node) for \(scope) of \(owner): \(made)")
                        // Whoever made the change has it, also without asking the leader.
                        let path: String = "projects/\(scope)/stacks/\(made.body["id"]?.string ?? "")?consistency=stale"
                        let own = try await rig.api("GET", path, node: owner)
                        try #require(own.status == 200, "\(owner) made it, and does not have it")
                        // Everybody sees it at once.
                        for reader in places.voters {
                            let id: String = try #require(made.body["id"]?.string)
                            let seen = try await rig.api("GET", "projects/\(scope)/stacks/\(id)", node: reader)
                            try #require(seen.status == 200, "\(reader) does not see \(id)")
                        }
                    }
                }
            }
        }
    }
}
