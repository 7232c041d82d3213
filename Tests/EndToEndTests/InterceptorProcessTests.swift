import Bytes
import EventLoop
import Glibc
import HTTP
import JSON
import Subprocess
import Testing

extension EndToEnd {
    /// Interceptors as processes of their own, before three nodes.
    @Suite(.serialized) struct InterceptorProcessTests {
        /// The example of the reference, on a free port, until `body` returns.
        private func withExample(
            _ folder: String,
            _ name: String = "interceptor.py",
            by python: String = InterceptorProcessTests.python,
            _ more: [String] = [],
            _ body: (Int, ChildProcess) async throws -> Void
        ) async throws {
            let port: Int = try Self.freePort()
            let script: String = "\(Program.repository)/examples/interceptor/\(name)"
            let child: ChildProcess = try .spawn(
                SubprocessCommand(python, [script, "\(port)"] + more, environment: Program.environment()),
                standardOutput: .appendTo("\(folder)/interceptor.log"),
                standardError: .appendTo("\(folder)/interceptor.log"),
                ownGroup: false
            )
            do {
                let loop: EventLoop = try .start()
                try await wait(for: "the interceptor to listen") {
                    let stream = try? await loop.connect(host: "127.0.0.1", port: port, before: .after(seconds: 1))
                    stream?.close()
                    return stream != nil
                }
                await loop.stop()
                try await body(port, child)
            } catch {
                _ = await child.stop(grace: .seconds(1))
                throw error
            }
            _ = await child.stop(grace: .seconds(1))
        }

