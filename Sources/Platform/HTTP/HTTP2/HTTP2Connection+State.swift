internal import EventLoop
internal import HTTP2
internal import Limits

extension HTTP2Connection {
    /// What is to be answered on a stream.
    struct Work: Sendable {
        enum Matter: Sendable {
            case request(HTTPRequest)
            /// The body comes by ``State/takePiece(_:)``; `length` was announced.
            case streamed(HTTPRequest, length: Int?)
            case refusal(HTTPRefusal)
        }

        let stream: Int32
        let matter: Matter
        let answering: Answering
    }

    /// A stream whose answer is being made or sent.
    final class Answering: Sendable {
        /// Raised when all that was handed over is on its way, or the stream is closed.
        let progress: Signal
        /// Raised when the stream is closed.
        let loss: Signal

        init(loop: EventLoop) {
            progress = Signal(loop: loop)
            loss = Signal(loop: loop)
        }
    }

    /// What the tasks of a connection share.
    struct State {
        struct Open {
            let answering: Answering
            var isClosed: Bool = false
            /// Of a request whose body is taken as it comes.
            var body: BodyInbox?
        }

        let session: HTTP2Session
        var intake: RequestIntake
        /// Whatever runs for the peer, streams that it has closed included: closing them must not make room for more.
        var open: [Int32: Open] = [:]
        private var farewells = Farewells()
        private let limits: HTTPServerLimits
        private let loop: EventLoop
        /// Nobody is there any more.
        private(set) var isLost: Bool = false
        /// When the header fields that are being read must be there.
        private var headDeadline: Deadline?
        /// When a connection that nothing runs on is closed.
        private var idleDeadline: Deadline

        init(session: HTTP2Session, server: HTTPServer, _ info: ConnectionInfo) {
            self.session = session
            self.limits = server.limits
            loop = info.loop
            intake = RequestIntake(
                limits.message,
                windowBytes: limits.http2.streamWindowBytes,
                streams: Self.streams(server, info)
            )
            idleDeadline = .after(milliseconds: limits.idleMilliseconds)
        }

        private static func streams(_ server: HTTPServer, _ info: ConnectionInfo) -> (@Sendable (HTTPRequest) -> Bool)?
        {
            guard let streams: HTTPServer.Streams = server.streams else { return nil }
            return { streams($0, info) }
        }

        // MARK: Input

        mutating func receive(_ bytes: ArraySlice<UInt8>) -> [Work] {
            do throws(HTTP2Fault) {
                try session.receive(bytes, now: MonotonicClock.now)
            } catch {
                return []  // the peer is told by the next output
            }
            if !session.isReadingHead {
                headDeadline = nil
            } else if headDeadline == nil {
                headDeadline = bodyDeadline
            }
            return handle(session.takeEvents())
        }

        /// Looks at what is late.
        mutating func timePassed() -> [Work] {
            if headDeadline?.isPast == true {
                session.terminate(.enhanceYourCalm)
                headDeadline = nil
            }
            if isIdle, idleDeadline.isPast { session.shutDown() }
            return carryOut(intake.timePassed(milliseconds: limits.readMilliseconds, before: bodyDeadline))
        }

        /// When ``timePassed()`` has something to look at, at the latest.
        func nextDeadline() -> Deadline {
            let idle: Deadline =
                isIdle && !idleDeadline.isPast ? idleDeadline : .after(milliseconds: limits.idleMilliseconds)
            return [idle, headDeadline, intake.deadline].compactMap(\.self).min() ?? idle
        }

        private var isIdle: Bool { open.isEmpty && intake.isEmpty }
        private var bodyDeadline: Deadline { .after(milliseconds: limits.readMilliseconds) }

        // MARK: Output

        /// What is to be written next, which may be nothing for now; nil when nothing will be.
        mutating func nextOutput() throws -> [UInt8]? {
            guard !isLost else { throw NetworkFault.closed }
            guard !session.isOver else { return nil }
            for stream in farewells.takeLate() { session.reset(stream, .noError) }
            let bytes: [UInt8] = try session.takeOutput(upTo: Limits.http2WriteBytes)
            _ = handle(session.takeEvents())  // nothing new comes by writing
            return bytes.isEmpty && session.isOver ? nil : bytes
        }

        // MARK: Streams

