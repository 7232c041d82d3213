internal import EventLoop

/// Takes a chunked body apart (RFC 9112, section 7.1), any number of bytes at a time.
struct ChunkDecoder {
    private enum State {
        case size
        case sizeExtension
        case sizeLF
        case data
        case dataCR
        case dataLF
        case trailers
        case done
    }

    private let limits: MessageLimits
    private let bodyBytes: Int
    private var state: State = .size
    private var size: Int = 0
    private var lineBytes: Int = 0
    private var digits: Int = 0
    private var total: Int = 0
    private var trailers: HeadScanner

    /// - Parameter bodyBytes: nil: as the limits say.
    init(_ limits: MessageLimits, bodyBytes: Int? = nil) {
        self.limits = limits
        self.bodyBytes = bodyBytes ?? limits.bodyBytes
        trailers = HeadScanner(limits, trailers: true)
    }

    /// Moves what is there of the body from `buffer` to `body`; true when the body and its trailers have ended.
    mutating func decode(_ buffer: ReadBuffer, into body: inout [UInt8]) throws(HTTPRefusal) -> Bool {
        while state != .done, !buffer.isEmpty {
            switch state {
            case .data:
                let count: Int = min(size, buffer.count)
                body.append(contentsOf: buffer.storage[buffer.start..<buffer.start + count])
                buffer.consume(count)
                size -= count
                if size == 0 { state = .dataCR }
            case .trailers:
                guard let length = try trailers.scan(buffer) else { return false }
                // They are checked like any header field and then dropped: nothing may rely on them.
                let bytes: [UInt8] = buffer.take(upTo: length)
                _ = try FieldParser.parse(bytes, trailers.lines[...], from: 0)
                state = .done
            default:
                let byte: UInt8 = buffer.storage[buffer.start]
                buffer.consume(1)
                try step(byte)
            }
        }
        return state == .done
    }

    private mutating func step(_ byte: UInt8) throws(HTTPRefusal) {
        switch state {
        case .size, .sizeExtension:
            lineBytes += 1
            guard lineBytes <= limits.chunkLineBytes else {
                throw HTTPRefusal(400, "a chunk's size line has more than \(limits.chunkLineBytes) bytes")
            }
            if byte == 0x0D {
                guard digits > 0 else { throw HTTPRefusal(400, "a chunk without a size") }
                state = .sizeLF
            } else if state == .sizeExtension {
                guard CharacterClass.isValue(byte) else {
                    throw HTTPRefusal(400, "a chunk extension contains a control character")
                }
            } else if byte == UInt8(ascii: ";"), digits > 0 {
                state = .sizeExtension
            } else {
                guard let value = CharacterClass.hexValue(byte), digits < 15 else {
                    throw HTTPRefusal(400, "a chunk's size is not a hexadecimal number")
                }
                size = size << 4 | Int(value)
                digits += 1
            }
        case .sizeLF:
            try require(byte, 0x0A)
            total += size
            guard total <= bodyBytes else {
                throw HTTPRefusal(413, "the body has more than \(bodyBytes) bytes")
            }
            state = size == 0 ? .trailers : .data
            lineBytes = 0
            digits = 0
        case .dataCR:
            try require(byte, 0x0D)
            state = .dataLF
        case .dataLF:
            try require(byte, 0x0A)
            state = .size
        case .data, .trailers, .done: break
        }
    }

    private func require(_ byte: UInt8, _ expected: UInt8) throws(HTTPRefusal) {
        guard byte == expected else { throw HTTPRefusal(400, "a chunk does not end with CRLF") }
    }
}
