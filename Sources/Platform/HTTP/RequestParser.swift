package import EventLoop
internal import Limits

/// Requests out of bytes, strictly (RFC 9112): what could be read in two ways is refused.
///
/// Pure: it takes bytes from a buffer and returns events; however the bytes are cut into pieces, the events are
/// the same. After a refusal nothing more can be read from that connection.
package struct RequestParser: Sendable {
    package enum Event: Sendable {
        /// A head with a body to come; `expectsContinue`: the sender waits for a `100 Continue`.
        case head(expectsContinue: Bool)
        /// A body that is longer than ``longBodyBytes``, told once: ``takeLong()`` takes it, going on reads it whole.
        case long(expectsContinue: Bool)
        case request(HTTPRequest)
    }

    package enum Stage: Sendable {
        /// No byte of a request has come.
        case idle
        case head
        case body
    }

    private let limits: MessageLimits
    private var scanner: HeadScanner
    private var pending: HTTPRequest?
    private var body: [UInt8] = []
    private var framing: BodyFraming = .none
    private var chunks: ChunkDecoder
    private var refusal: HTTPRefusal?
    /// Bodies that are longer may be taken piece by piece; nil: none may.
    package var longBodyBytes: Int?
    private var isLongTold: Bool = false
    package private(set) var stage: Stage = .idle

    package init(_ limits: MessageLimits = MessageLimits()) {
        self.limits = limits
        scanner = HeadScanner(limits, trailers: false, firstLineStatus: 414)
        chunks = ChunkDecoder(limits)
    }

    /// The next event, or nil when more bytes are needed.
    ///
    /// - Throws: ``HTTPRefusal`` with the status to answer; again at every later call.
    package mutating func next(_ buffer: ReadBuffer) throws(HTTPRefusal) -> Event? {
        if let refusal { throw refusal }
        do throws(HTTPRefusal) {
            return pending == nil ? try nextHead(buffer) : try nextBody(buffer)
        } catch {
            refusal = error
            throw error
        }
    }

    /// Forgets what it keeps from one request to the next.
    package mutating func rest() {
        last = nil
    }

    /// The last request of the connection, where its head is kept: the next one most often says the same, at least behind its
    /// first line.
    private(set) var last: ReadHead?

    /// Takes the last request off the buffer, where it stands there once more, whole.
    mutating func takeRepeated(_ buffer: ReadBuffer) -> Bool {
        guard refusal == nil, pending == nil, scanner.isAtStart, let last, last.stands(in: buffer) else { return false }
        buffer.consume(last.byteCount)
        return true
    }

    private mutating func nextHead(_ buffer: ReadBuffer) throws(HTTPRefusal) -> Event? {
        if !buffer.isEmpty { stage = .head }
        let head: ReadHead
        if scanner.isAtStart, let again: ReadHead = try last?.again(in: buffer, limits) {
            head = again
        } else {
            guard let length = try scanner.scan(buffer) else { return nil }
            let lines: [Range<Int>] = scanner.lines
            scanner = HeadScanner(limits, trailers: false, firstLineStatus: 414)
            head = try ReadHead(buffer, lines, length)
        }
        buffer.consume(head.byteCount)
        last = head.byteCount <= Limits.httpKeptHeadBytes ? head : nil
        framing = head.framing
        switch framing {
        case .none, .untilClose, .length(0):
            stage = .idle
            return .request(head.request)
        case .length(let length):
            isLongTold = length > longBodyBytes ?? .max
            if !isLongTold { try checkLength() }
        case .chunked:
            // A body that somebody may take has no bound that its next chunk could break.
            chunks = ChunkDecoder(limits, bodyBytes: longBodyBytes == nil ? limits.bodyBytes : .max)
            isLongTold = false
        }
        pending = head.request
        stage = .body
        return isLongTold
            ? .long(expectsContinue: head.expectsContinue) : .head(expectsContinue: head.expectsContinue)
    }

    /// The request whose body is to come.
    package var announced: HTTPRequest? { pending }

    /// - Throws: 413 for a body that cannot be had whole.
    package func checkLength() throws(HTTPRefusal) {
        let length: Int = if case .length(let length) = framing { length } else { body.count }
        guard length <= limits.bodyBytes else {
            throw HTTPRefusal(413, "the body has more than \(limits.bodyBytes) bytes")
        }
    }

    /// The request and the way to its body, after ``Event/long(expectsContinue:)``; what follows the body is the next request.
    mutating func takeLong() -> (request: HTTPRequest, pieces: BodyPieces)? {
        guard let request = pending else { return nil }
        let pieces = BodyPieces(framing, begun: body, chunks)
        body = []
        pending = nil
        stage = .idle
        return (request, pieces)
    }

    private mutating func nextBody(_ buffer: ReadBuffer) throws(HTTPRefusal) -> Event? {
        if case .length(let length) = framing {
            if body.isEmpty {
                try checkLength()
                body.reserveCapacity(length)
            }
            let count: Int = min(length - body.count, buffer.count)
            body.append(contentsOf: buffer.storage[buffer.start..<buffer.start + count])
            buffer.consume(count)
            guard body.count == length else { return nil }
        } else {
            let hasEnded: Bool = try chunks.decode(buffer, into: &body)
            try checkLength()
            guard hasEnded else {
                guard !isLongTold, body.count > longBodyBytes ?? .max else { return nil }
                isLongTold = true
                return .long(expectsContinue: false)
            }
        }
        guard var request = pending else { return nil }
        request.body = body
        body = []
        pending = nil
        stage = .idle
        return .request(request)
    }
}
