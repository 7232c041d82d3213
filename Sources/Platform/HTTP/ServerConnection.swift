internal import EventLoop
internal import Limits
internal import Synchronization

/// One HTTP/1.1 connection of a server, from its first request to its last answer, on its loop.
///
/// `@unchecked Sendable`: used by one task at a time; one that goes on begins when the one before has ended.
final class ServerConnection: @unchecked Sendable {
    private let entry: ConnectionEntry
    private let stream: any ByteStream
    private let server: HTTPServer
    /// Made for the first request that may repeat itself.
    private var lane: RelayLane?
    private let info: ConnectionInfo
    let buffer = ReadBuffer()
    private var parser: RequestParser
    private var output: [UInt8] = []
    /// Of the request that is being answered, when its body is taken piece by piece.
    private var body: BodyReader?
    /// What the connection goes on with when it is no longer HTTP.
    private var afterwards: Afterwards?

    /// What is left of a connection's life, in a task of its own: the memory that a task has taken for its frames is given back
    /// only with the task, and a request takes some 80 KB.
    enum Afterwards: Sendable {
        /// Up to the end, or to the next task.
        case task(@Sendable () async -> Afterwards?)
        /// No task any more, until what it is given is called; to be begun on the loop's thread.
        case handOver(@Sendable (_ ended: @escaping @Sendable () -> Void) -> Void)
    }

    /// When a connection without a request is closed.
    private var idleDeadline: Deadline = .never
    /// Nothing was asked since this task began.
    private var isRested: Bool = false

    /// Bodies up to this size leave in one piece with their head.
    private static let joinedBodyBytes: Int = 64 * 1024

    /// `stream` is the entry's, or what a wrapper made of it.
    init(entry: ConnectionEntry, stream: any ByteStream, server: HTTPServer) {
        self.entry = entry
        self.server = server
        self.stream = stream
        info = ConnectionInfo(peer: stream.peer, local: stream.local, stream: stream)
        parser = RequestParser(server.limits.message)
        if server.streams != nil { parser.longBodyBytes = Limits.httpStreamedBodyBytes }
    }

    /// Serves request after request until the connection ends, for whatever reason, is no longer HTTP, or has nothing to do.
    ///
    /// - Returns: what is left to do with the connection then; nil when it has ended.
    func serve() async -> Afterwards? {
        do {
            serving: while true {
                switch try await readRequest() {
                case .request(let request):
                    let response: HTTPResponse = await server.handler(request, info)
                    guard try await answer(request, response) else { break serving }
                case .response(let request, let response):
                    guard try await answer(request, response) else { break serving }
                case .rest:
                    isRested = true
                    output = []
                    lane = nil
                    parser.rest()
                    info.note = nil
                    buffer.keepsSpace = false
                    return .task { [self] in await serve() }
                case .end: break serving
                }
            }
            if let afterwards { return afterwards }
            if let body, !body.isComplete, body.finish() { await linger() }
        } catch let refusal as HTTPRefusal {
            await refuse(refusal)
        } catch {
            // The peer is gone or too slow, or the server stops: there is nobody to tell.
        }
        stream.close()
        return nil
    }

    // MARK: Reading

    private enum Next {
        case request(HTTPRequest)
        /// One that was passed on, with its answer.
        case response(HTTPRequest, HTTPResponse)
        /// None has come for a while.
        case rest
        case end
    }

