internal import EventLoop
internal import Synchronization

/// One connection of a client; carries one request at a time.
///
/// `@unchecked Sendable`: it belongs to one task at a time, first to the one that sends a request, then to the one that reads the
/// answer (``HTTPAnswer``), then to the pool, whose lock is between one task and the next. It is no actor, because each of
/// its steps would be two more turns on the loop.
final class ClientConnection: @unchecked Sendable {
    let stream: any ByteStream
    let endpoint: Endpoint

    private let attended: (any AttendedStream)?
    private let buffer = ReadBuffer()
    private var parser = ResponseParser(method: "GET")
    private var limits: HTTPClientLimits
    private var keepsAlive: Bool = false
    /// Bytes of the answer have come: repeating the request could do its work twice.
    private(set) var answerBegan: Bool = false
    /// Taken out of the buffer, not given out yet.
    private var taken: [UInt8]?
    /// Of a request whose body goes piece by piece, until the end of the exchange; others may cancel it.
    private let sending = Mutex<BodySending?>(nil)

    init(stream: any ByteStream, endpoint: Endpoint, limits: HTTPClientLimits) {
        self.stream = stream
        attended = stream.attended
        self.endpoint = endpoint
        self.limits = limits
    }

    /// Sends a request and reads the head of its answer.
    func exchange(_ request: HTTPRequest, _ limits: HTTPClientLimits) async throws -> ResponseHead {
        begin(method: request.method, limits)
        var bytes: [UInt8] = []
        do {
            try HeadWriter.request(request, host: endpoint.hostField, into: &bytes)
        } catch {
            throw HTTPClientFault.invalidRequest(error.message)
        }
        if let body = request.bodyStream { return try await exchange(bytes, body, request) }
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
        keepsAlive = parser.keepsAlive && !request.headers.list("connection", contains: "close")
        return head
    }

    /// The same with a body that goes piece by piece; it may still be going when the head of the answer has come.
    private func exchange(_ head: [UInt8], _ body: BodyStream, _ request: HTTPRequest) async throws -> ResponseHead {
        let sending = BodySending(head, body, to: stream, milliseconds: limits.writeMilliseconds)
        self.sending.withLock { $0 = sending }
        do {
            while true {
                let wasDone: Bool = sending.isDone
                do {
                    let head: ResponseHead = try await readHead()
                    keepsAlive = parser.keepsAlive && !request.headers.list("connection", contains: "close")
                    return head
                } catch NetworkFault.timedOut where !wasDone && sending.sourceFault == nil {
                    continue  // the time for the answer counts from the end of the request
                }
            }
        } catch {
            await sending.stop()
            throw sending.sourceFault ?? error
        }
    }

    private func begin(method: String, _ limits: HTTPClientLimits) {
        self.limits = limits
        parser.begin(method: method, limits: limits.message)
        answerBegan = false
        keepsAlive = false
        taken = nil
    }

    /// Sends the body of the exchange that goes on.
    var currentSending: BodySending? { sending.withLock { $0 } }

    /// The exchange is over, however it ended: nothing more of the request is sent, and nobody reads the body's source any more
    /// when this returns.
    func endSending() async {
        guard let sending: BodySending = sending.withLock({ $0 }) else { return }
        if !sending.isDone { keepsAlive = false }
        await sending.stop()
        self.sending.withLock { $0 = nil }
    }

    /// The next piece of the answer's body, or nil at its end.
    func nextPiece() async throws -> [UInt8]? {
        do {
            if let piece: [UInt8] = try await readPiece() { return piece }
        } catch {
            stream.close()
            await endSending()
            throw error
        }
        await endSending()
        return nil
    }

    /// The whole body, when it has come together with the head and the exchange is over; nil when something is still to come.
    ///
    /// What has come by then is what ``nextPiece()`` gives first.
    func bodyAtHand() throws(HTTPClientFault) -> [UInt8]? {
        guard sending.withLock({ $0 == nil }) else { return nil }
        var body: [UInt8] = taken ?? []
        taken = nil
        while let event = try parsed() {
            switch event {
            case .body(let piece): body = body.isEmpty ? piece : body + piece
            case .end: return body
            case .head: continue
            }
        }
        taken = body.isEmpty ? nil : body
        return nil
    }

    private func readPiece() async throws -> [UInt8]? {
        if let piece: [UInt8] = taken {
            taken = nil
            return piece
        }
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
            if let event = try parsed() { return event }
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

    /// What the bytes that are there give.
    private func parsed() throws(HTTPClientFault) -> ResponseParser.Event? {
        do throws(HTTPRefusal) {
            return try parser.next(buffer)
        } catch {
            throw .badAnswer(from: endpoint, cause: error.message)
        }
    }

    // MARK: Without a task

    /// Whether it may be used again, as far as that can be told; never where it needs a task.
    var isQuietNow: Bool { attended?.isQuietNow ?? false }

    /// Sends a GET that is written already; its answer is to be had from ``hear()`` when `attendant` is called.
    ///
    /// - Returns: false when the system does not take all of it: then the connection is of no use any more.
    func ask(_ request: [UInt8], _ limits: HTTPClientLimits, attendedBy attendant: any StreamAttendant) throws -> Bool {
        guard let attended else { return false }
        begin(method: "GET", limits)
        try attended.attend(attendant)
        return try attended.sendNow(request)
    }

    struct Heard {
        var head: ResponseHead
        /// nil where it has not come as a whole, or there is none.
        var body: [UInt8]?
    }

    /// The answer, as far as it has come; nil as long as its head has not.
    ///
    /// Nobody attends to the connection any more when it is returned.
    func hear() throws -> Heard? {
        guard let attended else { throw NetworkFault.closed }
        while true {
            if case .head(let head)? = try parsed() {
                attended.stopAttending()
                keepsAlive = parser.keepsAlive
                return Heard(head: head, body: head.isBodiless ? nil : try bodyAtHand())
            }
            guard let count: Int = try attended.readNow(into: buffer) else { return nil }
            guard count > 0 else {
                throw HTTPClientFault.badAnswer(from: endpoint, cause: "the connection ended before it")
            }
            answerBegan = true
        }
    }
}

extension Endpoint {
    /// What Host says; a Unix socket has no host, and any valid one will do.
    var hostField: String {
        if case .tcp(_, let port) = self, port == 80, let host, !host.utf8.contains(UInt8(ascii: ":")) { return host }
        if case .tcp = self { return "\(self)" }
        return "localhost"
    }
}