        private mutating func handle(_ events: [HTTP2Event]) -> [Work] {
            var works: [Work] = []
            for event in events {
                switch event {
                case .head(let stream, let head, let isWhole):
                    works += carryOut(intake.head(stream, head, isWhole: isWhole, before: bodyDeadline))
                case .data(let stream, let bytes):
                    if open[stream]?.body?.add(bytes) != nil { continue }  // waits to be taken
                    works += carryOut(intake.data(stream, bytes, before: bodyDeadline))
                case .end(let stream):
                    open[stream]?.body?.end()
                    works += carryOut(intake.end(stream))
                case .answeredEarly(let stream):
                    farewells.begin(stream, before: .after(milliseconds: limits.lingerMilliseconds))
                case .drained(let stream):
                    open[stream]?.answering.progress.raise()
                case .closed(let stream, _):
                    close(stream)
                }
            }
            return works
        }

        private mutating func carryOut(_ orders: [RequestIntake.Order]) -> [Work] {
            orders.compactMap { order in
                switch order {
                case .consume(let stream, let count): session.consume(stream, count)
                case .goOn(let stream): session.inform(stream, status: 100)
                case .serve(let stream, let request): return begin(stream, .request(request))
                case .serveStreamed(let stream, let request, let length, let begun):
                    guard let work: Work = begin(stream, .streamed(request, length: length)) else { return nil }
                    takeStream(stream, begun)
                    return work
                case .discard(let stream, let count): discard(stream, count)
                case .refuse(let stream, let refusal):
                    guard session.countRefusal(now: MonotonicClock.now) else { return nil }
                    return begin(stream, .refusal(refusal))
                }
                return nil
            }
        }

        private mutating func begin(_ stream: Int32, _ matter: Work.Matter) -> Work? {
            // The session bounds what is open for the peer; as many again may still run for streams that it has closed.
            guard open.count < 2 * limits.http2.concurrentStreams, !isLost else {
                session.reset(stream, .refusedStream)
                _ = carryOut(intake.forget(stream, before: bodyDeadline))
                return nil
            }
            let answering = Answering(loop: loop)
            open[stream] = Open(answering: answering)
            return Work(stream: stream, matter: matter, answering: answering)
        }

        // MARK: Bodies that are taken as they come

        private mutating func takeStream(_ stream: Int32, _ begun: [UInt8]) {
            let wide: Int = open.values.count { $0.body?.isWide == true }
            let isWide: Bool = wide < Limits.http2WideStreams
            if isWide { session.widen(stream, Limits.http2WideWindowBytes) }
            open[stream]?.body = BodyInbox(loop: loop, isWide: isWide, begun: begun)
        }

        /// What has come since the last call; as many bytes may come again.
        mutating func takePiece(_ stream: Int32) throws(NetworkFault) -> BodyInbox.Piece {
            guard let piece: BodyInbox.Piece = open[stream]?.body?.take() else { throw .closed }
            if case .bytes(let bytes) = piece { session.consume(stream, bytes.count) }
            if case .nothing = piece, open[stream]?.isClosed == true { throw .closed }
            return piece
        }

        /// What came and nobody wants makes room for more, up to a bound: many clients look for an answer only when they have
        /// sent what they have.
        private mutating func discard(_ stream: Int32, _ count: Int) {
            if farewells.mayDiscard(stream, count) { session.consume(stream, count) }
        }

        /// When a stream is given up that was answered before its request was whole.
        var farewellDeadline: Deadline { farewells.deadline ?? .never }

        /// The handler has its request: the room of the body is for others.
        mutating func handled(_ stream: Int32) { _ = carryOut(intake.forget(stream, before: bodyDeadline)) }

        /// Nothing runs for the stream any more.
        mutating func ended(_ stream: Int32) {
            if open[stream]?.isClosed == false, case .bytes(let bytes) = open[stream]?.body?.take() {
                discard(stream, bytes.count)
            }
            open[stream] = nil
            idleDeadline = .after(milliseconds: limits.idleMilliseconds)
        }

        private mutating func close(_ stream: Int32) {
            farewells.end(stream)
            if let running: Open = open[stream] {
                open[stream]?.isClosed = true
                running.answering.progress.raise()
                running.answering.loss.raise()
                running.body?.arrival.raise()
            } else {
                _ = carryOut(intake.forget(stream, before: bodyDeadline))
                if isIdle { idleDeadline = .after(milliseconds: limits.idleMilliseconds) }
            }
        }

        mutating func lose() {
            isLost = true
            for stream in open.keys { close(stream) }
        }
    }
}
