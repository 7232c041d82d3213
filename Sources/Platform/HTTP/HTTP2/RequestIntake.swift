internal import EventLoop
internal import HTTP2
internal import Limits

/// The requests of one connection until they are whole: from events to what is to be done.
///
/// A body may come as far as the window of its stream; for the rest room is set aside first, so what the bodies of one connection
/// take together is bounded, whatever their number. A body that waits for room waits with its sender. A long body that is taken as
/// it comes needs none.
struct RequestIntake {
    enum Order: Sendable {
        /// So many bytes of a body were taken: as many more may come.
        case consume(stream: Int32, Int)
        /// The sender waits for a `100 Continue`.
        case goOn(stream: Int32)
        case serve(stream: Int32, HTTPRequest)
        /// Whoever answers takes the body as it comes; `begun` has come of it, and makes no room for more before it is taken.
        case serveStreamed(stream: Int32, HTTPRequest, length: Int?, begun: [UInt8])
        case refuse(stream: Int32, HTTPRefusal)
        /// So many bytes came that nobody wants.
        case discard(stream: Int32, Int)
    }

    private struct Incoming {
        var request: HTTPRequest
        var declared: Int?
        var body: [UInt8] = []
        var room: Room = .notAsked
        /// When the body must be there; nil while it waits for room.
        var deadline: Deadline?
    }

    private enum Room {
        case notAsked
        case waiting
        case given
    }

    private let limits: MessageLimits
    private let windowBytes: Int
    /// Whether the long body of a request is taken as it comes.
    private let streams: (@Sendable (HTTPRequest) -> Bool)?
    private var incoming: [Int32: Incoming] = [:]
    private var room: BodyRoom

    init(
        _ limits: MessageLimits,
        windowBytes: Int = Limits.http2StreamWindowBytes,
        roomBytes: Int = Limits.http2BodyBytes,
        streams: (@Sendable (HTTPRequest) -> Bool)? = nil
    ) {
        self.limits = limits
        self.windowBytes = windowBytes
        self.streams = streams
        room = BodyRoom(bytes: max(roomBytes, limits.bodyBytes))
    }

    var isEmpty: Bool { incoming.isEmpty }

    /// When the first of the bodies is late.
    var deadline: Deadline? { incoming.values.compactMap(\.deadline).min() }

    // MARK: What came

    /// - Parameter deadline: for a body that begins to come, or may go on, now.
    mutating func head(_ stream: Int32, _ head: HTTP2RequestHead, isWhole: Bool, before deadline: Deadline) -> [Order] {
        do throws(HTTPRefusal) {
            let request: HTTPRequest = try HTTP2RequestFields.request(head, limits)
            let declared: Int? =
                if case .length(let length) = try BodyFraming.declared(by: request.headers, minorVersion: 1) {
                    length
                } else {
                    nil
                }
            let expectsContinue: Bool = try RequestChecks.expectsContinue(request)
            guard !isWhole else { return [.serve(stream: stream, request)] }
            let invitation: [Order] = expectsContinue ? [.goOn(stream: stream)] : []
            let isLong: Bool = declared ?? 0 > windowBytes
            if isLong, streams?(request) == true {
                return invitation + [.serveStreamed(stream: stream, request, length: declared, begun: [])]
            }
            guard declared ?? 0 <= limits.bodyBytes else { throw tooLong() }
            incoming[stream] = Incoming(request: request, declared: declared, deadline: deadline)
            if isLong { _ = askForRoom(stream, before: deadline) }
            return invitation
        } catch {
            return [.refuse(stream: stream, error)]
        }
    }

    mutating func data(_ stream: Int32, _ bytes: [UInt8], before deadline: Deadline) -> [Order] {
        // Refused: the rest is not looked at.
        guard let count = incoming[stream]?.body.count else { return [.discard(stream: stream, bytes.count)] }
        guard count + bytes.count <= limits.bodyBytes else {
            let unread: [Order] = discarding(stream) + [.discard(stream: stream, bytes.count)]
            return [.refuse(stream: stream, tooLong())] + unread + forget(stream, before: deadline)
        }
        incoming[stream]?.body.append(contentsOf: bytes)
        switch incoming[stream]?.room {
        case .given: return [.consume(stream: stream, bytes.count)]
        case .notAsked where 2 * (count + bytes.count) > windowBytes && incoming[stream]?.declared == nil:
            guard let long: Incoming = incoming[stream], streams?(long.request) == true else {
                return askForRoom(stream, before: deadline)
            }
            incoming[stream] = nil
            return [.serveStreamed(stream: stream, long.request, length: nil, begun: long.body)]
        default: return []
        }
    }

    mutating func end(_ stream: Int32) -> [Order] {
        guard var whole: Incoming = incoming.removeValue(forKey: stream) else { return [] }
        whole.request.body = whole.body
        return [.serve(stream: stream, whole.request)]
    }

    /// The request is answered, or nobody waits for it any more: its room is for others.
    mutating func forget(_ stream: Int32, before deadline: Deadline) -> [Order] {
        incoming[stream] = nil
        return room.release(stream).flatMap { given($0, before: deadline) }
    }

    /// Refuses the bodies that did not come in time.
    mutating func timePassed(milliseconds: Int, before deadline: Deadline) -> [Order] {
        let late: [Int32] = incoming.filter { $0.value.deadline?.isPast == true }.keys.sorted()
        return late.flatMap { stream in
            [.refuse(stream: stream, HTTPRefusal(408, "the request was not complete within \(milliseconds) ms"))]
                + discarding(stream) + forget(stream, before: deadline)
        }
    }

    /// What has come of a body, and was not taken, when it turns out that nobody wants it.
    private func discarding(_ stream: Int32) -> [Order] {
        guard let body: Incoming = incoming[stream], body.room != .given, !body.body.isEmpty else { return [] }
        return [.discard(stream: stream, body.body.count)]
    }

    // MARK: Room

    private mutating func askForRoom(_ stream: Int32, before deadline: Deadline) -> [Order] {
        incoming[stream]?.room = .waiting
        guard room.ask(stream, incoming[stream]?.declared ?? limits.bodyBytes) else {
            incoming[stream]?.deadline = nil
            return []
        }
        return given(stream, before: deadline)
    }

    private mutating func given(_ stream: Int32, before deadline: Deadline) -> [Order] {
        guard let count = incoming[stream]?.body.count else { return [] }
        incoming[stream]?.room = .given
        incoming[stream]?.deadline = deadline
        if let declared = incoming[stream]?.declared { incoming[stream]?.body.reserveCapacity(declared) }
        return count > 0 ? [.consume(stream: stream, count)] : []
    }

    private func tooLong() -> HTTPRefusal { HTTPRefusal(413, "the body has more than \(limits.bodyBytes) bytes") }
}
