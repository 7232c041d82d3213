import JSON
import Testing

extension EndToEnd {
    @Suite(.serialized) struct CrashTests {
        @Test func `kill -9 of the node, of an agent, of both in the middle of up loses and doubles nothing`()
            async throws
        {
            try await DevRig.run { rig in
                let rounds: [[String]] = [["node1"], ["host1"], ["node1", "host1"], ["node1", "host1", "host2"]]
                try await Crashes(rig).run(rounds, scale: 40, seed: 1)
            }
        }

        @Test(.enabled(if: EndToEnd.isThorough, "--all runs it"))
        func `twenty kills -9 at any moment lose and double nothing`() async throws {
            try await DevRig.run { rig in
                let targets: [[String]] = [["node1"], ["host1"], ["host2"], ["node1", "host1"], ["host1", "host2"]]
                try await Crashes(rig).run((0..<20).map { targets[$0 % targets.count] }, scale: 30, seed: 7)
            }
        }

        @Test func `a cluster that is started again has everything and restarts nothing`() async throws {
            try await DevRig.run { rig in
                try await rig.up(try rig.plain("kept", scale: 5, withGlobal: true)).ends(0)
                let before = try await rig.agree()
                let stacks: [String] = try await rig.list("stacks").compactMap { $0["id"]?.string }
                try await rig.stop()
                try #require(rig.access == nil, "access.json outlived its cluster")
                try await rig.start()
                let after = try await rig.agree()
                try #require(after.held == before.held)
                try #require(after.shown == before.shown)
                try #require(try await rig.list("stacks").compactMap { $0["id"]?.string } == stacks)
                // It still works.
                try await rig.run(["scale", "kept/web=6"]).ends(0)
                try #require(try await rig.agree().shown.count == 8)
            }
        }
    }
}
