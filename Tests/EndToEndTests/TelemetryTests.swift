import EventLoop
import HTTP
import JSON
import Testing

extension EndToEnd {
    /// What real nodes tell those who look after them.
    @Suite(.serialized) struct TelemetryTests {
        @Test func `nodes tell how they see each other, and the last of three that it is of no use alone`() async throws
        {
            try await DevRig.run(nodes: 3, hosts: 0) { rig in
                let names: [String] = ["node1", "node2", "node3"]
                // A round trip is known with the first ping, which goes out seconds after the connection.
                try await wait(for: "all nodes to be connected, and to have been answered") {
                    for name in names {
                        let page: [Substring] = try await rig.plain("/metrics", node: name).text.split(separator: "\n")
                        let connected: Int = page.count {
                            $0.hasPrefix("drover_raft_peer_connected{node=\"node") && $0.hasSuffix(" 1")
                        }
                        let timed: Int = page.count { $0.hasPrefix("drover_raft_peer_round_trip_seconds{node=\"node") }
                        guard connected == 2, timed == 2 else { return false }
                    }
                    return true
                }
                var leaders: [String] = []
                for name in names {
                    let page: [Substring] = try await rig.plain("/metrics", node: name).text.split(separator: "\n")
                    #expect(page.contains("drover_ready 1"))
                    #expect(
                        page.contains {
                            $0.hasPrefix("drover_certificate_expiry_timestamp_seconds{certificate=\"node\"}")
                        }
                    )
                    let isLeader: Bool = page.contains("drover_raft_role{role=\"leader\"} 1")
                    if isLeader { leaders.append(name) }
                    #expect(page.count { $0.hasPrefix("drover_raft_peer_lag_entries{") } == (isLeader ? 2 : 0))
                    for path in ["/healthz", "/readyz"] {
                        #expect(try await rig.plain(path, node: name).status == 200, "\(path) of \(name)")
                    }
                }
                #expect(leaders.count == 1)

                rig.freeze()
                defer { rig.thaw() }
                try await rig.kill9(["node2", "node3"])
                var refused: JSONValue = .null
                try await wait(for: "the last node to know no leader") {
                    let answer = try await rig.plain("/readyz", node: "node1")
                    refused = try JSONReader.parse(answer.text)
                    return answer.status == 503
                }
                #expect(refused["status"]?.string == "notReady")
                #expect(refused["reasons"]?.array?.first?["code"]?.string == "noLeader")
                // Its process is well, and its numbers can be read when they are needed.
                #expect(try await rig.plain("/healthz", node: "node1").status == 200)
                let page: [Substring] = try await rig.plain("/metrics", node: "node1").text.split(separator: "\n")
                for line in ["drover_raft_has_leader 0", "drover_not_ready{reason=\"noLeader\"} 1"] {
                    let isThere: Bool = page.contains(line[...])
                    #expect(isThere, "\(line)")
                }
                rig.thaw()
                try await wait(for: "all to be ready again", seconds: 60) {
                    for name in names {
                        guard try await rig.plain("/readyz", node: name).status == 200 else { return false }
                    }
                    return true
                }
            }
        }
    }
}