    private func readRequest() async throws -> Next {
        if !isRested { idleDeadline = .after(milliseconds: server.limits.idleMilliseconds) }
        var deadline: Deadline = idleDeadline
        if !isRested { deadline = min(deadline, .after(milliseconds: server.limits.restMilliseconds)) }
        if let next: Next = try await relayRepeated(until: deadline) { return next }
        var stage: RequestParser.Stage = .idle
        while true {
            if let event = try parser.next(buffer) {
                switch event {
                case .request(let request): return .request(request)
                case .head(let expectsContinue): try await invite(expectsContinue)
                case .long(let expectsContinue):
                    let isStreamed: Bool = parser.announced.map { server.streams?($0, info) ?? false } ?? false
                    if !isStreamed { try parser.checkLength() }
                    try await invite(expectsContinue)
                    if isStreamed, let request = takeLong() { return .request(request) }
                }
                continue
            }
            if parser.stage != stage {
                stage = parser.stage
                deadline = .after(milliseconds: server.limits.readMilliseconds)
            }
            if stage == .idle {
                entry.isIdle.store(true, ordering: .sequentiallyConsistent)
                if server.isStopping { return .end }
            }
            do {
                guard try await stream.read(into: buffer, before: deadline) > 0 else { return .end }
            } catch NetworkFault.timedOut {
                guard stage != .idle else { return idleDeadline.isPast ? .end : .rest }
                throw HTTPRefusal(408, "the request was not complete within \(server.limits.readMilliseconds) ms")
            }
            entry.isIdle.store(false, ordering: .sequentiallyConsistent)
            isRested = false
            buffer.keepsSpace = true
        }
    }

    /// Passes on what repeats the last request, where that can be done.
    ///
    /// - Returns: nil when something else has come, or nothing is to be passed on.
    private func relayRepeated(until deadline: Deadline) async throws -> Next? {
        guard let relay = server.relay, let last: ReadHead = parser.last, last.isPlain,
            relay.mayRelay(last.request, info), stream.loop.isCurrent
        else { return nil }
        if lane == nil { lane = stream.attended.map { RelayLane($0) } }
        guard let lane else { return nil }
        var deadline: Deadline = deadline
        while true {
            switch try await lane.serve(self, until: deadline) {
            case .bytes: return nil
            case .request: return .request(last.request)
            case .answer(let answer, let relayed): return .response(last.request, await relayed.response(to: answer))
            case .failed(let error, let relayed): return .response(last.request, relayed.response(to: error))
            case .end: return .end
            case nil:
                guard let lastUse: UInt64 = lane.lastUse else { return idleDeadline.isPast ? .end : .rest }
                // As if the last of them had been answered by this task.
                idleDeadline = .after(milliseconds: server.limits.idleMilliseconds, from: lastUse)
                deadline = min(idleDeadline, .after(milliseconds: server.limits.restMilliseconds, from: lastUse))
            }
        }
    }

