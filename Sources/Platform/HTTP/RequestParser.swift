package import EventLoop

/// Requests out of bytes, strictly (RFC 9112): what could be read in two ways is refused.
///
/// Pure: it takes bytes from a buffer and returns events; however the bytes are cut into pieces, the events are
/// the same. After a refusal nothing more can be read from that connection.
package struct RequestParser: Sendable {
    package enum Event: Sendable {
        /// A head with a body to come; `expectsContinue`: the sender waits for a `100 Continue`.
        case head(expectsContinue: Bool)
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

    private mutating func nextHead(_ buffer: ReadBuffer) throws(HTTPRefusal) -> Event? {
        if !buffer.isEmpty { stage = .head }
        guard let length = try scanner.scan(buffer) else { return nil }
        let bytes: [UInt8] = buffer.take(upTo: length)
        let lines: [Range<Int>] = scanner.lines
        scanner = HeadScanner(limits, trailers: false, firstLineStatus: 414)

        let line: RequestLine = try RequestLine.parse(bytes, lines[0])
        let headers: HTTPHeaders = try FieldParser.parse(bytes, lines.dropFirst())
        let request = HTTPRequest(
            method: line.method,
            target: line.target,
            headers: headers,
            minorVersion: line.minorVersion
        )
        try RequestChecks.host(of: request)
        framing = try BodyFraming.declared(by: headers, minorVersion: line.minorVersion) ?? .none
        let expectsContinue: Bool = try RequestChecks.expectsContinue(request)
        switch framing {
        case .none, .untilClose, .length(0):
            stage = .idle
            return .request(request)
        case .length(let length):
            guard length <= limits.bodyBytes else {
                throw HTTPRefusal(413, "the body has more than \(limits.bodyBytes) bytes")
            }
            body.reserveCapacity(length)
        case .chunked:
            chunks = ChunkDecoder(limits)
        }
        pending = request
        stage = .body
        return .head(expectsContinue: expectsContinue)
    }

    private mutating func nextBody(_ buffer: ReadBuffer) throws(HTTPRefusal) -> Event? {
        if case .length(let length) = framing {
            let count: Int = min(length - body.count, buffer.count)
            body.append(contentsOf: buffer.storage[buffer.start..<buffer.start + count])
            buffer.consume(count)
            guard body.count == length else { return nil }
        } else {
            guard try chunks.decode(buffer, into: &body) else { return nil }
        }
        guard var request = pending else { return nil }
        request.body = body
        body = []
        pending = nil
        stage = .idle
        return .request(request)
    }
}
