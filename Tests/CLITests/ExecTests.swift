import EventLoop
import JSON
import Synchronization
import Testing

@testable import CLI

@Suite(.timeLimit(.minutes(1))) struct ExecCommandTests {
    private func withContainer(_ body: (FakeServer) async throws -> Void) async throws {
        try await FakeServer.run { server in
            for (id, name) in [("1i7", "web-2"), ("1i8", "web-1")] {
                server.add([
                    "id": .string(id), "type": "container", "name": .string(name), "state": "running",
                    "serviceIds": ["1s3"],
                ])
            }
            server.add(["id": "1i9", "type": "container", "name": "old", "state": "stopped", "serviceIds": ["1s4"]])
            server.add(["id": "1s3", "type": "service", "name": "web", "state": "active"])
            server.add(["id": "1s4", "type": "service", "name": "past", "state": "active"])
            try await body(server)
        }
    }

    @Test func `output goes where it belongs, and the exit code is the command's`() async throws {
        try await withContainer { server in
            server.state.withLock { $0.execEnd = "exit 7" }
            let terminal = FakeTerminal()
            let ended: Ended = await drover(
                "exec",
                "web-2",
                "ls",
                "-l",
                "--help",
                server: server,
                terminal: terminal.port
            )
            #expect(ended.code == 7, "\(ended)")
            #expect(terminal.out == "one\n" && terminal.error == "two\n")
            #expect(ended.out.isEmpty && ended.error.isEmpty)
            let input: JSONValue = try #require(server.state.withLock { $0.execs.first })
            #expect(input["command"] == ["ls", "-l", "--help"])
            #expect(input["tty"] == false && input["attachStdin"] == false && input["frames"] == "tagged")
            #expect(input["columns"] == nil)
        }
    }

    @Test func `input goes to the command, up to its end`() async throws {
        try await withContainer { server in
            let terminal = FakeTerminal(input: ["a\n", "b\n"])
            let ended: Ended = await drover("exec", "-i", "1i7", "--", "cat", server: server, terminal: terminal.port)
            #expect(ended.code == 0, "\(ended)")
            #expect(terminal.out == "one\na\nb\n")
            #expect(server.state.withLock { $0.execs.first?["command"] } == ["cat"])
            #expect(terminal.state.withLock { !$0.wasRaw }, "without -t the terminal stays as it is")
        }
    }

    @Test func `a terminal is raw while the command runs, and restored however it ends`() async throws {
        try await withContainer { server in
            for (end, code) in [("exit 3", Int32(3)), ("fail The host went away.", 1), ("", 1)] {
                server.state.withLock { $0.execEnd = end }
                let terminal = FakeTerminal(input: ["x"], size: (columns: 101, rows: 33))
                let ended: Ended = await drover("exec", "-it", "web-1", "sh", server: server, terminal: terminal.port)
                #expect(ended.code == code, "\(end): \(ended)")
                #expect(terminal.state.withLock { $0.wasRaw && !$0.isRaw })
                if end.hasPrefix("fail") { #expect(ended.error == "drover: The host went away.\n") }
            }
            let input: JSONValue = try #require(server.state.withLock { $0.execs.first })
            #expect(input["tty"] == true && input["columns"] == 101 && input["rows"] == 33)
        }
    }

    @Test func `of a service the first container that runs is taken`() async throws {
        try await withContainer { server in
            let ended: Ended = await drover("exec", "web", "id", server: server)
            #expect(ended.code == 0)
            #expect(ended.error == "in web-1, one of 2 containers of web\n")
            #expect(server.writes.last == "POST /v2-beta/projects/1a5/containers/1i8/")
        }
    }

    @Test func `what cannot be done is said, with what helps`() async throws {
        try await withContainer { server in
            let table: [([String], Int32, String)] = [
                (["exec"], 2, "name a container or a service"),
                (["exec", "web-1"], 2, "say what to run in web-1"),
                (["exec", "web-1", "--"], 2, "say what to run in web-1"),
                (["exec", "-t", "web-1", "sh"], 1, "-t needs a terminal"),
                (["exec", "-x", "web-1", "sh"], 2, "unknown option '-x'"),
                (["exec", "nothing", "sh"], 1, "there is no container or service 'nothing'"),
                (["exec", "old", "sh"], 1, "cannot do 'execute' while it is stopped"),
                (["exec", "past", "sh"], 1, "no container of the service past runs; 'drover explain 1s4' says why"),
            ]
            for (words, code, text) in table {
                let printed = Printed()
                let ended: Int32 = await DroverCommand.table(version: "1").run(
                    arguments: words,
                    environment: [
                        "DROVER_URL": server.url, "DROVER_ACCESS_KEY": "key", "DROVER_SECRET_KEY": "secret",
                    ],
                    directory: "/nonexistent",
                    console: printed.console(),
                    handlesInterrupts: false
                )
                #expect(ended == code && printed.error.contains(text), "\(words): \(printed.error)")
            }
        }
        let help: Ended = await drover("exec", "--help")
        #expect(help.code == 0 && help.out.contains("usage: drover exec [OPTION…] CONTAINER|SERVICE [--] COMMAND"))
    }
}
