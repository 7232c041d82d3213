import Bytes
@testable import Gateway
import HTTP
import JSON
import Model
import Store
import StoreFormat
import TestSupport
import Testing
import WebSocket

@Suite(.timeLimit(.minutes(2))) struct ExecTests {
    static func ticket(
        _ world: World,
        _ input: JSONValue = ["command": ["cat", "-"]],
        as who: World.Who = .bob
    ) async throws -> (container: String, answer: Answer) {
        let (container, _) = try await StreamTests.ticket(world)
        return (container, await world.post("\(World.home)/containers/\(container)?action=execute", input, as: who))
    }

    static func base64(_ text: String) -> String { Base64.encode(Array(text.utf8)) }

    @Test func `clients of the original speak base64, and the closing is orderly`() async throws {
        try await Served.run { served in
            let world: World = served.world
            world.node.output([OutputChunk(isError: true, bytes: Array("$ ".utf8))])
            let (container, answer) = try await Self.ticket(world)
            #expect(answer.status == 200, "\(answer)")
            #expect(answer["type"] == "hostAccess" && answer["url"] == "ws://drover.test:8080/v1/exec/")
            let listener: Listener = try await served.open("/v1/exec/?token=\(answer["token"]?.string ?? "")", as: nil)
            #expect(await eventually { await listener.frames == [Self.base64("$ ")] })
            try await listener.socket.send(text: Self.base64("hi\n"))
            #expect(await eventually { await listener.frames == [Self.base64("$ "), Self.base64("hi\n")] })
            // There is no end of input in this form: the client goes.
            await listener.close()
            #expect(await eventually { world.node.cancelledExecs >= 1 })
            #expect(
                world.node.execRequests == [ExecRequest(command: ["cat", "-"], isTerminal: true, hasInput: true)]
            )
            let path: String = "\(World.home)/containers/\(container)"
            #expect(await world.get(path, as: .bob)["actions"]?["execute"] != nil)
        }
    }

    @Test func `tagged messages tell errors, sizes, the end of input and the exit code`() async throws {
        try await Served.run { served in
            let world: World = served.world
            world.node.output([
                OutputChunk(isError: false, bytes: [0xC3]), OutputChunk(isError: true, bytes: Array("e".utf8)),
            ])
            let (_, answer) = try await Self.ticket(
                world,
                ["command": ["top"], "frames": "tagged", "columns": 100, "rows": 40]
            )
            let listener: Listener = try await served.open("/v1/exec/?token=\(answer["token"]?.string ?? "")", as: nil)
            try await listener.socket.send(text: "size 90x30")
            try await listener.socket.send(text: "in \(Self.base64("x"))")
            try await listener.socket.send(text: "end")
            #expect(await eventually { await listener.isOver })
            #expect(
                await listener.frames == [
                    "out \(Base64.encode([0xC3]))", "err ZQ==", "out \(Self.base64("x"))", "exit 3",
                ]
            )
            #expect(await listener.socket.closeReason == CloseReason(code: 1000, reason: "exit 3"))
            #expect(world.node.sizes == [TerminalSize(columns: 90, rows: 30)])
            #expect(world.node.execRequests.first?.size == TerminalSize(columns: 100, rows: 40))
        }
    }

    @Test func `the closing of the original's form says nothing but that it is orderly`() async throws {
        try await Served.run { served in
            served.world.node.output([OutputChunk(isError: false, bytes: [0x61])])
            let (_, answer) = try await Self.ticket(served.world, ["command": ["a"], "attachStdin": false])
            let listener: Listener = try await served.open("/v1/exec/?token=\(answer["token"]?.string ?? "")", as: nil)
            #expect(await eventually { await listener.isOver })
            #expect(await listener.socket.closeReason == CloseReason(code: 1000, reason: ""))
        }
    }

    @Test func `what is no message of the form ends the command`() async throws {
        try await Served.run { served in
            served.world.node.output([OutputChunk(isError: false, bytes: [0x61])])
            let (_, answer) = try await Self.ticket(served.world, ["command": ["top"], "frames": "tagged"])
            let listener: Listener = try await served.open("/v1/exec/?token=\(answer["token"]?.string ?? "")", as: nil)
            try await listener.socket.send(text: "size 0x30")
            #expect(await eventually { await listener.isOver })
            #expect(await listener.socket.closeReason?.code == 1003)
            #expect(await eventually { served.world.node.cancelledExecs >= 1 })
        }
    }

    @Test func `a host that cannot run it is told in the stream`() async throws {
        try await Served.run { served in
            let (container, answer) = try await Self.ticket(served.world)
            let plain: Listener = try await served.open("/v1/exec/?token=\(answer["token"]?.string ?? "")", as: nil)
            #expect(await eventually { await plain.isOver })
            #expect(await plain.frames == [Self.base64("The host 1h50 has no stream.\r\n")])
            #expect(await plain.socket.closeReason?.code == 1011)
            let again: Answer = await served.world.post(
                "\(World.home)/containers/\(container)?action=execute",
                ["command": ["x"], "frames": "tagged"],
                as: .bob
            )
            let tagged: Listener = try await served.open("/v1/exec/?token=\(again["token"]?.string ?? "")", as: nil)
            #expect(await eventually { await tagged.frames == ["fail The host 1h50 has no stream."] })
        }
    }

    @Test func `who ran what where is in the audit log, and nothing changed`() async throws {
        let world = World()
        let (container, answer) = try await Self.ticket(world, ["command": ["sh", "-c", "id"], "tty": false])
        #expect(answer.status == 200)
        let change: Transaction = try #require(world.node.lastChange)
        #expect(change.audit?.eventType == "api.container.execute")
        #expect(change.audit?.resourceID == ResourceID(container)?.number)
        #expect(!change.actor.isEmpty)
        let request: [UInt8] = change.audit?.requestObject ?? []
        #expect(try JSONReader.parse(request)["request"]?["command"] == ["sh", "-c", "id"])
        #expect(change.writes.isEmpty)
    }

    @Test func `a command needs a right, a state and a program`() async throws {
        let world = World()
        let fresh: String = try await world.container("fresh")
        let command: JSONValue = ["command": ["id"]]
        #expect(
            await world.post("\(World.home)/containers/\(fresh)?action=execute", command, as: .bob).code
                == "ActionNotAvailable"
        )
        let (container, _) = try await Self.ticket(world)
        let path: String = "\(World.home)/containers/\(container)?action=execute"
        #expect(await world.post(path, [:], as: .bob).field == "command")
        #expect(await world.post(path, ["command": []], as: .bob).field == "command")
        #expect(await world.post(path, ["command": ["id"], "columns": 0], as: .bob).field == "columns")
        #expect(await world.post(path, ["command": ["id"], "frames": "xml"], as: .bob).field == "frames")
        #expect(
            await world.post(path, ["command": [.string(String(repeating: "x", count: 20_000))]], as: .bob).status
                == 413
        )
        #expect(await world.post(path, command, as: .eve).status == 403)
        #expect(await world.post(path, command, as: .nobody).status == 401)
    }

    @Test func `a token for output runs no command, and one for a command runs one`() async throws {
        try await Served.run { served in
            served.world.node.output([OutputChunk(isError: false, bytes: [0x61])])
            let (_, logs) = try await StreamTests.ticket(served.world)
            #expect(await served.status("/v1/exec/?token=\(logs["token"]?.string ?? "")", as: nil) == 401)
            let (_, exec) = try await Self.ticket(served.world)
            let token: String = exec["token"]?.string ?? ""
            #expect(await served.status("/v1/logs/?token=\(token)", as: nil) == 401)
            #expect(await served.status("/v1/exec/?token=\(token)", as: nil) == 101)
            #expect(await served.status("/v1/exec/?token=\(token)", as: nil) == 401)
        }
    }

    @Test func `a command is cut when the right to it has gone`() async throws {
        try await Served.run { served in
            let world: World = served.world
            world.node.output([OutputChunk(isError: false, bytes: [0x61])])
            let (_, answer) = try await Self.ticket(world)
            let listener: Listener = try await served.open("/v1/exec/?token=\(answer["token"]?.string ?? "")", as: nil)
            #expect(await eventually { await !listener.frames.isEmpty })
            world.node.write([.delete(.projectMember, .known(201))])
            #expect(await eventually(seconds: 20) { await listener.isOver })
            #expect(await listener.socket.closeReason?.code == 1008)
            #expect(await eventually { world.node.cancelledExecs >= 1 })
        }
    }
}
