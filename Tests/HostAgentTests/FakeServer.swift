import Bytes
import Certificates
import EventLoop
import HTTP
import HostProtocol
import JSON
import Synchronization
import TLS
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
        /// Told when registering.
        var servers: [String] = []
        /// Asked for with a certificate, or with the key.
        var renewals: [String] = []
        var renewStatus: Int = 201
        var certificateSeconds: Int64 = 30 * 86_400
        /// The URI in the certificate of each stream; empty without one.
        var certified: [String] = []
    }

    let state = Mutex(State())
    let loops: Loops
    let url: String
    private let server: HTTPServer
    private let authority: TestAuthority?

    /// - Parameters:
    ///   - authority: for TLS; nil for plain HTTP.
    ///   - role: what the server's own certificate says that it is.
    ///   - clients: whose certificates it believes; nil for the same authority.
    static func start(
        port: Int = 0,
        authority: TestAuthority? = nil,
        role: String = "node",
        clients: TestAuthority? = nil
    ) throws -> FakeServer {
        let loops: Loops = try .start(count: 1)
        let box = Mutex<FakeServer?>(nil)
        let wrapper: HTTPServer.Wrapper? = try authority.map { authority in
            let context: TLSServerContext = try authority.server(role: role, clients: clients ?? authority)
            return { try await context.accept($0, before: .after(seconds: 10)) }
        }
        let server: HTTPServer = try .start(
            on: .tcp(host: "127.0.0.1", port: port),
            loops: loops,
            wrapper: wrapper
        ) { request, connection in
            guard let fake: FakeServer = box.withLock({ $0 }) else { return .text(503, "not yet") }
            return fake.answer(request, (connection.stream as? TLSStream)?.peerCertificate?.uris.first ?? "")
        }
        let fake = FakeServer(server, loops, authority)
        box.withLock { $0 = fake }
        return fake
    }

    private init(_ server: HTTPServer, _ loops: Loops, _ authority: TestAuthority?) {
        self.server = server
        self.loops = loops
        self.authority = authority
        url = "\(authority == nil ? "http" : "https")://\(server.endpoint)"
    }

    func stop() async {
        await disconnect()
        await server.stop(graceMilliseconds: 0)
        await loops.stop()
    }

    /// - Parameter peer: the URI in the client's certificate.
    private func answer(_ request: HTTPRequest, _ peer: String) -> HTTPResponse {
        state.withLock { $0.authorizations.append(request.headers["authorization"] ?? "") }
        switch (request.method, request.path) {
        case ("POST", "/v2-beta/register"): return register(request)
        case ("GET", "/v2-beta/hoststream"):
            let status: Int = state.withLock { $0.streamStatus }
            guard status == 101 else { return .text(status, "no") }
            state.withLock { $0.certified.append(peer) }
            return WebSocket.response(to: request) { socket in await self.serve(socket) }
        case ("POST", "/v2-beta/hostcertificates"):
            let status: Int = state.withLock { state in
                state.renewals.append(peer.isEmpty ? request.headers["authorization"] ?? "" : peer)
                return state.renewStatus
            }
            let body: JSONValue = (try? JSONReader.parse(request.body)) ?? .null
            guard status == 201 else { return .text(status, "no") }
            return document(201, issued(body))
        default: return .text(404, "no such path")
        }
    }

    /// The members of an answer to a request for a certificate.
    private func issued(_ body: JSONValue) -> JSONObject {
        guard let authority, let request: String = body["certificateRequest"]?.string else { return [:] }
        let seconds: Int64 = state.withLock { $0.certificateSeconds }
        return (try? authority.answer(request, host: 3, lifetimeSeconds: seconds)) ?? [:]
    }

    private func document(_ status: Int, _ object: JSONObject) -> HTTPResponse {
        HTTPResponse(
            status: status,
            headers: ["Content-Type": "application/json"],
            body: JSONWriter.bytes(.object(object))
        )
    }

    private func register(_ request: HTTPRequest) -> HTTPResponse {
        let body: JSONValue = (try? JSONReader.parse(request.body)) ?? .null
        let status: Int = state.withLock { state in
            state.registrations.append(body)
            return state.registerStatus
        }
        guard status == 201 else { return document(status, ["code": "Unauthorized", "detail": "foreign"]) }
        var answer: JSONObject = ["accessKey": "AK", "secretKey": "SK", "hostId": "1h3"]
        for (name, value) in issued(body) { answer.append(name, value) }
        let servers: [String] = state.withLock { $0.servers }
        if !servers.isEmpty { answer.append("servers", .array(servers.map { .string($0) })) }
        return document(201, answer)
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
    func welcome(connection: Int = 1, servers: [String] = []) async throws -> Hello {
        let hello: Hello = try await eventually("hello \(connection)") {
            self.state.withLock { state -> Hello? in
                guard state.connections >= connection, case .hello(let hello)? = state.frames.first?.message else {
                    return nil
                }
                return hello
            }
        }
        try await send(.welcome(Welcome(hostID: "1h3", hostNumber: 3, pingSeconds: 5, servers: servers)))
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
