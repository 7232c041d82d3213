import EventLoop
import HTTP
import Synchronization
import TestSupport

/// Passes on what goes to `/passed`, and says of each answer by which way it came.
final class PlainRelay: RequestRelay {
    let place: Endpoint
    let limits: HTTPClientLimits
    /// How many requests it was given, and how many of them nobody has answered.
    let count = Atomic<Int>(0)
    let failures = Atomic<Int>(0)
    private let clients = Mutex<[ObjectIdentifier: HTTPClient]>([:])

    init(to place: Endpoint, limits: HTTPClientLimits = HTTPClientLimits()) {
        self.place = place
        self.limits = limits
    }

    func mayRelay(_ request: HTTPRequest, _ connection: ConnectionInfo) -> Bool {
        connection.note = Note(request)
        return true
    }

    func relay(_ connection: ConnectionInfo) -> (any RelayedRequest)? {
        guard let note = connection.note as? Note, note.request.path.hasPrefix("/passed") else { return nil }
        count.add(1, ordering: .relaxed)
        return PlainRelayed(note.request, client(of: connection.loop), self)
    }

    private final class Note: Sendable {
        let request: HTTPRequest

        init(_ request: HTTPRequest) { self.request = request }
    }

    func client(of loop: EventLoop) -> HTTPClient {
        clients.withLock { clients in
            if let known: HTTPClient = clients[ObjectIdentifier(loop)] { return known }
            let made = HTTPClient(loop: loop, limits: limits)
            clients[ObjectIdentifier(loop)] = made
            return made
        }
    }

    /// What a handler does with the first of several: the same, in its own words.
    func handle(_ request: HTTPRequest, _ info: ConnectionInfo) async -> HTTPResponse {
        guard request.path.hasPrefix("/passed") else { return .text(200, "handled \(request.target)") }
        do {
            let answer = try await client(of: info.loop).open(
                HTTPRequest(method: request.method, target: request.target),
                to: place,
                limits: limits
            )
            return HTTPResponse(status: answer.status, headers: ["X-Way": "handler"], body: try await answer.collect())
        } catch {
            return HTTPResponse(status: 504, headers: ["X-Way": "handler"])
        }
    }

    func close() { clients.withLock { $0.values.forEach { $0.close() } } }
}

private final class PlainRelayed: RelayedRequest {
    let client: HTTPClient
    private let relay: PlainRelay
    private let target: String

    init(_ request: HTTPRequest, _ client: HTTPClient, _ relay: PlainRelay) {
        target = request.target
        self.client = client
        self.relay = relay
    }

    var endpoint: Endpoint { relay.place }
    var limits: HTTPClientLimits { relay.limits }

    func writeRequest(into bytes: inout [UInt8]) throws {
        try HeadBlock(HTTPRequest(method: "GET", target: target), to: endpoint).write(into: &bytes) { bytes in
            HeadBlock.append("X-Lane", to: &bytes) { $0.append(UInt8(ascii: "1")) }
        }
    }

    func writeAnswer(_ head: ResponseHead, _ body: [UInt8], into bytes: inout [UInt8]) throws {
        // Nothing can come in that way, but what a relay adds of its own may not stand there.
        let headers: HTTPHeaders = head.headers["x-bad"] == nil ? [:] : ["X-Bad": "1\r\nX-Smuggled: 1"]
        try HeadBlock(HTTPResponse(status: head.status, headers: headers)).write(body: body, into: &bytes) { bytes in
            HeadBlock.append("X-Way", to: &bytes) { $0.append(contentsOf: "lane".utf8) }
        }
    }

    func response(to answer: HTTPAnswer) async -> HTTPResponse {
        if [204, 304].contains(answer.status) {
            _ = try? await answer.next()
            return HTTPResponse(status: answer.status, headers: ["X-Way": "stream"])
        }
        return .stream(status: answer.status, headers: ["X-Way": "stream"]) { writer in
            do {
                while let piece: [UInt8] = try await answer.next() { try await writer.write(piece) }
            } catch {
                await answer.end()
                throw error
            }
        }
    }

    func response(to error: any Error) -> HTTPResponse {
        relay.failures.add(1, ordering: .relaxed)
        return HTTPResponse(status: 502, headers: ["X-Way": "failed"])
    }
}

/// A server that does what a test says with each of its connections.
final class ScriptedServer: Sendable {
    let endpoint: Endpoint
    private let listener: Listener
    private let task: Task<Void, Never>
    /// How many connections have come.
    let connections: Shared<Int>

    init(on loop: EventLoop, _ script: @escaping @Sendable (SocketStream, _ number: Int) async throws -> Void) throws {
        let listener: Listener = try .bind(.tcp(host: "127.0.0.1", port: 0), on: loop)
        let connections = Shared(0)
        self.listener = listener
        self.connections = connections
        endpoint = listener.endpoint
        task = Task {
            await withTaskGroup { group in
                while let stream: SocketStream = try? await listener.accept(onto: loop) {
                    connections.change { $0 += 1 }
                    let number: Int = connections.value
                    group.addTask {
                        try? await script(stream, number)
                        stream.close()
                    }
                }
                group.cancelAll()
            }
        }
    }

    func end() async {
        listener.close()
        await task.value
    }
}

/// What a client has got.
struct WholeAnswer {
    var head: ResponseHead
    var body: [UInt8]

    var status: Int { head.status }
    var headers: HTTPHeaders { head.headers }
    var text: String { String(decoding: body, as: UTF8.self) }
    /// By which way it came.
    var way: String { headers["x-way"] ?? "-" }
}

extension SocketStream {
    /// Sends one request and reads its answer.
    func ask(_ target: String) async throws -> WholeAnswer {
        try await write(Array("GET \(target) HTTP/1.1\r\nHost: a\r\n\r\n".utf8), before: soon)
        return try await nextAnswer(ReadBuffer())
    }

    /// - Parameter buffer: what has come behind the last answer, and will come behind this one.
    func nextAnswer(_ buffer: ReadBuffer) async throws -> WholeAnswer {
        var parser = ResponseParser(method: "GET")
        var found: ResponseHead?
        var body: [UInt8] = []
        while true {
            switch try parser.next(buffer) {
            case .head(let head): found = head
            case .body(let piece): body += piece
            case .end:
                guard let found else { throw NetworkFault.closed }
                return WholeAnswer(head: found, body: body)
            case nil: guard try await read(into: buffer, before: soon) > 0 else { throw NetworkFault.closed }
            }
        }
    }
}
