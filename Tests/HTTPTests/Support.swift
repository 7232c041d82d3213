import EventLoop
import Glibc
import HTTP
import Synchronization
import TestSupport

/// A server on a free loopback port, a client, and what raw bytes get from it.
struct World: Sendable {
    let loops: Loops
    let server: HTTPServer
    let client: HTTPClient

    /// Starts both, hands them to `body`, stops them.
    static func run(
        _ limits: HTTPServerLimits = HTTPServerLimits(),
        endpoint: Endpoint = .tcp(host: "127.0.0.1", port: 0),
        clientLimits: HTTPClientLimits = HTTPClientLimits(),
        wrapper: HTTPServer.Wrapper? = nil,
        streams: HTTPServer.Streams? = nil,
        relay: (any RequestRelay)? = nil,
        handler: @escaping HTTPServer.Handler = World.echo,
        _ body: (World) async throws -> Void
    ) async throws {
        let loops: Loops = try .start(count: 2)
        let server: HTTPServer = try .start(
            on: endpoint,
            loops: loops,
            limits: limits,
            wrapper: wrapper,
            streams: streams,
            relay: relay,
            handler: handler
        )
        let world = World(
            loops: loops,
            server: server,
            client: HTTPClient(loop: loops.all[0], limits: clientLimits)
        )
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(world))
        } catch {
            result = .failure(error)
        }
        world.client.close()
        await server.stop(graceMilliseconds: 0)
        await loops.stop()
        try result.get()
    }

    /// Answers with method, target and body.
    static let echo: HTTPServer.Handler = { request, _ in
        HTTPResponse(status: 200, body: Array("\(request.method) \(request.target) ".utf8) + request.body)
    }

    func send(
        _ method: String = "GET",
        _ target: String = "/",
        headers: HTTPHeaders = [:],
        body: String = ""
    ) async throws -> HTTPClientResponse {
        let request = HTTPRequest(method: method, target: target, headers: headers, body: Array(body.utf8))
        return try await client.send(request, to: server.endpoint)
    }

    /// Sends bytes as they are and returns everything that comes back until the server closes.
    func raw(_ text: String, finish: Bool = false) async throws -> String {
        let stream: SocketStream = try await connect()
        try await stream.write(Array(text.utf8), before: soon)
        if finish { await stream.finishWriting() }
        var answer: [UInt8] = []
        while case let piece = try await stream.read(upTo: 65_536, before: soon), !piece.isEmpty { answer += piece }
        stream.close()
        return String(decoding: answer, as: UTF8.self)
    }

    /// Runs on a thread of its own: who waits for the threads that all tests share may come too late for a server's deadlines.
    func promptly(_ body: () async throws -> Void) async throws {
        try await withTaskExecutorPreference(loops.all[1]) { try await body() }
    }

    func connect() async throws -> SocketStream {
        try await loops.all[1].connect(to: server.endpoint, before: soon)
    }
}

extension SocketStream {
    /// Reads until `text` has come; returns all that came.
    func readUntil(_ text: String) async throws -> String {
        var answer: [UInt8] = []
        while case let piece = try await read(upTo: 65_536, before: soon), !piece.isEmpty {
            answer += piece
            if String(decoding: answer, as: UTF8.self).contains(text) { break }
        }
        return String(decoding: answer, as: UTF8.self)
    }
}

extension HTTPClientResponse {
    var text: String { String(decoding: body, as: UTF8.self) }
}
