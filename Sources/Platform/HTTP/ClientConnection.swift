internal import EventLoop

/// One connection of a client; carries one request at a time.
actor ClientConnection {
    let stream: any ByteStream
    nonisolated let endpoint: Endpoint

    private let buffer = ReadBuffer()
    private var parser = ResponseParser(method: "GET")
    private var limits: HTTPClientLimits
    private var keepsAlive: Bool = false
    /// Bytes of the answer have come: repeating the request could do its work twice.
    private(set) var answerBegan: Bool = false

    init(stream: any ByteStream, endpoint: Endpoint, limits: HTTPClientLimits) {
        self.stream = stream
        self.endpoint = endpoint
        self.limits = limits
    }

    /// Sends a request and reads the head of its answer.
    func exchange(_ request: HTTPRequest, _ limits: HTTPClientLimits) async throws -> ResponseHead {
        self.limits = limits
        parser = ResponseParser(method: request.method, limits: limits.message)
        answerBegan = false
        keepsAlive = false
        var bytes: [UInt8] = []
        do {
            try HeadWriter.request(request, host: Self.host(endpoint), into: &bytes)
        } catch {
            throw HTTPClientFault.invalidRequest(error.message)
        }
        bytes.append(contentsOf: request.body)
        do {
            try await stream.writeSteadily(bytes, milliseconds: limits.writeMilliseconds)
        } catch let fault as NetworkFault {
            // A server may answer, and close, before it has read a body that it does not want.
            guard case .system = fault, let head = try? await readHead() else { throw fault }
            keepsAlive = false
            return head
        }
        let head: ResponseHead = try await readHead()
        keepsAlive = head.keepsAlive && !request.headers.list("connection", contains: "close")
        return head
    }

    /// The next piece of the answer's body, or nil at its end.
    func nextPiece() async throws -> [UInt8]? {
        while true {
            let deadline: Deadline = limits.bodyMilliseconds.map { .after(milliseconds: $0) } ?? .never
            switch try await nextEvent(before: deadline) {
            case .body(let piece): return piece
            case .end, nil: return nil
            case .head: continue
            }
        }
    }

    /// Whether another request may follow: the answer was complete and nothing came behind it.
    var isReusable: Bool { keepsAlive && buffer.isEmpty && !parser.endsWithConnection }

    /// What came behind the head of an answer that switched protocols.
    func takeLeftover() -> [UInt8] {
        buffer.take()
    }

    private func readHead() async throws -> ResponseHead {
        let deadline: Deadline = .after(milliseconds: limits.answerMilliseconds)
        guard case .head(let head) = try await nextEvent(before: deadline) else {
            throw HTTPClientFault.badAnswer(from: endpoint, cause: "it has no head")
        }
        return head
    }

    private func nextEvent(before deadline: Deadline) async throws -> ResponseParser.Event? {
        while true {
            do {
                if let event = try parser.next(buffer) { return event }
            } catch {
                throw HTTPClientFault.badAnswer(from: endpoint, cause: error.message)
            }
            let count: Int = try await stream.read(into: buffer, before: deadline)
            guard count == 0 else {
                answerBegan = true
                continue
            }
            keepsAlive = false
            do {
                return try parser.finish()
            } catch {
                throw HTTPClientFault.badAnswer(from: endpoint, cause: error.message)
            }
        }
    }

    /// What Host says; a Unix socket has no host, and any valid one will do.
    private static func host(_ endpoint: Endpoint) -> String {
        if case .tcp(_, let port) = endpoint, port == 80, let host = endpoint.host,
            !host.utf8.contains(UInt8(ascii: ":"))
        {
            return host
        }
        if case .tcp = endpoint { return "\(endpoint)" }
        return "localhost"
    }
}
