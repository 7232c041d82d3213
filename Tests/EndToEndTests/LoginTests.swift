import Bytes
import EventLoop
import Glibc
import HTTP
import JSON
import Subprocess
import Testing
import WebSocket

extension EndToEnd {
    /// People who log in to three nodes.
    @Suite(.serialized) struct LoginProcessTests {
        @Test func `who is disabled on one node is out on all, streams included, and no disk has a secret`()
            async throws
        {
            try await HandRig.run { rig in
                try await rig.found(["node1", "node2", "node3"])
                let (password, other): (String, String) = ("planted password of ann", "planted password of root")
                try #require(
                    try await rig.api(
                        "POST",
                        "localauthconfigs",
                        ["enabled": true, "username": "root", "password": .string(other)],
                        node: "node1"
                    ).status == 201
                )
                let made = try await rig.api("POST", "accounts", ["name": "ann"], node: "node2")
                let ann: String = try #require(made.body["id"]?.string, "\(made)")
                try #require(
                    try await rig.api(
                        "POST",
                        "passwords",
                        ["publicValue": "planted-login", "secretValue": .string(password), "accountId": .string(ann)],
                        node: "node3"
                    ).status == 201
                )
                let token: String = try await login(rig, "planted-login:\(password)", node: "node2")
                let projects = try await ask(rig, "projects", token, node: "node3")
                let home: String = try #require(projects.body["data"]?.array?.first?["id"]?.string, "\(projects)")
                try #require(projects.body["data"]?.array?.first?["name"]?.string == "planted-login-Default")
                // A rotation in between changes nothing for those who are logged in.
                try await rig.drover(["cluster", "rotate-key"], node: "node1").ends(0)
                try #require(try await ask(rig, "projects", token, node: "node1").status == 200)
                // Nor does another authority, under which all that is sealed is sealed anew.
                try await rig.drover(["cluster", "rotate-ca"], node: "node2").ends(0)
                for node in ["node1", "node2", "node3"] {
                    try #require(try await ask(rig, "projects", token, node: node).status == 200)
                }
                let later: String = try await login(rig, "planted-login:\(password)", node: "node1")
                try await rig.drover(["cluster", "rotate-key"], node: "node3").ends(0)
                try #require(try await ask(rig, "projects", later, node: "node2").status == 200)

                var sockets: [WebSocket] = []
                for node in ["node1", "node2", "node3"] {
                    sockets.append(
                        try await WebSocket.connect(
                            to: .tcp(host: rig.address(node), port: 8080),
                            target: "/v2-beta/projects/\(home)/subscribe?eventNames=resource.change",
                            headers: ["Authorization": "Bearer \(token)"],
                            client: rig.client
                        )
                    )
                }
                for socket in sockets { _ = try await socket.receive() }
                let since: UInt64 = MonotonicClock.now
                try #require(
                    try await rig.api("POST", "accounts/\(ann)?action=deactivate", [:], node: "node1").status == 202
                )
                for socket in sockets { while (try? await socket.receive()) != nil {} }
                let milliseconds = Int((MonotonicClock.now - since) / 1_000_000)
                print("the streams of three nodes ended after \(milliseconds) ms")
                try #require(milliseconds < 5_000)
                for node in ["node1", "node2", "node3"] {
                    try await wait(for: "\(node) to refuse the login") {
                        try await ask(rig, "projects", token, node: node).status == 401
                    }
                }

                let root: String = try await login(rig, "root:\(other)", node: "node3")
                try await rig.drover(["cluster", "backup", "\(rig.folder)/state.backup"], node: "node2").ends(0)
                _ = try await ask(rig, "projects?token=\(root)", "wrong", node: "node1")
                for node in ["node1", "node2", "node3"] { try await rig.stop(node) }
                for secret in [password, other, token, root] {
                    let found: [String] = try await files(with: secret, in: rig.folder)
                    try #require(found.isEmpty, "a secret stands in \(found)")
                }
                // The search finds what is there.
                try #require(try await files(with: "planted-login", in: rig.folder).count >= 3)
            }
        }

        private func login(_ rig: HandRig, _ code: String, node: String) async throws -> String {
            let answer: HTTPClientResponse = try await rig.client.send(
                HTTPRequest(
                    method: "POST",
                    target: "/v2-beta/token",
                    body: JSONWriter.bytes(["code": .string(code)])
                ),
                to: .tcp(host: rig.address(node), port: 8080)
            )
            let body: JSONValue = try JSONReader.parse(answer.body)
            return try #require(answer.status == 201 ? body["jwt"]?.string : nil, "\(answer.status) \(body)")
        }

        private func ask(
            _ rig: HandRig,
            _ path: String,
            _ token: String,
            node: String
        ) async throws -> (status: Int, body: JSONValue) {
            let answer: HTTPClientResponse = try await rig.client.send(
                HTTPRequest(method: "GET", target: "/v2-beta/\(path)", headers: ["Authorization": "Bearer \(token)"]),
                to: .tcp(host: rig.address(node), port: 8080)
            )
            return (answer.status, (try? JSONReader.parse(answer.body)) ?? .null)
        }
    }
}

/// The files below a folder in which a text stands.
func files(with text: String, in folder: String) async throws -> [String] {
    let result: SubprocessResult = try await Subprocess.run(
        "grep",
        ["--recursive", "--text", "--fixed-strings", "--files-with-matches", "--", text, folder],
        environment: Program.environment()
    )
    return result.outputText.split(separator: "\n").map(String.init)
}
