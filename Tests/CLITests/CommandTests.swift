import JSON
import Synchronization
import Testing

@testable import CLI

struct CommandTests {
    private func deployed(_ body: (FakeServer) async throws -> Void) async throws {
        try await FakeServer.run { server in
            server.add(["id": "1st1", "type": "stack", "name": "app", "state": "active", "serviceIds": ["1s1"]])
            server.add([
                "id": "1s1", "type": "service", "name": "web", "stackId": "1st1", "state": "active", "scale": 2,
                "currentScale": 2,
                "healthState": "healthy", "launchConfig": ["imageUuid": "docker:nginx"],
            ])
            server.add([
                "id": "1h3", "type": "host", "hostname": "h3", "state": "active",
                "labels": ["a": "b", "io.rancher.x": "y"],
            ])
            for number in 1...3 {
                server.add([
                    "id": .string("1i\(number)"), "type": "container", "name": .string("app-web-\(number)"),
                    "state": number == 3 ? "stopped" : "running", "serviceIds": ["1s1"], "stackId": "1st1",
                    "hostId": "1h3",
                    "imageUuid": "docker:nginx", "ports": ["8080:80/tcp"],
                ])
            }
            try await body(server)
        }
    }

    @Test func `ps lists what runs, and all with -a`() async throws {
        try await deployed { server in
            let running: Ended = await drover("ps", server: server)
            #expect(
                running.out == """
                    ID   NAME       SERVICE  IMAGE  STATE    HOST  PORTS        MESSAGE
                    1i1  app-web-1  app/web  nginx  running  h3    8080:80/tcp
                    1i2  app-web-2  app/web  nginx  running  h3    8080:80/tcp

                    """
            )
            #expect(await drover("ps", "-a", "app", server: server).out.contains("1i3"))
            for name in ["web", "app/web", "1s1", "1st1"] {
                #expect(await drover("ps", name, server: server).out.split(separator: "\n").count == 3)
            }
            let unknown: Ended = await drover("ps", "wbe", server: server)
            #expect(unknown.code == 1 && unknown.error.contains("there is no stack or service 'wbe'"))
            let narrow: Ended = await drover("ps", server: server, columns: 60)
            #expect(narrow.out.split(separator: "\n").allSatisfy { $0.count <= 60 } && narrow.out.contains("…"))
        }
    }

    @Test func `data comes as JSON and YAML`() async throws {
        try await deployed { server in
            let json: JSONValue = try JSONReader.parse(await drover("--output", "json", "ps", server: server).out)
            #expect(json.array?.compactMap { $0["id"]?.string } == ["1i1", "1i2"])
            #expect(json.array?.first?["links"] == nil)
            let yaml: Ended = await drover("stacks", "--output=yaml", server: server)
            #expect(yaml.out.contains("- id: 1st1\n"))
        }
    }

    @Test func `lists follow the pages of the server`() async throws {
        try await deployed { server in
            server.state.withLock { $0.pageSize = 1 }
            #expect(await drover("ps", "-a", server: server).out.split(separator: "\n").count == 4)
        }
    }

    @Test func `stacks, services, hosts and environments are listed`() async throws {
        try await deployed { server in
            #expect(await drover("stacks", server: server).out.contains("1st1  app   active  1"))
            #expect(await drover("services", server: server).out.contains("1s1  app/web  nginx  active  2/2"))
            #expect(await drover("services", "nope", server: server).code == 1)
            #expect(await drover("hosts", server: server).out.contains("1h3  h3    active  0                    a=b\n"))
            #expect(await drover("env", server: server).out.contains("1a5  Default  active"))
            #expect(await drover("env", "show", server: server).out == "Default (1a5) is active\nIt has no quotas.\n")
            let usage: JSONValue = [
                "stacks": ["used": 3, "limit": 10], "bytes": ["used": 2_000, "limit": nil],
            ]
            server.state.withLock {
                $0.canned["GET /v2-beta/projects/1a5"] = [
                    "id": "1a5", "type": "project", "name": "Default", "state": "active", "quotaUsage": usage,
                ]
            }
            let shown: String = await drover("env", "show", "Default", server: server).out
            #expect(shown.contains("stacks  3") && shown.contains("10") && shown.contains("none"), "\(shown)")
            let made: Ended = await drover("env", "create", "test", server: server)
            #expect(made.code == 0 && made.out == "created the environment test (1a41)\n")
            let other: Ended = await drover("--env", "tset", "stacks", server: server)
            #expect(other.code == 1 && other.error.contains("there is no environment 'tset' (did you mean 'test'?)"))
            #expect(await drover("--env", "Test", "stacks", server: server).code == 0)
            #expect(server.requests.last == "GET /v2-beta/projects/1a41/stacks")
        }
    }

    @Test func `scale changes all or none`() async throws {
        try await deployed { server in
            let unknown: Ended = await drover("scale", "web=3", "nope=1", server: server)
            #expect(unknown.code == 1 && server.writes.isEmpty)
            #expect(await drover("scale", "app/web=3", server: server).code == 0)
            #expect(server.resource("1s1")?["scale"] == 3)
            #expect(await drover("scale", "web=-1", server: server).code == 2)
        }
    }

    @Test func `rm removes and waits, and deactivates hosts first`() async throws {
        try await deployed { server in
            let host: Ended = await drover("rm", "h3", server: server)
            #expect(host.code == 0)
            #expect(host.error.contains("host h3 (1h3): is active: deactivating first"))
            #expect(host.error.contains("host h3 (1h3): removed"))
            #expect(
                server.writes == ["POST /v2-beta/projects/1a5/hosts/1h3/", "DELETE /v2-beta/projects/1a5/hosts/1h3"]
            )
            #expect(await drover("rm", "--type", "stack", "1st1", server: server).code == 0)
            #expect(server.resource("1st1")?["state"] == "removed")
            let gone: Ended = await drover("rm", "nobody", server: server)
            #expect(gone.code == 1 && gone.error.contains("there is no service or container or stack or host 'nobody'"))
            #expect(await drover("rm", "--type", "pod", "x", server: server).code == 2)
        }
    }

    @Test func `a name that may be several things is not guessed`() async throws {
        try await deployed { server in
            server.add(["id": "1st2", "type": "stack", "name": "web", "state": "active"])
            let ended: Ended = await drover("rm", "web", server: server)
            #expect(ended.code == 1 && server.writes.isEmpty)
            #expect(ended.error.contains("'web' may be 1s1 (service web), 1st2 (stack web): give the id, or --type"))
        }
    }

    @Test func `logs have the name before each line when there are several`() async throws {
        try await deployed { server in
            let one: Ended = await drover("logs", "app-web-1", server: server)
            #expect(one.code == 0 && one.out == "hello\n" && one.error == "oops\n")
            server.state.withLock { $0.logs = ["01 a\nb\n", "01 c"] }
            let both: Ended = await drover("logs", "-f", "--tail", "5", "web", server: server)
            #expect(
                both.out.split(separator: "\n").sorted()
                    == ["a", "b", "c"].flatMap { line in
                        ["app-web-1 | \(line)", "app-web-2 | \(line)"].map { Substring($0) }
                    }.sorted()
            )
            let stopped: Ended = await drover("logs", "app-web-3", server: server)
            #expect(stopped.code == 1 && stopped.error.contains("cannot do 'logs' while it is stopped"))
        }
    }

    @Test func `long lines that come in pieces stay whole`() {
        let printed = Printed()
        let lines = LogLines(console: printed.console(), prefix: "p | ")
        let piece = String(repeating: "x", count: 16_384)
        lines.take("01 \(piece)")
        lines.take("02 other\n")
        lines.take("01 end\n")
        lines.take("nonsense")
        #expect(printed.out == "p | \(piece)end\n" && printed.error == "p | other\n")
    }

    @Test func `explain says why`() async throws {
        try await deployed { server in
            let ended: Ended = await drover("explain", "web", server: server)
            #expect(
                ended.out == """
                    service app/web (1s42): activating

                    because:
                      - no host has the label a=b

                    waits for:
                      - a host

                    what helps:
                      - add a host

                    HOST  VERDICT
                    h1    label a=b is missing

                    """
            )
            #expect(server.requests.last == "GET /v2-beta/projects/1a5/services/1s1/explain")
        }
    }

    @Test func `errors say what to do`() async throws {
        let nobody: Ended = await drover("--url", "http://127.0.0.1:1", "ps")
        #expect(nobody.code == 1 && nobody.error.contains("no server answers at http://127.0.0.1:1"))
        #expect(nobody.error.contains("start one with 'drover dev'"))
        let unset: Ended = await drover("ps")
        #expect(unset.code == 1 && unset.error.contains("no server is known: start one with 'drover dev'"))
        let foreign: Ended = await drover("--url", "https://127.0.0.1:1", "--ca-file", "/nonexistent", "ps")
        #expect(foreign.code == 1 && foreign.error.contains("cannot read the certificates in /nonexistent"))
        #expect(await drover("--url", "ftp://x", "ps").code == 2)
        #expect(
            await drover("--url", "http://x", "--access-key", "a", "ps").error.contains("the secret key is missing")
        )
        try await FakeServer.run { server in
            let wrong: Ended = await drover("ps", server: server, environment: ["DROVER_ACCESS_KEY": "wrong"])
            #expect(
                wrong.code == 1
                    && wrong.error.contains("the access key wrong (from DROVER_ACCESS_KEY) was refused (401)")
            )
        }
    }
}
