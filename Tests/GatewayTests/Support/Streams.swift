import EventLoop
import Gateway
import HTTP
import JSON
import Store
import Testing
import WebSocket

/// A world behind a real server on a loopback port.
struct Served: Sendable {
    let world: World
    let server: HTTPServer
    let client: HTTPClient

    static func run(
        _ world: World = World(),
        wrapper: HTTPServer.Wrapper? = nil,
        _ body: (Served) async throws -> Void
    ) async throws {
        let server: HTTPServer = try HTTPServer.start(
            on: .tcp(host: "127.0.0.1", port: 0),
            loops: World.loops,
            wrapper: wrapper,
            refusal: { world.gateway.answer(to: $0) },
            handler: { request, connection in await world.gateway.handle(request, connection) }
        )
        let served = Served(world: world, server: server, client: HTTPClient(loop: World.loops.next()))
        let result: Result<Void, any Error>
        do { result = .success(try await body(served)) } catch { result = .failure(error) }
        served.client.close()
        world.node.store.closeWatches()
        await server.stop(graceMilliseconds: 0)
        try result.get()
    }

    /// Opens a WebSocket and keeps what it says.
    func open(_ target: String, as who: World.Who? = .ann, key: String? = nil) async throws -> Listener {
        var headers = HTTPHeaders()
        if let key {
            headers["Authorization"] = key
        } else if let who {
            headers["Authorization"] = World.credentials(who)
        }
        return Listener(
            try await WebSocket.connect(to: server.endpoint, target: target, headers: headers, client: client)
        )
    }

    func status(_ target: String, as who: World.Who? = .ann) async -> Int? {
        do {
            _ = try await open(target, as: who)
            return 101
        } catch WebSocketFault.refused(let status, _) {
            return status
        } catch {
            return nil
        }
    }

    func raw(_ text: String) async throws -> String {
        let stream: SocketStream = try await World.loops.next().connect(
            to: server.endpoint,
            before: .after(seconds: 10)
        )
        try await stream.write(Array(text.utf8), before: .after(seconds: 10))
        var answer: [UInt8] = []
        while case let piece = try await stream.read(upTo: 65_536, before: .after(seconds: 10)), !piece.isEmpty {
            answer += piece
        }
        stream.close()
        return String(decoding: answer, as: UTF8.self)
    }
}

/// What came over a WebSocket so far.
actor Listener {
    let socket: WebSocket
    private(set) var frames: [String] = []
    private(set) var isOver: Bool = false

    init(_ socket: WebSocket) {
        self.socket = socket
        Task { await self.listen() }
    }

    private func listen() async {
        while let message = try? await socket.receive() {
            if case .text(let text) = message { frames.append(text) }
        }
        isOver = true
    }

    var events: [JSONValue] { frames.compactMap { try? JSONReader.parse($0) } }
    var changes: [JSONValue] { events.filter { $0["name"] == "resource.change" } }
    func close() async { await socket.close() }
}
