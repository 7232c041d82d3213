import Authority
import Bytes
import Certificates
import EventLoop
import HTTP
import JSON
import TLS
import Testing

extension EndToEnd {
    /// Whoever does not belong to the cluster is refused, hears why in one form, stands in the log, and changes nothing.
    @Suite(.serialized) struct RefusalTests {
        @Test func `a used, an expired, a wrong, a foreign token, and one of the wrong role let nobody in`()
            async throws
        {
            try await DevRig.run(nodes: 1, hosts: 1) { rig in
                let scene: RefusalScene = try await .enter(rig)
                let good: JoinToken = try await scene.token()
                let first = try await scene.stranger().join(good, "node2")
                try #require(first.status == 201, "\(first)")
                try #require(first.body["sealingKey"]?.string != nil, "\(first)")

                let expired: JoinToken = try await scene.token(seconds: 1)
                let made: ContinuousClock.Instant = .now
                let host: JoinToken = try await scene.token(role: "host")
                var wrong: JoinToken = try await scene.token()
                let unused: String = wrong.text
                wrong.secret[0] ^= 1
                var foreign: JoinToken = .generate(.node, fingerprint: scene.authority.fingerprint)
                let before: [String] = try await scene.members()

                try await wait(for: "the token to expire") { made.duration(to: .now) > .seconds(1) }
                let fresh: (JoinToken) async throws -> Answered = { try await scene.stranger().join($0, "node3") }
                let refused: [(name: String, answer: Answered, word: String)] = [
                    ("used", try await fresh(good), "let somebody in already"),
                    ("expired", try await fresh(expired), "expired"),
                    ("role", try await fresh(host), "for a host"),
                    ("wrong", try await fresh(wrong), "knows no such"),
                    ("foreign", try await fresh(foreign), "knows no such"),
                ]
                for (name, answer, word) in refused {
                    try answer.isRefusal(403, "JoinRefused", word, name)
                    try await scene.logs(["join refused", "audit=join.refused", word])
                }
                // Who guesses learns nothing from the difference.
                try #require(refused[3].answer.body["message"] == refused[4].answer.body["message"])
                for text in ["", "let me in", "drover-node-0011223344556677-00-00", String(unused.dropLast())] {
                    try await scene.stranger().join(text, "node3").isRefusal(403, "JoinRefused", "knows no such", text)
                }

                // As operators do it. A token of another cluster: whoever joins does not even say it.
                foreign.fingerprint[0] ^= 1
                for (token, words) in [(good, "let somebody in already"), (foreign, "pinned authority")] {
                    let ended = try await rig.run(
                        [
                            "server", "join", "--data", "\(rig.folder)/new", "--name", "node3", "--peer-url",
                            "127.0.0.1:\(scene.peer)", "--peer", "127.0.0.1:9", "--http", "127.0.0.1:10",
                        ],
                        environment: ["DROVER_TOKEN": token.text]
                    )
                    try ended.ends(1)
                    try #require(ended.error.contains(words), "\(ended)")
                    try #require(Files.read("\(rig.folder)/new/node.json") == nil)
                    try #require(Files.read("\(rig.folder)/new/sealing.key") == nil)
                }
                try #require(try await scene.members() == before)
                let log: String = Files.read(scene.log) ?? ""
                for token in [good, expired, host, wrong, foreign] {
                    try #require(!log.contains(Hex.encode(token.secret)), "a secret is in the log")
                }
            }
        }

        @Test func `at every port the wrong certificate, none, and the wrong language are refused`() async throws {
            try await DevRig.run(nodes: 1, hosts: 1) { rig in
                let scene: RefusalScene = try await .enter(rig)
                let before: [String] = try await scene.members()
                // From somebody else's authority, and otherwise just what this cluster's first node would show.
                let foreign: TLSIdentity = try scene.foreignIdentity()
                for (name, port) in [("peer", scene.peer), ("https", scene.https)] {
                    await #expect(throws: (any Error).self, "\(name)") {
                        try await scene.stranger(foreign).ask("GET", "/v2-beta", port: port)
                    }
                    try await scene.logs(["audit=tls.refused", "listener=\(name)", "not trusted here"])
                }

                let lane: HTTPHeaders = [
                    "Connection": "Upgrade", "Upgrade": "drover-raft", "x-drover-peer": "127.0.0.1:9",
                ]
                for (name, identity, word) in [
                    ("a host", scene.host, "for a host"), ("nobody", nil, "certificate that names a node"),
                ] {
                    let stranger: Stranger = scene.stranger(identity)
                    for path in ["/raft/calls", "/raft/control", "/v2-beta/cluster", "/v1/exec", "/"] {
                        try await stranger.ask("GET", path, headers: lane, port: scene.peer)
                            .isRefusal(403, "PeerRefused", word, "\(name) at \(path)")
                        try await scene.logs(["peer refused", "audit=peer.refused", "http.path=\(path)", word])
                    }
                    // Nor does it help to say that a node had sent one.
                    try await stranger.ask("GET", "/v2-beta/cluster", headers: scene.forged, port: scene.peer)
                        .isRefusal(403, "PeerRefused", word, "\(name), forged")
                }
                try await scene.forgedHeadersCountForNothing()

                for port in [scene.peer, scene.https] {
                    await #expect(throws: (any Error).self, "plain text at a port for TLS") {
                        try await scene.plain.ask("GET", "/v2-beta", port: port)
                    }
                }
                try await scene.logs(["audit=tls.refused", "listener=peer", "plain"])
                try await scene.logs(["audit=tls.refused", "listener=https", "plain"])
                await #expect(throws: (any Error).self, "TLS at the port for plain text") {
                    try await scene.stranger().ask("GET", "/v2-beta", port: scene.http)
                }
                try #require(try await scene.members() == before)
                // All are served on.
                try await rig.run(["hosts"]).ends(0)
            }
        }
    }
}
