import EventLoop
@testable import HTTP
import HTTP2

/// What stands between a session and the handlers of its requests, for a server with narrow windows that takes some bodies as they come:
/// no crash, no request that is answered twice, no body behind its bound, and nothing is held that no window allows.
///
/// The first byte says into pieces of what size the others are cut, and how often somebody takes what has come.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    guard size > 1 else { return 0 }
    var server = NarrowServer(patience: Int(data[0] / 16))
    server.run(Array(UnsafeBufferPointer(start: data + 1, count: size - 1)), step: 1 + Int(data[0] % 16) * 8)
    return 0
}

private let hello: [UInt8] = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + [0, 0, 0, 4, 0, 0, 0, 0, 0]

private let ok: HTTP2FieldBlock = {
    var block = HTTP2FieldBlock()
    block.append(":status", "200")
    return block
}()

/// With windows of a few bytes.
private struct NarrowServer {
    private static let window: Int = 64
    private static let wide: Int = 200
    private static let body: Int = 300
    private static let room: Int = 400

    /// How many pieces come before somebody takes what is there.
    let patience: Int
    private var intake: RequestIntake
    /// Bytes that were not taken yet of the bodies that are taken as they come.
    private var inboxes: [Int32: Int] = [:]
    private var begun: Set<Int32> = []
    private var closed: Set<Int32> = []

    init(patience: Int) {
        self.patience = patience
        var limits = MessageLimits()
        limits.bodyBytes = Self.body
        intake = RequestIntake(limits, windowBytes: Self.window, roomBytes: Self.room) { $0.method == "POST" }
    }

    mutating func run(_ bytes: [UInt8], step: Int) {
        do throws(HTTP2Fault) {
            var limits = HTTP2Limits()
            limits.streamWindowBytes = Self.window
            let session = try HTTP2Session(limits)
            _ = try session.takeOutput(upTo: 1 << 16)
            // Windows are as narrow as we say when the client has acknowledged it.
            let acknowledgement: [UInt8] = [0, 0, 0, 4, 1, 0, 0, 0, 0]
            try session.receive((hello + acknowledgement)[...], now: 1)
            var (start, pieces): (Int, Int) = (0, 0)
            while start < bytes.count {
                let end: Int = min(bytes.count, start + step)
                try session.receive(bytes[start..<end], now: 1)
                start = end
                handle(session.takeEvents(), session)
                pieces += 1
                if pieces > patience {
                    pieces = 0
                    takeAll(session)
                }
                while case let output = try session.takeOutput(upTo: 1 << 16), !output.isEmpty {}
                handle(session.takeEvents(), session)
            }
        } catch {
            // The connection is over.
        }
    }

    private mutating func takeAll(_ session: HTTP2Session) {
        for (stream, count) in inboxes where count > 0 {
            session.consume(stream, count)
            inboxes[stream] = 0
        }
    }

    private mutating func handle(_ events: [HTTP2Event], _ session: HTTP2Session) {
        for event in events {
            switch event {
            case .head(let stream, let head, let isWhole):
                carryOut(intake.head(stream, head, isWhole: isWhole, before: .after(seconds: 60)), session)
            case .data(let stream, let bytes):
                guard let held: Int = inboxes[stream] else {
                    carryOut(intake.data(stream, bytes, before: .after(seconds: 60)), session)
                    break
                }
                guard held + bytes.count <= Self.wide else { fatalError("\(held + bytes.count) bytes wait") }
                inboxes[stream] = held + bytes.count
            case .end(let stream): carryOut(intake.end(stream), session)
            case .drained, .answeredEarly: break
            case .closed(let stream, _):
                closed.insert(stream)
                inboxes[stream] = nil
                carryOut(intake.forget(stream, before: .after(seconds: 60)), session)
            }
        }
    }

    private mutating func carryOut(_ orders: [RequestIntake.Order], _ session: HTTP2Session) {
        for order in orders {
            switch order {
            case .consume(let stream, let count), .discard(let stream, let count):
                guard count > 0 else { fatalError("nothing was taken of \(stream)") }
                session.consume(stream, count)
            case .goOn(let stream): session.inform(stream, status: 100)
            case .serve(let stream, let request):
                guard request.body.count <= Self.body else { fatalError("a body of \(request.body.count) bytes") }
                begin(stream)
                session.answer(stream, ok, isLast: true)
                carryOut(intake.forget(stream, before: .after(seconds: 60)), session)
            case .serveStreamed(let stream, let request, let length, let begunWith):
                guard request.method == "POST", request.body.isEmpty else {
                    fatalError("this one is not taken as it comes")
                }
                guard length ?? .max > Self.window else { fatalError("a body of \(length ?? 0) bytes is short") }
                begin(stream)
                session.widen(stream, Self.wide)
                inboxes[stream] = begunWith.count
            case .refuse(let stream, _):
                begin(stream)
                session.answer(stream, ok, isLast: true)
            }
        }
    }

    /// Each request is answered once.
    private mutating func begin(_ stream: Int32) {
        guard begun.insert(stream).inserted else { fatalError("stream \(stream) is answered twice") }
    }
}
