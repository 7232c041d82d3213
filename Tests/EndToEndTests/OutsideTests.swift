import EventLoop
import Glibc
import JSON
import Testing

/// What comes from outside and is wrong.
extension EndToEnd {
    @Suite(.serialized) struct OutsideTests {
        @Test func `a data folder that is in use is refused, and by whom it is used`() async throws {
            try await DevRig.run(hosts: 1) { rig in
                let node: Int32 = try #require(rig.process("node1"))
                let second = try await rig.run([
                    "server", "run", "--data", "\(rig.data)/node1", "--http", "127.0.0.1:0",
                ])
                try second.ends(1)
                try #require(
                    second.error.contains("\(rig.data)/node1") && second.error.contains("\(node)"),
                    "\(second)"
                )

                let host: Int32 = try #require(rig.process("host1"))
                let agent = try await rig.run(
                    [
                        "agent", "--url", rig.url, "--token", "registered", "--data", "\(rig.data)/host1", "--runtime",
                        "simulated",
                    ])
                try agent.ends(1)
                try #require(agent.error.contains("\(rig.data)/host1") && agent.error.contains("\(host)"), "\(agent)")

                let cluster = try await rig.run(["dev", "--data", rig.data, "--port", "0", "--runtime", "simulated"])
                try cluster.ends(1)
                try #require(cluster.error.contains("\(rig.data) "), "\(cluster)")
                // The first one goes on as if nothing had been.
                try #require(rig.process("node1") == node && rig.process("host1") == host)
                try await rig.run(["hosts"]).ends(0)
            }
        }

        @Test func `a port that is taken is named, and by what`() async throws {
            try await DevRig.run(hosts: 0) { rig in
                let node: Int32 = try #require(rig.process("node1"))
                let port: Int = try #require(try rig.endpoint.port)
                let other: String = "\(rig.folder)/other"
                try await rig.run(["server", "init", "--data", other, "--name", "n2", "--http", "127.0.0.1:\(port)"])
                    .ends(0)
                let server = try await rig.run(["server", "run", "--data", other])
                try server.ends(1)
                for word in ["127.0.0.1:\(port)", "process drover (\(node))"] {
                    try #require(server.error.contains(word), "\(server)")
                }
                let cluster = try await rig.run(
                    ["dev", "--data", "\(rig.folder)/third", "--port", "\(port)", "--runtime", "simulated"])
                try cluster.ends(1)
                for word in ["127.0.0.1:\(port)", "process drover (\(node))"] {
                    try #require(cluster.error.contains(word), "\(cluster)")
                }
            }
        }

        @Test func `foreign and expired registration tokens are refused`() async throws {
            try await DevRig.run(hosts: 0) { rig in
                func token(_ rig: DevRig) async throws -> String {
                    let made = try await rig.api("POST", "projects/1a5/registrationtokens", [:])
                    try #require(made.status == 201, "\(made)")
                    return try #require(made.body["token"]?.string, "\(made)")
                }
                func agent(_ token: String, _ name: String) async throws -> Ended {
                    try await rig.run(
                        [
                            "agent", "--url", rig.url, "--token", token, "--data", "\(rig.folder)/\(name)", "--runtime",
                            "simulated", "--name", name,
                        ],
                        seconds: 30
                    )
                }
                let own: String = try await token(rig)
                for (name, wrong) in [
                    ("invented", "a:1:ff"), ("changed", String(own.dropLast()) + "z"), ("words", "let me in"),
                ] {
                    let ended = try await agent(wrong, name)
                    try ended.ends(1)
                    try #require(ended.error.contains("registration token"), "\(ended)")
                }
                try await DevRig.run(hosts: 0) { other in
                    let ended = try await agent(try await token(other), "foreign")
                    try ended.ends(1)
                    try #require(ended.error.contains("not one of this cluster's"), "\(ended)")
                }
                let set = try await rig.api("PUT", "settings/registration.token.period.millis", ["value": "1"])
                try #require(set.status == 200, "\(set)")
                let ended = try await agent(own, "late")
                try ended.ends(1)
                try #require(ended.error.contains("expired"), "\(ended)")
                try #require(try await rig.list("hosts").isEmpty)
            }
        }

