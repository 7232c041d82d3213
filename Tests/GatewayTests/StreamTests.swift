@testable import Gateway
import HTTP
import JSON
import Model
import Store
import StoreFormat
import TestSupport
import Testing
import WebSocket

@Suite(.timeLimit(.minutes(2))) struct StreamTests {
    static let subscribe: String = "\(World.home)/subscribe?eventNames=resource.change"

    // MARK: Subscribe

    @Test func `the first frame is a ping, and changes follow as documents`() async throws {
        try await Served.run { served in
            let world: World = served.world
            let listener: Listener = try await served.open(Self.subscribe)
            #expect(await eventually { await !listener.frames.isEmpty })
            let ping: JSONValue? = await listener.events.first
            #expect(ping?["name"] == "ping" && ping?["resourceId"] == .null && ping?["data"] == ["options": [:]])
            let stack: String = try await world.stack()
            #expect(await eventually { await !listener.changes.isEmpty })
            let event: JSONValue = try #require(await listener.changes.first)
            #expect(event["resourceType"] == "stack" && event["resourceId"]?.string == stack)
            #expect(event["time"] == .int(World.started))
            #expect(event["replyTo"] == .null)
            let document: JSONValue? = event["data"]?["resource"]
            #expect(document?["name"] == "web" && document?["state"] == "activating")
            let prefix = "http://\(served.server.endpoint)/v2-beta/projects/1a5/"
            #expect(document?["links"]?["self"]?.string?.hasPrefix(prefix) == true)
        }
    }

    @Test func `a first change is told at once and further ones within a second as one`() async throws {
        try await Served.run { served in
            let world: World = served.world
            let listener: Listener = try await served.open(Self.subscribe)
            #expect(await eventually { await !listener.frames.isEmpty })
            let stack: String = try await world.stack()
            #expect(await eventually { await listener.changes.count == 1 })
            for text in ["a", "b", "c"] {
                _ = await world.put("\(World.home)/stacks/\(stack)", ["description": .string(text)], as: .ann)
            }
            // The clock of the world stands still, so nothing is due: a later change of another object comes first.
            let other: String = try await world.stack("other")
            #expect(await eventually { await listener.changes.count == 2 })
            #expect(await listener.changes.last?["resourceId"]?.string == other)
            world.clock.advance(1_000)
            #expect(await eventually { await listener.changes.count == 3 })
            #expect(await listener.changes.last?["data"]?["resource"]?["description"] == "c")
        }
    }

    @Test func `what an agent reports is a change of the resource`() async throws {
        try await Served.run { served in
            let world: World = served.world
            world.host(50)
            let listener: Listener = try await served.open(Self.subscribe, as: .bob)
            #expect(await eventually { await !listener.frames.isEmpty })
            world.node.write([RecordWriting.put(.hostObserved, .known(50), ["agentState": "active"], scope: .known(5))])
            #expect(await eventually { await listener.changes.first?["resourceId"] == "1h50" })
        }
    }

    @Test func `nobody hears of what is not theirs`() async throws {
        try await Served.run { served in
            let world: World = served.world
            let listener: Listener = try await served.open(Self.subscribe, as: .bob)
            #expect(await eventually { await !listener.frames.isEmpty })
            _ = try await world.stack("theirs", as: .eve, in: "1a30")
            world.node.write([RecordWriting.put(.hostReservation, .known(50), ["ports": [:]], scope: .known(5))])
            let ours: String = try await world.stack("ours")
            #expect(await eventually { await !listener.changes.isEmpty })
            #expect(await listener.changes.compactMap { $0["resourceId"]?.string } == [ours])
        }
    }

    @Test func `a subscriber who names other events hears pings only`() async throws {
        try await Served.run { served in
            let quiet: Listener = try await served.open("\(World.home)/subscribe?eventNames=config.update")
            let loud: Listener = try await served.open(
                "\(World.home)/subscribe?eventNames=*;account=1a30&include=services&_actionLinks=1"
            )
            #expect(await eventually { await !quiet.frames.isEmpty })
            #expect(await eventually { await !loud.frames.isEmpty })
            _ = try await served.world.stack()
            #expect(await eventually { await loud.changes.count == 1 })
            let document: JSONValue? = await loud.changes.first?["data"]?["resource"]
            #expect(document?["services"] == [] && document?["actionLinks"] != nil && document?["actions"] == nil)
            #expect(await quiet.changes.isEmpty)
        }
    }

    @Test(arguments: [(nil, 43_200_000), ("3", 15_000)] as [(String?, Int64)])
    func `a subscription ends with its last ping, after twelve hours unless a setting says otherwise`(
        pings: String?,
        milliseconds: Int64
    ) async throws {
        var timing: GatewayTiming = World.timing
        timing.rightsMilliseconds = 20
        let world = World(settings: pings.map { [("api.sub.max.pings", $0)] } ?? [], timing: timing)
        try await Served.run(world) { served in
            let listener: Listener = try await served.open(Self.subscribe)
            #expect(await eventually { await !listener.frames.isEmpty })
            world.clock.advance(milliseconds - 1)
            let heard: Int = await listener.frames.count
            #expect(await eventually { await listener.frames.count > heard + 1 })
            #expect(await !listener.isOver)
            world.clock.advance(1)
            #expect(await eventually { await listener.isOver })
            #expect(await listener.frames.allSatisfy { $0.contains(#""name":"ping""#) }, "nobody lost any rights")
        }
    }

    @Test func `whose key is deactivated is logged out`() async throws {
        try await Served.run { served in
            let listener: Listener = try await served.open(Self.subscribe, as: .bob)
            #expect(await eventually { await !listener.frames.isEmpty })
            let answer: Answer = await served.world.post("/v2-beta/apikeys/1c121?action=deactivate")
            #expect(answer.status == 202, "\(answer)")
            #expect(await eventually(seconds: 20) { await listener.isOver })
            #expect(await listener.frames.last == #"{"name":"logout"}"#)
        }
    }

    @Test func `a subscription starts in an environment, as a WebSocket, by who may`() async throws {
        try await Served.run { served in
            #expect(await served.status("/v2-beta/projects/1a30/subscribe") == 403)
            #expect(await served.status("/v2-beta/subscribe", as: .admin) == 404)
            #expect(await served.status("\(World.home)/subscribe", as: .nobody) == 401)
            #expect(await served.status("\(World.home)/subscribe?eventNames=a%20b") == 400)
            #expect(await served.status("/v2-beta/subscribe", as: .project) == 101)
            #expect(await served.status("\(World.home)/subscribe", as: .admin) == 101)
            #expect(await served.world.get("\(World.home)/subscribe", as: .ann).status == 404)
            #expect(await served.world.post("\(World.home)/subscribe", as: .ann).status == 405)
        }
    }

    // MARK: Output of containers

    static func ticket(_ world: World, _ input: JSONValue = [:]) async throws -> (container: String, answer: Answer) {
        world.host(50)
        let container: String = try await world.container()
        try world.change(.instance, try #require(ResourceID(container)?.number), ["hostId": 50])
        world.node.write([
            RecordWriting.put(
                .instanceObserved,
                .known(try #require(ResourceID(container)?.number)),
                ["condition": "running", "generation": 1],
                scope: .known(5)
            )
        ])
        return (container, await world.post("\(World.home)/containers/\(container)?action=logs", input, as: .bob))
    }

    @Test func `a token opens the output once`() async throws {
        try await Served.run { served in
            let world: World = served.world
            world.node.output([
                OutputChunk(isError: false, bytes: Array("one\n".utf8)),
                OutputChunk(isError: true, bytes: Array("two\n".utf8)),
                OutputChunk(isError: false, bytes: [0xC3]), OutputChunk(isError: false, bytes: [0xA4, 0x0A]),
            ])
            let (_, answer) = try await Self.ticket(world, ["follow": false, "lines": "7", "timestamps": true])
            #expect(answer.status == 200, "\(answer)")
            #expect(answer["type"] == "hostAccess")
            #expect(answer["url"] == "ws://drover.test:8080/v1/logs/")
            let token: String = try #require(answer["token"]?.string)
            // What is no WebSocket does not use the token up.
            #expect(await world.get("/v1/logs/?token=\(token)", as: .nobody).status == 426)
            let listener: Listener = try await served.open("/v1/logs/?token=\(token)", as: nil)
            #expect(await eventually { await listener.isOver })
            #expect(await listener.frames == ["01 one\n", "02 two\n", "01 ä\n"])
            #expect(world.node.logRequests == [LogRequest(follow: false, lines: 7, timestamps: true, since: nil)])
            #expect(await served.status("/v1/logs/?token=\(token)", as: nil) == 401)
        }
    }

    @Test func `a token expires after a minute`() async throws {
        try await Served.run { served in
            let (_, answer) = try await Self.ticket(served.world)
            served.world.clock.advance(60_000)
            #expect(await served.status("/v1/logs/?token=\(answer["token"]?.string ?? "")", as: nil) == 401)
        }
    }

    @Test func `a token is worth what its owner's rights are worth`() async throws {
        try await Served.run { served in
            let world: World = served.world
            world.node.output([OutputChunk(isError: false, bytes: Array("one\n".utf8))])
            let (container, first) = try await Self.ticket(world)
            let open: Listener = try await served.open("/v1/logs/?token=\(first["token"]?.string ?? "")", as: nil)
            #expect(await eventually { await open.frames == ["01 one\n"] })
            let second: Answer = await world.post("\(World.home)/containers/\(container)?action=logs", as: .bob)
            world.node.write([.delete(.projectMember, .known(201))])
            #expect(await served.status("/v1/logs/?token=\(second["token"]?.string ?? "")", as: nil) == 401)
            #expect(await eventually(seconds: 20) { await open.isOver })
        }
    }

    @Test func `output needs a host, a state and sensible wishes`() async throws {
        let world = World()
        let fresh: String = try await world.container("fresh")
        #expect(
            await world.post("\(World.home)/containers/\(fresh)?action=logs", as: .bob).code == "ActionNotAvailable"
        )
        let (container, _) = try await Self.ticket(world)
        let path: String = "\(World.home)/containers/\(container)?action=logs"
        #expect(await world.post(path, ["lines": -1], as: .bob).code == "MinLimitExceeded")
        #expect(await world.post(path, ["follow": "perhaps"], as: .bob).field == "follow")
        #expect(await world.post(path, ["since": "1&follow=1"], as: .bob).field == "since")
        #expect(await world.post(path, ["since": "2017-04-22T08:00:00Z"], as: .bob).status == 200)
        #expect(await world.post(path, ["since": "yesterday"], as: .bob).field == "since")
        #expect(await world.post(path, ["since": "2017-04-22"], as: .bob).field == "since")
        #expect(await world.post(path, as: .eve).status == 403)
    }

    @Test func `a host without a stream is told in the output`() async throws {
        try await Served.run { served in
            let (_, answer) = try await Self.ticket(served.world)
            let listener: Listener = try await served.open("/v1/logs/?token=\(answer["token"]?.string ?? "")", as: nil)
            #expect(await eventually { await listener.frames == ["02 The host 1h50 has no stream.\n"] })
        }
    }

    @Test(arguments: [1, 2, 3, 5])
    func `characters that are cut by pieces come out whole`(size: Int) {
        let text = "aä€😀b\u{FFFD}"
        let bytes: [UInt8] = Array(text.utf8)
        var pieces = TextPieces()
        var result: String = ""
        for start in stride(from: 0, to: bytes.count, by: size) {
            result += pieces.text(Array(bytes[start..<min(start + size, bytes.count)]))
        }
        #expect(result == text)
        #expect(pieces.text([0xFF, 0x80, 0x61]) == "\u{FFFD}\u{FFFD}a")
    }

    // MARK: Hosts

    @Test func `a host holds its stream until its key is replaced`() async throws {
        try await Served.run { served in
            let world: World = served.world
            let token: String = try await HostTests.token(world).token
            let made: Answer = await HostTests.register(world, token, ["key": "a"])
            let key: String = World.basic(made["accessKey"]?.string ?? "", made["secretKey"]?.string ?? "")
            let stream: Listener = try await served.open("/v2-beta/hoststream", key: key)
            let id: String = try #require(made["hostId"]?.string)
            #expect(await eventually { await stream.frames == ["host \(id) of 1a5"] })
            #expect(await HostTests.register(world, token, ["key": "a"]).status == 201)
            #expect(await eventually(seconds: 20) { await stream.isOver })
        }
    }

    // MARK: On the wire

    @Test func `refusals of the server itself are error documents`() async throws {
        try await Served.run { served in
            let cases: [(String, Int, String)] = [
                ("GET / HTTP/1.1\r\n\r\n", 400, "Bad Request"),
                (
                    "POST /v2-beta/projects HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n", 413,
                    "Request Entity Too Long"
                ),
                (
                    "GET /\(String(repeating: "a", count: 20_000)) HTTP/1.1\r\nHost: a\r\n\r\n", 414,
                    "Request-URI Too Long"
                ),
                (
                    "GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "a", count: 70_000))\r\n\r\n", 431,
                    "Request Header Fields Too Large"
                ),
                ("GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505, "HTTP Version Not Supported"),
            ]
            for (request, status, code) in cases {
                let answer: String = try await served.raw(request)
                #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(answer.prefix(100))")
                #expect(answer.contains("\"type\":\"error\"") && answer.contains("\"code\":\"\(code)\""), "\(answer)")
                #expect(answer.contains("X-API-Schemas: http://127.0.0.1:8080/v2-beta/schemas"))
            }
        }
    }

    @Test func `HEAD has no body, a path of escapes no header of its own, and sixteen kilobytes of query are fine`()
        async throws
    {
        try await Served.run { served in
            let key: String = World.credentials(.ann)
            let tail = " HTTP/1.1\r\nHost: a\r\nAuthorization: \(key)\r\nConnection: close\r\n\r\n"
            let head: String = try await served.raw("HEAD /v2-beta\(tail)")
            #expect(head.hasPrefix("HTTP/1.1 200 ") && head.hasSuffix("\r\n\r\n"))
            let split: String = try await served.raw("GET /v2-beta/projects/1a5%0d%0aX-Evil:%201/stacks\(tail)")
            #expect(split.hasPrefix("HTTP/1.1 403 ") && !split.contains("\r\nX-Evil"))
            let long: String = try await served.raw(
                "GET /v2-beta/projects?x=\(String(repeating: "a", count: 16_200))\(tail)"
            )
            #expect(long.hasPrefix("HTTP/1.1 200 "))
        }
    }
}