    /// The sender waits only when it has not begun to send.
    private func invite(_ expectsContinue: Bool) async throws {
        if expectsContinue, buffer.isEmpty { try await write(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)) }
    }

    /// The request whose body is taken by whoever answers it.
    private func takeLong() -> HTTPRequest? {
        guard case (var request, let pieces)? = parser.takeLong() else { return nil }
        let reader = BodyReader(stream, buffer, pieces, milliseconds: server.limits.readMilliseconds)
        body = reader
        request.bodyStream = BodyStream(length: pieces.length) { try await reader.next() }
        return request
    }

    // MARK: Answering

    /// Writes the answer; whether the connection may be used again.
    private func answer(_ request: HTTPRequest, _ response: HTTPResponse) async throws -> Bool {
        // Behind a body that was not taken to its end no request can be found.
        let keepAlive: Bool =
            request.keepsAlive && !server.isDraining && !response.headers.list("connection", contains: "close")
            && body?.isComplete ?? true
        if keepAlive { body = nil }
        let hasBody: Bool = request.method != "HEAD" && ![204, 304].contains(response.status)
        switch response.body {
        case .bytes(let bytes):
            let silent: Bool = response.status == 204 || response.status == 304
            try head(response, silent ? .none : .length(bytes.count), keepAlive, request)
            if hasBody, bytes.count > Self.joinedBodyBytes {
                try await write(output)
                try await write(bytes)
            } else {
                if hasBody { output.append(contentsOf: bytes) }
                try await write(output)
            }
            return keepAlive
        case .stream(let length, let produce):
            let open: BodyFraming = request.minorVersion >= 1 ? .chunked : .untilClose
            let framing: BodyFraming = length.map(BodyFraming.length) ?? open
            let reusable: Bool = keepAlive && framing != .untilClose
            try head(response, framing, reusable, request)
            try await write(output)
            if hasBody { try await self.stream(framing, produce) }
            return reusable
        case .upgrade(let handler):
            try head(response, .none, true, request)
            try await write(output)
            info.note = nil
            let (stream, leftover): (any ByteStream, [UInt8]) = (stream, buffer.take())
            afterwards = .task {
                await handler(stream, leftover)
                stream.close()
                return nil
            }
            return false
        case .handOver(let handler):
            try head(response, .none, true, request)
            try await write(output)
            info.note = nil
            let (stream, leftover): (any ByteStream, [UInt8]) = (stream, buffer.take())
            afterwards = .handOver { ended in handler(stream, leftover, ended) }
            return false
        }
    }

    /// Produces the body while watching that there is still somebody to read it.
    private func stream(
        _ framing: BodyFraming,
        _ produce: @escaping @Sendable (HTTPBodyWriter) async throws -> Void
    ) async throws {
        let stream: any ByteStream = stream
        let milliseconds: Int = server.limits.writeMilliseconds
        let writer = HTTPBodyWriter(framing: framing) { bytes in
            try await stream.writeSteadily(bytes, milliseconds: milliseconds)
        }
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await produce(writer)
                    try await writer.finish()
                }
                group.addTask {
                    try await stream.waitForPeerClose()
                    throw NetworkFault.closed
                }
                defer { group.cancelAll() }
                try await group.next()
            }
        } catch is HTTPRefusal {
            throw NetworkFault.closed  // the head has been sent: a second answer would be read as body
        }
    }

    /// Puts the head into `output`; one that would be misread is replaced by a 500 before anything is sent.
    private func head(
        _ response: HTTPResponse,
        _ framing: BodyFraming,
        _ keepAlive: Bool,
        _ request: HTTPRequest
    ) throws(HTTPRefusal) {
        output.removeAll(keepingCapacity: output.capacity <= 2 * Self.joinedBodyBytes)
        try HeadWriter.response(
            response,
            framing: framing,
            keepAlive: keepAlive,
            minorVersion: request.minorVersion,
            into: &output
        )
    }

    private func write(_ bytes: [UInt8]) async throws {
        try await stream.writeSteadily(bytes, milliseconds: server.limits.writeMilliseconds)
    }

    // MARK: Refusing

    private func refuse(_ refusal: HTTPRefusal) async {
        let response: HTTPResponse = server.refusal(refusal)
        var bytes: [UInt8] = []
        guard case .bytes(let body) = response.body else { return }
        do {
            try HeadWriter.response(
                response,
                framing: .length(body.count),
                keepAlive: false,
                minorVersion: 1,
                into: &bytes
            )
            try await write(bytes + body)
            await linger()
        } catch {
            // The peer did not wait for the reason.
        }
    }

    /// Reads on for a moment: closing with unread bytes would reset the connection and destroy the answer on its way.
    private func linger() async {
        await stream.finishWriting()
        let deadline: Deadline = .after(milliseconds: server.limits.lingerMilliseconds)
        var left: Int = Limits.httpLingerBytes
        buffer.consume(buffer.count)
        while left > 0, let count = try? await stream.read(into: buffer, before: deadline), count > 0 {
            left -= count
            buffer.consume(buffer.count)
        }
    }
}

extension ServerConnection: RelayLane.Client {
    func takesRepeated() -> Bool { !server.isDraining && parser.takeRepeated(buffer) }
    func relay() -> (any RelayedRequest)? { server.relay?.relay(info) }
    var isStopping: Bool { server.isStopping }
    var writeMilliseconds: Int { server.limits.writeMilliseconds }
    var isIdle: Bool {
        get { entry.isIdle.load(ordering: .sequentiallyConsistent) }
        set { entry.isIdle.store(newValue, ordering: .sequentiallyConsistent) }
    }
}
