import Bytes
import Glibc
import JSON
import Subprocess
import Testing

/// HTTP/2 by clients that were not written here, on the HTTPS address of a real node.
///
/// `scripts/prepare test` installs them; what is not there is skipped.
extension EndToEnd {
    @Suite(.serialized) struct HTTP2Tests {
        private static let curl: String = "/usr/bin/curl"
        private static let h2load: String = "/usr/bin/h2load"

        private static func isThere(_ path: String) -> Bool { access(path, X_OK) == 0 }

        /// A node's HTTPS address, and what a client needs to use it.
        private struct Door {
            let rig: DevRig
            let url: String
            let authority: String
            let credentials: String

            init(_ rig: DevRig) async throws {
                self.rig = rig
                url = try #require(rig.access?["nodes"]?.array?.first?["httpsUrl"]?.string)
                authority = "\(rig.folder)/ca.crt"
                try Files.write(try await rig.plain("/v2-beta/scripts/ca.crt", node: "node1").text, to: authority)
                let key: (access: String, secret: String) = try rig.key
                credentials = "\(key.access):\(key.secret)"
            }

            func run(
                _ program: String,
                _ arguments: [String],
                input: [UInt8] = [],
                _ rig: DevRig
            ) async throws -> SubprocessResult {
                try await Subprocess.run(
                    SubprocessCommand(
                        program,
                        arguments,
                        environment: Program.environment(["HOME": rig.folder]),
                        workingDirectory: rig.folder
                    ),
                    input: input,
                    deadline: .seconds(60)
                )
            }

            /// The protocol and the status, and the body.
            func curl(
                _ arguments: [String],
                _ path: String,
                input: [UInt8] = []
            ) async throws -> (what: String, body: String) {
                let result: SubprocessResult = try await run(
                    HTTP2Tests.curl,
                    ["--silent", "--show-error", "--cacert", authority, "--user", credentials]
                        + ["--write-out", "\n%{http_version} %{http_code}"] + arguments + [url + path],
                    input: input,
                    rig
                )
                try #require(result.status == .exited(code: 0), "\(result.outputText)\n\(result.errorText)")
                let lines: [Substring] = result.outputText.split(separator: "\n", omittingEmptySubsequences: false)
                return (String(lines.last ?? ""), lines.dropLast().joined(separator: "\n"))
            }
        }

        @Test(.enabled(if: isThere(curl), "curl is not there: scripts/prepare test"))
        func `curl reads, writes and is refused over HTTP/2 as over HTTP/1.1`() async throws {
            try await DevRig.run(nodes: 1, hosts: 0) { rig in
                let door: Door = try await .init(rig)
                _ = try await rig.api("PUT", "settings/access.log", ["value": "access.log"])

                let list = try await door.curl(["--http2"], "/v2-beta/projects")
                #expect(list.what == "2 200")
                let older = try await door.curl(["--http1.1"], "/v2-beta/projects")
                #expect(older.what == "1.1 200" && older.body == list.body)
                // Whoever offers nothing gets what it knows.
                let without = try await door.curl(["--http2", "--no-alpn"], "/v2-beta/projects")
                #expect(without.what == "1.1 200")

                let json: [String] = [
                    "--http2", "--header", "Content-Type: application/json", "--data", "{\"name\":\"two\"}",
                ]
                let made = try await door.curl(json, "/v2-beta/projects/1a5/stacks")
                #expect(made.what == "2 201" && made.body.contains("\"two\""))
                let head = try await door.curl(["--http2", "--head"], "/v2-beta/projects")
                #expect(head.what == "2 200")

                let body = String(repeating: "a", count: 5 * 1024 * 1024)
                try Files.write(body, to: "\(rig.folder)/long")
                let long = try await door.curl(
                    ["--http1.1", "--header", "Expect:", "--data-binary", "@\(rig.folder)/long"],
                    "/v2-beta/projects/1a5/stacks"
                )
                #expect(long.what == "1.1 413" && long.body.contains("Request Entity Too Long"))
                // The answer comes while the body is on its way, and the client must get to see it.
                for round in 1...5 {
                    for way in [["--data-binary", "@long"], ["--upload-file", "long"], ["--upload-file", "-"]] {
                        let early = try await door.curl(
                            ["--http2", "--header", "Expect:"] + way,
                            "/v2-beta/projects/1a5/stacks",
                            input: way.last == "-" ? Array(body.utf8) : []
                        )
                        #expect(early.what == "2 413", "\(way) \(round): \(early)")
                    }
                }
                let nobody = try await door.curl(["--http2", "--user", "a:b"], "/v2-beta/projects")
                #expect(nobody.what == "2 401" && nobody.body.contains("Unauthorized"))
                // A stream is no connection to upgrade.
                let socket = try await door.curl(
                    ["--http2"],
                    "/v2-beta/projects/1a5/subscribe?eventNames=resource.change"
                )
                #expect(socket.what.hasPrefix("2 4"))

                try await wait(for: "both protocols in the access log") {
                    let log: String = Files.read("\(rig.data)/node1/logs/access.log") ?? ""
                    return log.contains("\"protocol\":\"HTTP/2\"") && log.contains("\"protocol\":\"HTTP/1.1\"")
                }
            }
        }

        @Test(.enabled(if: isThere(h2load), "h2load is not there: scripts/prepare test"))
        func `thousands of requests over a few connections are all answered`() async throws {
            try await DevRig.run(nodes: 1, hosts: 0) { rig in
                let door: Door = try await .init(rig)
                let result: SubprocessResult = try await door.run(
                    Self.h2load,
                    [
                        "--requests", "3000", "--clients", "5", "--max-concurrent-streams", "50", "--threads", "1",
                        "--header", "authorization: Basic \(Base64.encode(Array(door.credentials.utf8)))",
                        door.url + "/v2-beta/projects",
                    ],
                    rig
                )
                try #require(result.status == .exited(code: 0), "\(result.outputText)\n\(result.errorText)")
                #expect(result.outputText.contains("Application protocol: h2"))
                #expect(
                    result.outputText.contains(
                        "3000 total, 3000 started, 3000 done, 3000 succeeded, 0 failed, 0 errored"
                    ),
                    "\(result.outputText)"
                )
            }
        }
    }
}