        @Test func `the command line says what is wrong with it`() async throws {
            try await DevRig.run(hosts: 1) { rig in
                let wrong: [String: String] = ["DROVER_ACCESS_KEY": "who", "DROVER_SECRET_KEY": "what"]
                let key = try await rig.run(["ps"], environment: wrong.merging(["DROVER_URL": rig.url]) { $1 })
                try key.ends(1)
                try #require(key.error.contains("DROVER_ACCESS_KEY") && key.error.contains("401"), "\(key)")
                let flag = try await rig.run(["ps", "--al"])
                try flag.ends(2)
                try #require(flag.error.contains("--al"), "\(flag)")
                let unknown = try await rig.run(["pss"])
                try unknown.ends(2)
                try #require(unknown.error.contains("'pss'") && unknown.error.contains("ps"), "\(unknown)")
                let environment = try await rig.run(["ps", "--env", "Elsewhere"])
                try environment.ends(1)
                try #require(environment.error.contains("'Elsewhere'"), "\(environment)")

                let files: [(name: String, text: String, words: [String])] = [
                    ("broken", "services:\n  web:\n    image: [a\n", ["docker-compose.yml:"]),
                    (
                        "misspelt", "version: '2'\nservices:\n  web:\n    imagee: example/web:1\n",
                        ["docker-compose.yml:4", "imagee", "image"]
                    ),
                    (
                        "odd", "version: '2'\nservices:\n  web:\n    image: example/web:1\n    ports: ['8o:80']\n",
                        ["docker-compose.yml:5"]
                    ),
                    ("empty", "", ["docker-compose.yml"]),
                ]
                for (name, text, words) in files {
                    let ended = try await rig.up(try rig.compose(name, text))
                    try ended.ends(1)
                    for word in words { try #require(ended.error.contains(word), "\(ended)") }
                }
                let missing = try await rig.run(["up", "-d", "--file", "nowhere.yml"])
                try missing.ends(1)
                try #require(missing.error.contains("nowhere.yml"), "\(missing)")
                try #require(try await rig.list("stacks").isEmpty, "something was deployed")
            }
        }

        @Test func `half-sent and oversized requests are answered, and the node goes on`() async throws {
            try await DevRig.run(hosts: 0) { rig in
                let head: String = "POST /v2-beta/projects HTTP/1.1\r\nHost: x\r\n"
                // Three at once: each waits out the time that a request may take.
                async let halfHead: String = rig.raw(Array("GET /v2-beta HTTP/1.1\r\nHos".utf8), seconds: 40)
                async let halfBody: String = rig.raw(Array("\(head)Content-Length: 10\r\n\r\n{".utf8), seconds: 40)
                let announced: String = try await rig.raw(
                    Array("\(head)Content-Length: 99999999\r\n\r\n{}".utf8),
                    seconds: 10
                )
                try #require(announced.hasPrefix("HTTP/1.1 413 "), "\(announced)")
                let chunk: String = String(repeating: "x", count: 0x10000)
                var chunked: String = head + "Transfer-Encoding: chunked\r\n\r\n"
                for _ in 0..<80 { chunked += "10000\r\n\(chunk)\r\n" }
                let sent: String = try await rig.raw(Array(chunked.utf8), seconds: 10)
                try #require(sent.hasPrefix("HTTP/1.1 413 "), "\(sent)")
                let garbage: String = try await rig.raw(Array("\u{16}\u{03}\u{01}\r\n\r\n".utf8), seconds: 10)
                try #require(garbage.hasPrefix("HTTP/1.1 400 "), "\(garbage)")
                for late in [try await halfHead, try await halfBody] {
                    try #require(late.hasPrefix("HTTP/1.1 408 "), "\(late)")
                }
                try #require(try await rig.api("GET", "projects").status == 200)
            }
        }
    }
}
