internal import EventLoop

/// The head of a request, read: its bytes, and all that they say.
///
/// Who keeps a connection says nearly the same with each request. Bytes that were read before need not be looked at one by
/// one again: it is enough that they are equal.
final class ReadHead: Sendable {
    let request: HTTPRequest
    let framing: BodyFraming
    let expectsContinue: Bool
    /// A GET without a body, of HTTP/1.1, behind which the connection stays.
    let isPlain: Bool
    /// What the sender is allowed to put before the request line (RFC 9112, section 2.2), the line and its end.
    private let firstLine: [UInt8]
    /// All that follows, the empty line with it.
    private var fieldBytes: [UInt8] { request.headers.bytes }

    /// Of the head and the empty line behind it.
    var byteCount: Int { firstLine.count + fieldBytes.count }

    /// Reads what a scanner has found at the front of the buffer.
    init(_ buffer: ReadBuffer, _ lines: [Range<Int>], _ length: Int) throws(HTTPRefusal) {
        let start: Int = buffer.start
        let fieldStart: Int = lines[0].upperBound + 2
        firstLine = Array(buffer.storage[start..<start + fieldStart])
        let line: RequestLine = try RequestLine.parse(firstLine, lines[0])
        let headers: HTTPHeaders = try FieldParser.parse(
            Array(buffer.storage[start + fieldStart..<start + length]),
            lines.dropFirst(),
            from: fieldStart
        )
        request = HTTPRequest(
            method: line.method,
            target: line.target,
            headers: headers,
            minorVersion: line.minorVersion
        )
        try RequestChecks.host(of: request)
        framing = try BodyFraming.declared(by: headers, minorVersion: line.minorVersion) ?? .none
        expectsContinue = try RequestChecks.expectsContinue(request)
        isPlain = Self.isPlain(request, framing, expectsContinue)
    }

    /// Another request line before the same fields.
    private init(_ other: ReadHead, _ firstLine: [UInt8], _ line: RequestLine) throws(HTTPRefusal) {
        self.firstLine = firstLine
        request = HTTPRequest(
            method: line.method,
            target: line.target,
            headers: other.request.headers,
            minorVersion: line.minorVersion
        )
        // An absolute target has a host of its own.
        try RequestChecks.host(of: request)
        framing = other.framing
        expectsContinue = other.expectsContinue
        isPlain = Self.isPlain(request, framing, expectsContinue)
    }

    private static func isPlain(_ request: HTTPRequest, _ framing: BodyFraming, _ expectsContinue: Bool) -> Bool {
        guard request.method == "GET", request.minorVersion == 1, !expectsContinue, request.keepsAlive else {
            return false
        }
        return switch framing {
        case .none, .length(0): true
        case .length, .chunked, .untilClose: false
        }
    }

    /// Whether it is what stands at the front of the buffer.
    func stands(in buffer: ReadBuffer) -> Bool {
        buffer.holds(firstLine) && buffer.holds(fieldBytes, at: firstLine.count)
    }

    /// The head at the front of the buffer, where it is this one again, or has the same fields; nil to read it anew.
    func again(in buffer: ReadBuffer, _ limits: MessageLimits) throws(HTTPRefusal) -> ReadHead? {
        guard buffer.count >= fieldBytes.count else { return nil }
        if stands(in: buffer) { return self }
        let storage: [UInt8] = buffer.storage
        var end: Int = buffer.start
        // Whatever is no plain line, or too long, is refused by who reads it byte by byte.
        while end < buffer.end, storage[end] >= 0x20 { end += 1 }
        let length: Int = end - buffer.start
        guard length > 0, length <= limits.lineBytes, end + 1 < buffer.end, storage[end] == 0x0D,
            storage[end + 1] == 0x0A, buffer.holds(fieldBytes, at: length + 2)
        else { return nil }
        let line: [UInt8] = Array(storage[buffer.start..<end + 2])
        let parsed: RequestLine = try RequestLine.parse(line, 0..<length)
        // What the fields say of the body depends on the version.
        guard parsed.minorVersion == request.minorVersion else { return nil }
        return try ReadHead(self, line, parsed)
    }
}