        /// One that was free a moment ago.
        private static func freePort() throws -> Int {
            let descriptor: Int32 = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(descriptor) }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let code: Int32 = withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                    bind(descriptor, pointer, length) == 0 ? getsockname(descriptor, pointer, &length) : -1
                }
            }
            guard code == 0 else { throw RigFailure("no free port") }
            return Int(UInt16(bigEndian: address.sin_port))
        }

        private static let python: String = "/usr/bin/python3"
        /// With a library that verifies tokens and was not written here.
        private static let verifier: String = "\(Program.repository)/.build/openid/bin/python"

        @Test(.enabled(if: access(verifier, X_OK) == 0, "no library that verifies tokens: scripts/prepare openid"))
        func `an interceptor that verifies believes the cluster alone, at every node and when its keys are made anew`()
            async throws
        {
            try await HandRig.run { rig in
                let nodes: [String] = ["node1", "node2", "node3"]
                try await rig.found(nodes)
                let status: Ended = try await rig.drover(["cluster", "status", "--output", "json"], node: "node1")
                    .ends(0)
                let cluster: String = try #require(try JSONReader.parse(status.out)["clusterId"]?.string)
                let url: String = "http://\(rig.address("node2")):8080"
                let more: [String] = [url, "drover://\(cluster)"]
                try await withExample(rig.folder, "verify.py", by: Self.verifier, more) { port, _ in
                    let config: String = #"""
                        {"requestInterceptors": [{"type": "http", "paths": ["/v2-beta/projects/{id}/stacks"],
                          "methods": ["post"], "endpoint": "http://127.0.0.1:8092/check"}]}
                        """#.replacing("8092", with: "\(port)")
                    let put = try await rig.api(
                        "PUT",
                        "settings/api.interceptor.config",
                        ["value": .string(config)],
                        node: "node1"
                    )
                    try #require(put.status == 200, "\(put)")
                    let root: (access: String, secret: String) = rig.credentials
                    let ann = try await rig.api("POST", "accounts", ["name": "ann", "kind": "admin"], node: "node1")
                    let key = try await rig.api(
                        "POST",
                        "apikeys",
                        ["accountId": ann.body["id"] ?? .null],
                        node: "node1"
                    ).body
                    let hers: (access: String, secret: String) = (
                        try #require(key["publicValue"]?.string), try #require(key["secretValue"]?.string)
                    )
                    for round in ["first", "second"] {
                        for node in nodes {
                            rig.credentials = root
                            let refused = try await rig.api(
                                "POST",
                                "projects/1a5/stacks",
                                ["name": "a"],
                                node: node
                            )
                            try #require(
                                refused.status == 403
                                    && refused.body["message"]?.string?.contains("makes no stacks here") == true,
                                "\(refused)"
                            )
                            rig.credentials = hers
                            let made = try await rig.api(
                                "POST",
                                "projects/1a5/stacks",
                                ["name": .string("\(round)-\(node)")],
                                node: node
                            )
                            try #require(made.status == 201, "\(made)")
                        }
                        rig.credentials = root
                        if round == "first" {
                            try await rig.drover(["cluster", "rotate-key"], node: "node3").ends(0)
                        }
                    }
                    // Whoever finds the interceptor and claims to be somebody is nobody.
                    let direct: HTTPClientResponse = try await rig.client.send(
                        HTTPRequest(
                            method: "POST",
                            target: "/check",
                            headers: ["X-API-Assertion": "eyJhbGciOiJub25lIn0.eyJuYW1lIjoiYW5uIn0."],
                            body: Array("{}".utf8)
                        ),
                        to: .tcp(host: "127.0.0.1", port: port)
                    )
                    try #require(direct.status == 401)
                }
            }
        }

        @Test(.enabled(if: access(python, X_OK) == 0, "the example is written in Python"))
        func `the example interceptor changes and denies at every node, and a dead one can be passed`() async throws {
            try await DevRig.run(nodes: 3, hosts: 0) { rig in
                try await withExample(rig.folder) { port, child in
                    let text: String = try #require(
                        Files.read("\(Program.repository)/examples/interceptor/config.json")
                    )
                    let config: String = text.replacing("8092", with: "\(port)")
                    try Files.write(config, to: "\(rig.folder)/config.json")

                    // Tried before it is in force.
                    let tried: Ended = try await rig.run([
                        "intercept", "test", "config.json", "--path", "/v2-beta/projects/1a5/stacks", "--call",
                        "--body",
                        #"{"name":"forbidden"}"#,
                    ]).ends(1)
                    #expect(
                        tried.out.contains("stack policy") && tried.out.contains("no stack is called so here"),
                        "\(tried)"
                    )
                    #expect(try await rig.api("GET", "projects/1a5/stacks").body["data"]?.array?.isEmpty == true)

                    let put = try await rig.api("PUT", "settings/api.interceptor.config", ["value": .string(config)])
                    #expect(put.status == 200, "\(put)")
                    for node in ["node1", "node2", "node3"] {
                        try await wait(for: "\(node) to ask the interceptor") {
                            let denied = try await rig.api(
                                "POST",
                                "projects/1a5/stacks",
                                ["name": "forbidden"],
                                node: node
                            )
                            return denied.status == 403 && denied.body["message"] == "no stack is called so here"
                        }
                        let made = try await rig.api(
                            "POST",
                            "projects/1a5/stacks",
                            ["name": .string("by-\(node)")],
                            node: node
                        )
                        #expect(
                            made.status == 201 && made.body["description"] == "made on /v2-beta/projects/1a5/stacks",
                            "\(made)"
                        )
                    }
                    let status: Ended = try await rig.run(["intercept", "status"]).ends(0)
                    #expect(status.out.contains("stack policy"), "\(status)")
                    let traces: Ended = try await rig.run(["intercept", "trace"]).ends(0)
                    #expect(traces.out.contains("body.description"), "\(traces)")

                    _ = await child.stop(grace: .seconds(1))
                    let refused = try await rig.api("POST", "projects/1a5/stacks", ["name": "later"])
                    #expect(refused.status == 500 && refused.body["code"] == "InterceptorFailed", "\(refused)")
                    // The way out: the configuration itself is never intercepted.
                    #expect(try await rig.api("DELETE", "settings/api.interceptor.config").status == 200)
                    try await wait(for: "requests to pass again") {
                        try await rig.api("POST", "projects/1a5/stacks", ["name": "later"], node: "node2").status == 201
                    }
                }
            }
        }
    }
}
