internal import EventLoop

/// Finds the lines of a head (or of trailers) up to the empty line, each byte looked at once.
///
/// Lines end with CRLF and nothing else: a bare LF, a bare CR or a NUL is refused, because parsers that
/// forgive them disagree about where a message ends (RFC 9112, sections 2.2 and 11.2).
struct HeadScanner {
    /// Where lines stand, as offsets from the front of the buffer, without their CRLF.
    private(set) var lines: [Range<Int>] = []

    private let limits: MessageLimits
    /// What a first line that is too long is answered with.
    private let firstLineStatus: Int
    /// Lines that are not header fields: the request or status line.
    private let extraLines: Int
    private var position: Int = 0
    private var lineStart: Int = 0
    private var afterCR: Bool = false
    private var skippedEmptyLine: Bool = false

    /// A scanner for trailers has no first line.
    init(_ limits: MessageLimits, trailers: Bool, firstLineStatus: Int = 431) {
        self.limits = limits
        self.firstLineStatus = firstLineStatus
        extraLines = trailers ? 0 : 1
    }

    /// Nothing was looked at yet.
    var isAtStart: Bool { position == 0 }

    /// The length of the head with its empty line, or nil when more bytes are needed.
    mutating func scan(_ buffer: ReadBuffer) throws(HTTPRefusal) -> Int? {
        let bytes: [UInt8] = buffer.storage
        let start: Int = buffer.start
        let count: Int = buffer.count
        while position < count {
            let byte: UInt8 = bytes[start &+ position]
            if afterCR {
                guard byte == 0x0A else { throw HTTPRefusal(400, "a line contains a carriage return") }
                afterCR = false
                position += 1
                if try endLine() { return position }
            } else if byte >= 0x20 {
                position &+= 1
                if position &- lineStart > limits.lineBytes { throw tooLong() }
            } else {
                switch byte {
                case 0x0D:
                    afterCR = true
                    position += 1
                    continue
                case 0x0A: throw HTTPRefusal(400, "a line ends with a bare line feed")
                case 0: throw HTTPRefusal(400, "the head contains a zero byte")
                default: break  // left to the parser of the line
                }
                position += 1
                if position - lineStart > limits.lineBytes { throw tooLong() }
            }
        }
        return nil
    }

    /// Whether the line that ended was the last.
    private mutating func endLine() throws(HTTPRefusal) -> Bool {
        let line: Range<Int> = lineStart..<position - 2
        lineStart = position
        if line.isEmpty {
            if lines.count >= extraLines { return true }
            // One empty line before a request is forgiven (RFC 9112, section 2.2).
            guard !skippedEmptyLine else { throw HTTPRefusal(400, "empty lines before the request line") }
            skippedEmptyLine = true
            return false
        }
        lines.append(line)
        if lines.count - extraLines > limits.headerCount {
            throw HTTPRefusal(431, "more than \(limits.headerCount) header fields")
        }
        if let first = lines.first, extraLines == 1, position - first.upperBound > limits.headBytes {
            throw HTTPRefusal(431, "the header fields have more than \(limits.headBytes) bytes")
        }
        if extraLines == 0, position > limits.headBytes {
            throw HTTPRefusal(431, "the trailers have more than \(limits.headBytes) bytes")
        }
        return false
    }

    private func tooLong() -> HTTPRefusal {
        lines.count < extraLines
            ? HTTPRefusal(firstLineStatus, "the first line has more than \(limits.lineBytes) bytes")
            : HTTPRefusal(431, "a header line has more than \(limits.lineBytes) bytes")
    }
}
