package import EventLoop
internal import Limits

/// The status line and headers of an answer.
package struct ResponseHead: Sendable, Equatable {
    package var status: Int
    package var reason: String
    package var headers: HTTPHeaders
    package var minorVersion: Int

    /// Nothing but the head belongs to it, whatever its headers say (RFC 9112, section 6.3).
    var isBodiless: Bool { status == 101 || status == 204 || status == 304 }

    /// Whether the sender will keep the connection open after this answer.
    fileprivate var keepsAlive: Bool {
        if headers.list("connection", contains: "close") { return false }
        return minorVersion >= 1 || headers.list("connection", contains: "keep-alive")
    }
}

/// One answer out of bytes, strictly (RFC 9112).
///
/// Pure, as ``RequestParser``. Interim answers (1xx but 101) are skipped. A body comes in pieces as the bytes do.
package struct ResponseParser: Sendable {
    package enum Event: Sendable, Equatable {
        case head(ResponseHead)
        case body([UInt8])
        case end
    }

    private enum State {
        case head
        case length(Int)
        case chunked
        case untilClose
        case ended
        case done
    }

    private var limits: MessageLimits
    private var answersHead: Bool
    private var scanner: HeadScanner
    private var chunks: ChunkDecoder
    private var state: State = .head
    private var total: Int = 0
    private var interim: Int = 0
    private var refusal: HTTPRefusal?
    /// The last answer's: servers repeat themselves, too.
    private var last: Last?
    /// Whether the connection will be open behind the answer whose head has come.
    private(set) var keepsAlive: Bool = false

    private final class Last: Sendable {
        let head: ResponseHead
        let framing: BodyFraming?
        let keepsAlive: Bool

        init(_ head: ResponseHead) throws(HTTPRefusal) {
            self.head = head
            framing = try BodyFraming.declared(by: head.headers, minorVersion: head.minorVersion)
            keepsAlive = head.keepsAlive
        }
    }

    /// Interim answers before the real one.
    private static let interimAnswers: Int = 16

    /// A parser for the answer to one request; the answer to HEAD has no body, whatever its headers say.
    package init(method: String, limits: MessageLimits = HTTPClientLimits().message) {
        self.limits = limits
        answersHead = method == "HEAD"
        scanner = HeadScanner(limits, trailers: false, firstLineStatus: 400)
        chunks = ChunkDecoder(limits)
    }

    /// Goes on with the answer to another request on the same connection.
    package mutating func begin(method: String, limits: MessageLimits) {
        let last: Last? = last
        self = ResponseParser(method: method, limits: limits)
        self.last = last
    }

    /// Whether the body ends only with the connection.
    package var endsWithConnection: Bool {
        if case .untilClose = state { true } else { false }
    }

    /// The next event, or nil when more bytes are needed.
    ///
    /// - Throws: ``HTTPRefusal`` naming what is wrong with the answer.
    package mutating func next(_ buffer: ReadBuffer) throws(HTTPRefusal) -> Event? {
        if let refusal { throw refusal }
        do throws(HTTPRefusal) {
            return try step(buffer)
        } catch {
            refusal = error
            throw error
        }
    }

    /// The last event when the connection has ended.
    ///
    /// - Throws: ``HTTPRefusal`` when the answer is not complete.
    package mutating func finish() throws(HTTPRefusal) -> Event? {
        switch state {
        case .untilClose, .ended:
            state = .done
            return .end
        case .done: return nil
        case .head, .length, .chunked: throw HTTPRefusal(502, "the connection ended before the answer did")
        }
    }

    private mutating func step(_ buffer: ReadBuffer) throws(HTTPRefusal) -> Event? {
        switch state {
        case .head: return try head(buffer)
        case .length(let left):
            guard !buffer.isEmpty else { return nil }
            let piece: [UInt8] = buffer.take(upTo: left)
            state = left == piece.count ? .ended : .length(left - piece.count)
            return .body(piece)
        case .chunked:
            guard !buffer.isEmpty else { return nil }
            var piece: [UInt8] = []
            if try chunks.decode(buffer, into: &piece) { state = .ended }
            if !piece.isEmpty { return .body(piece) }
            guard case .ended = state else { return nil }
            return try step(buffer)
        case .untilClose:
            guard !buffer.isEmpty else { return nil }
            total += buffer.count
            guard total <= limits.bodyBytes else { throw tooLong() }
            return .body(buffer.take())
        case .ended:
            state = .done
            return .end
        case .done: return nil
        }
    }

    private mutating func head(_ buffer: ReadBuffer) throws(HTTPRefusal) -> Event? {
        while true {
            guard !buffer.isEmpty else { return nil }
            if scanner.isAtStart, let last, buffer.holds(last.head.headers.bytes) {
                // The same bytes say the same.
                buffer.consume(last.head.headers.bytes.count)
                try begin(last)
                return .head(last.head)
            }
            guard let length = try scanner.scan(buffer) else { return nil }
            let bytes: [UInt8] = buffer.take(upTo: length)
            let lines: [Range<Int>] = scanner.lines
            scanner = HeadScanner(limits, trailers: false, firstLineStatus: 400)
            var head: ResponseHead = try Self.statusLine(bytes, lines[0])
            head.headers = try FieldParser.parse(bytes, lines.dropFirst(), from: 0)
            if (100..<200).contains(head.status), head.status != 101 {
                interim += 1
                guard interim <= Self.interimAnswers else { throw HTTPRefusal(502, "too many interim answers") }
                continue
            }
            let read = try Last(head)
            last = length <= Limits.httpKeptHeadBytes ? read : nil
            try begin(read)
            return .head(head)
        }
    }

    /// What follows a head.
    private mutating func begin(_ answer: Last) throws(HTTPRefusal) {
        keepsAlive = answer.keepsAlive
        guard !answersHead, !answer.head.isBodiless else {
            state = .ended
            return
        }
        switch answer.framing {
        case .length(let length):
            guard length <= limits.bodyBytes else { throw tooLong() }
            state = length == 0 ? .ended : .length(length)
        case .chunked: state = .chunked
        case nil, .some(.none), .untilClose: state = .untilClose
        }
    }

    private func tooLong() -> HTTPRefusal {
        HTTPRefusal(502, "the answer's body has more than \(limits.bodyBytes) bytes")
    }

    private static func statusLine(_ bytes: [UInt8], _ line: Range<Int>) throws(HTTPRefusal) -> ResponseHead {
        let text: ArraySlice<UInt8> = bytes[line]
        let minorVersion: Int = try RequestLine.version(text.prefix(8))
        let rest: ArraySlice<UInt8> = text.dropFirst(8)
        let digits: ArraySlice<UInt8> = rest.dropFirst().prefix(3)
        let reason: ArraySlice<UInt8> = rest.dropFirst(4)
        guard rest.first == 0x20, digits.count == 3,
            digits.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }),
            let status = Int(String(decoding: digits, as: UTF8.self)), status >= 100,
            reason.isEmpty || reason.first == 0x20,
            reason.allSatisfy(CharacterClass.isValue)
        else { throw HTTPRefusal(502, "the status line is not a version, three digits and a reason") }
        return ResponseHead(
            status: status,
            reason: String(decoding: reason.dropFirst(), as: UTF8.self),
            headers: HTTPHeaders(),
            minorVersion: minorVersion
        )
    }
}
