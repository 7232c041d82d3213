internal import EventLoop
internal import HTTP2
internal import Synchronization

/// From a request to the end of its answer, on a task of its own.
extension HTTP2Connection {
    /// Pieces of an answer's body up to this size are handed over at once.
    private static let pieceBytes: Int = 256 * 1024

    func answer(_ work: Work) async {
        let (response, isHead): (HTTPResponse, Bool) =
            switch work.matter {
            case .request(let request): (await server.handler(request, info), request.method == "HEAD")
            case .streamed(var request, let length): await serve(&request, length, work)
            case .refusal(let refusal): (server.refusal(refusal), false)
            }
        state.withLock { $0.handled(work.stream) }
        do {
            do {
                try await send(response, isHead, work)
            } catch let refusal as HTTPRefusal {
                try await send(server.refusal(refusal), isHead, work)
            }
        } catch {
            // A body that ended early must not look whole. Of a stream that the peer has closed this says nothing.
            let code: HTTP2ErrorCode = if case NetworkFault.timedOut = error { .cancel } else { .internalError }
            state.withLock { $0.session.reset(work.stream, code) }
        }
        state.withLock { $0.ended(work.stream) }
        output.raise()
    }

    private func serve(_ request: inout HTTPRequest, _ length: Int?, _ work: Work) async -> (HTTPResponse, Bool) {
        request.bodyStream = BodyStream(length: length) { try await self.nextPiece(work) }
        return (await server.handler(request, info), request.method == "HEAD")
    }

    /// The next piece of the request's body, or nil at its end.
    private func nextPiece(_ work: Work) async throws -> [UInt8]? {
        let deadline: Deadline = .after(milliseconds: server.limits.readMilliseconds)
        while true {
            let (piece, arrival): (BodyInbox.Piece, Signal?) = try state.withLock { state in
                (try state.takePiece(work.stream), state.open[work.stream]?.body?.arrival)
            }
            switch piece {
            case .bytes(let bytes):
                output.raise()
                return bytes
            case .end: return nil
            case .nothing:
                guard try await arrival?.wait(until: deadline) == true else {
                    throw NetworkFault.timedOut(operation: "read from", object: "\(info.peer)")
                }
            }
        }
    }

    /// - Throws: ``HTTPRefusal`` when another answer may be given instead.
    private func send(_ response: HTTPResponse, _ isHead: Bool, _ work: Work) async throws {
        let isSilent: Bool = response.status == 204 || response.status == 304
        switch response.body {
        case .bytes(let bytes):
            let hasBody: Bool = !isHead && !isSilent && !bytes.isEmpty
            try begin(response, length: isSilent ? nil : bytes.count, hasBody, work)
            if hasBody { try await send(bytes, isLast: true, work) }
        case .stream(let length, let produce):
            let hasBody: Bool = !isHead && !isSilent
            try begin(response, length: isSilent ? nil : length, hasBody, work)
            if hasBody { try await stream(length.map(BodyFraming.length) ?? .untilClose, produce, work) }
        case .upgrade, .handOver:
            // The stream is not the connection, which others share (RFC 9113, section 8.6).
            throw HTTPRefusal(
                505,
                "this address is served over HTTP/1.1 only, because the connection becomes another protocol"
            )
        }
    }

    private func begin(_ response: HTTPResponse, length: Int?, _ hasBody: Bool, _ work: Work) throws(HTTPRefusal) {
        let block: HTTP2FieldBlock = try HTTP2AnswerFields.block(response, length: length)
        state.withLock { state in
            guard state.open[work.stream]?.isClosed == false else { return }
            state.session.answer(work.stream, block, isLast: !hasBody)
        }
        output.raise()
    }

    /// Produces the body for as long as there is somebody to read it.
    private func stream(
        _ framing: BodyFraming,
        _ produce: @escaping @Sendable (HTTPBodyWriter) async throws -> Void,
        _ work: Work
    ) async throws {
        let writer = HTTPBodyWriter(framing: framing) { bytes in try await self.send(bytes, isLast: false, work) }
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await produce(writer)
                    try await writer.finish()
                    try await self.send([], isLast: true, work)
                }
                group.addTask {
                    _ = try await work.answering.loss.wait(until: .never)
                    throw NetworkFault.closed
                }
                defer { group.cancelAll() }
                try await group.next()
            }
        } catch is HTTPRefusal {
            throw NetworkFault.closed  // the head has been sent: a second answer would be read as body
        }
    }

    /// Hands bytes over and returns when they are on their way: the peer's window holds back whoever makes them.
    private func send(_ bytes: [UInt8], isLast: Bool, _ work: Work) async throws {
        var start: Int = 0
        repeat {
            let end: Int = min(bytes.count, start + Self.pieceBytes)
            let piece: [UInt8] = start == 0 && end == bytes.count ? bytes : Array(bytes[start..<end])
            try state.withLock { state in
                guard state.open[work.stream]?.isClosed == false else { throw NetworkFault.closed }
                state.session.supply(work.stream, piece, isLast: isLast && end == bytes.count)
            }
            output.raise()
            try await drain(work)
            start = end
        } while start < bytes.count
    }

    private func drain(_ work: Work) async throws {
        let deadline: Deadline = .after(milliseconds: server.limits.writeMilliseconds)
        while true {
            let isDone: Bool = try state.withLock { state in
                if !state.session.hasUnsent(work.stream) { return true }
                guard state.open[work.stream]?.isClosed == false else { throw NetworkFault.closed }
                return false
            }
            if isDone { return }
            guard try await work.answering.progress.wait(until: deadline) else {
                throw NetworkFault.timedOut(operation: "send to", object: "\(info.peer)")
            }
        }
    }
}
