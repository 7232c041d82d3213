import EventLoop
@testable import Gateway
import HTTP
import JSON
import Model
import Store
import StoreFormat
import TestSupport
import Testing
import WebSocket

/// What subscribers have in common, and what each has for itself.
@Suite(.timeLimit(.minutes(2))) struct SubscriptionTests {
    private static func heard(_ listeners: [Listener]) async -> Bool {
        for listener in listeners where await listener.frames.isEmpty { return false }
        return true
    }

    @Test func `those who asked in the same words are one viewer, and nobody else is`() async throws {
        let world = World()
        let viewers: Viewers = world.gateway.viewers
        try await Served.run(world) { served in
            var listeners: [Listener] = []
            for _ in 0..<3 { listeners.append(try await served.open(StreamTests.subscribe)) }
            #expect(await eventually { await Self.heard(listeners) })
            #expect(viewers.count == 1 && world.gateway.rightsChanges.count == 1)
            // Another query, another caller.
            listeners.append(try await served.open("\(StreamTests.subscribe)&include=services"))
            listeners.append(try await served.open(StreamTests.subscribe, as: .bob))
            #expect(await eventually { await Self.heard(listeners) })
            #expect(viewers.count == 3 && world.gateway.rightsChanges.count == 3)
            let stack: String = try await world.stack()
            for (index, listener) in listeners.enumerated() {
                #expect(await eventually { await !listener.changes.isEmpty })
                let document: JSONValue? = await listener.changes.first?["data"]?["resource"]
                #expect(document?["id"]?.string == stack)
                #expect((document?["services"] == []) == (index == 3), "whoever includes services, and nobody else")
            }
            // One who goes takes nothing from the others.
            await listeners[0].close()
            await listeners[4].close()
            #expect(await eventually { viewers.count == 2 })
            _ = try await world.stack("second")
            #expect(await eventually { await listeners[1].changes.count == 2 })
            #expect(await eventually { await listeners[3].changes.count == 2 })
        }
        #expect(await eventually { world.gateway.rightsChanges.count == 0 })
    }

    @Test func `all who asked alike are logged out together, and others stay`() async throws {
        // Nobody looks by the clock here: it is the change that ends them.
        var timing: GatewayTiming = World.timing
        timing.rightsMilliseconds = 600_000
        try await Served.run(World(timing: timing)) { served in
            var listeners: [Listener] = []
            for _ in 0..<5 { listeners.append(try await served.open(StreamTests.subscribe, as: .bob)) }
            let other: Listener = try await served.open(StreamTests.subscribe)
            #expect(await eventually { await Self.heard(listeners + [other]) })
            let answer: Answer = await served.world.post("/v2-beta/apikeys/1c121?action=deactivate")
            #expect(answer.status == 202, "\(answer)")
            for listener in listeners {
                #expect(await eventually { await listener.isOver })
                #expect(await listener.frames.last == #"{"name":"logout"}"#)
            }
            #expect(await !other.isOver)
        }
    }

    @Test func `pings come at each turn, to all who have it`() async throws {
        var timing: GatewayTiming = World.timing
        timing.rightsMilliseconds = 60
        try await Served.run(World(timing: timing)) { served in
            var listeners: [Listener] = []
            for _ in 0..<20 { listeners.append(try await served.open(StreamTests.subscribe)) }
            for listener in listeners {
                #expect(await eventually { await listener.frames.count >= 4 })
                #expect(await listener.frames.allSatisfy { $0.contains(#""name":"ping""#) })
            }
        }
    }

    @Test func `whoever reads late hears of everything that was too much at once`() async throws {
        try await Served.run { served in
            let world: World = served.world
            let socket: WebSocket = try await .connect(
                to: served.server.endpoint,
                target: StreamTests.subscribe,
                headers: ["Authorization": World.credentials(.ann)],
                client: served.client
            )
            guard case .text(let ping)? = try await socket.receive() else { throw WebSocketFault.closed }
            #expect(ping.contains(#""name":"ping""#))
            // More than the system keeps of a connection that nobody reads from.
            let text = JSONValue.string(String(repeating: "long ", count: 20_000))
            let numbers: ClosedRange<UInt64> = 5_000...5_059
            for number in numbers {
                world.node.write([
                    RecordWriting.put(
                        .stack,
                        .known(number),
                        ["name": .string("s\(number)"), "accountId": 5, "state": "active", "description": text],
                        scope: .known(5)
                    )
                ])
            }
            var heard: [String] = []
            while heard.count < numbers.count, case .text(let text)? = try await socket.receive() {
                let event: JSONValue = try JSONReader.parse(text)
                if let id: String = event["resourceId"]?.string { heard.append(id) }
            }
            #expect(heard == numbers.map { "1st\($0)" })
            await socket.close()
        }
    }
}
