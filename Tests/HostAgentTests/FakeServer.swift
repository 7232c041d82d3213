import Bytes
import EventLoop
import HTTP
import HostProtocol
import JSON
import Synchronization
import WebSocket

/// A server's side of the agent's conversation, played by a test.
final class FakeServer: Sendable {
    struct State {
        var registrations: [JSONValue] = []
        var authorizations: [String] = []
        var registerStatus: Int = 201
        var streamStatus: Int = 101
        var incarnation: String = "aa"
        var epoch: UInt64 = 1
        var revision: UInt64 = 1
        var connections: Int = 0
        var socket: WebSocket?
        var frames: [AgentFrame] = []
    }

    let state = Mutex(State())
    let loops: Loops
    let url: String
    private let server: HTTPServer

    static func start(port: Int = 0) throws -> FakeServer {
        let loops: Loops = try .start(count: 1)
        let box = Mutex<FakeServer?>(nil)
        let server: HTTPServer = try .start(on: .tcp(host: "127.0.0.1", port: port), loops: loops) { request, _ in
            guard let fake: FakeServer = box.withLock({ $0 }) else { return .text(503, "not yet") }
            return fake.answer(request)
        }
        let fake = FakeServer(server, loops)
        box.withLock { $0 = fake }
        return fake
    }

    private init(_ server: HTTPServer, _ loops: Loops) {
        self.server = server
        self.loops = loops
        url = "http://\(server.endpoint)"
    }

    func stop() async {
        await disconnect()
        await server.stop(graceMilliseconds: 0)
        await loops.stop()
    }

    private func answer(_ request: HTTPRequest) -> HTTPResponse {
        state.withLock { $0.authorizations.append(request.headers["authorization"] ?? "") }
        switch (request.method, request.path) {
        case ("POST", "/v2-beta/register"): return register(request)
        case ("GET", "/v2-beta/hoststream"):
            let status: Int = state.withLock { $0.streamStatus }
            guard status == 101 else { return .text(status, "no") }
            return WebSocket.response(to: request) { socket in await self.serve(socket) }
        default: return .text(404, "no such path")
        }
    }

    private func register(_ request: HTTPRequest) -> HTTPResponse {
        let body: JSONValue = (try? JSONReader.parse(request.body)) ?? .null
        let status: Int = state.withLock { state in
            state.registrations.append(body)
            return state.registerStatus
        }
        let answer: JSONValue =
            status == 201
            ? ["accessKey": "AK", "secretKey": "SK", "hostId": "1h3"] : ["code": "Unauthorized", "detail": "foreign"]
        return HTTPResponse(
            status: status,
            headers: ["Content-Type": "application/json"],
            body: JSONWriter.bytes(answer)
        )
    }

    private func serve(_ socket: WebSocket) async {
        state.withLock { state in
            state.socket = socket
            state.connections += 1
            state.frames = []
        }
        while let message: WebSocketMessage = try? await socket.receive() {
            guard case .text(let text) = message, let frame = try? AgentFrame(decoding: Array(text.utf8)) else {
                continue
            }
            state.withLock { $0.frames.append(frame) }
        }
    }

    var stamp: FrameStamp {
        state.withLock { FrameStamp(incarnation: $0.incarnation, epoch: $0.epoch, revision: $0.revision) }
    }

    func send(_ message: ServerMessage, _ stamp: FrameStamp? = nil) async throws {
        let socket: WebSocket? = state.withLock { $0.socket }
        let frame = ServerFrame(stamp ?? self.stamp, message)
        try await socket?.send(text: String(decoding: frame.encoded, as: UTF8.self))
    }

    func disconnect() async {
        let socket: WebSocket? = state.withLock { state in
            defer { state.socket = nil }
            return state.socket
        }
        await socket?.close()
    }

    /// Waits for the hello of the nth connection and welcomes it.
    @discardableResult
    func welcome(connection: Int = 1) async throws -> Hello {
        let hello: Hello = try await eventually("hello \(connection)") {
            self.state.withLock { state -> Hello? in
                guard state.connections >= connection, case .hello(let hello)? = state.frames.first?.message else {
                    return nil
                }
                return hello
            }
        }
        try await send(.welcome(Welcome(hostID: "1h3", hostNumber: 3, pingSeconds: 5)))
        return hello
    }

    func sync(_ instances: [InstanceSpec], tombstones: [Tombstone] = []) async throws {
        state.withLock { $0.revision += 1 }
        try await send(.sync(Sync(isFull: true, instances: instances, tombstones: tombstones)))
    }

    var reports: [Report] {
        state.withLock { state in
            state.frames.compactMap { frame in if case .report(let report) = frame.message { report } else { nil } }
        }
    }

    func last(_ uuid: String) -> Observation? { reports.flatMap(\.observations).last { $0.uuid == uuid } }

    func untilCondition(_ uuid: String, _ condition: ContainerCondition) async throws {
        try await eventually("\(uuid) is \(condition)") { self.last(uuid)?.condition == condition ? true : nil }
    }
}

struct TimedOut: Error, CustomStringConvertible {
    let description: String
}

/// Looks again and again until `condition` gives something, for at most 20 seconds.
@discardableResult
func eventually<Result>(_ what: String, _ condition: () async throws -> Result?) async throws -> Result {
    let clock = ContinuousClock()
    let end: ContinuousClock.Instant = clock.now + .seconds(20)
    while clock.now < end {
        if let result: Result = try await condition() { return result }
        try await Task.sleep(for: .milliseconds(5))
    }
    throw TimedOut(description: "never: \(what)")
}
