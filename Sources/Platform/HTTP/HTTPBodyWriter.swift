internal import EventLoop
internal import Synchronization

/// Takes the body of a streamed answer, piece by piece.
///
/// Used by one task at a time.
package final class HTTPBodyWriter: Sendable {
    private let framing: BodyFraming
    private let send: @Sendable ([UInt8]) async throws -> Void
    private let written = Atomic<Int>(0)

    /// - Parameter send: returns when it is worth making more.
    init(framing: BodyFraming, send: @escaping @Sendable ([UInt8]) async throws -> Void) {
        self.framing = framing
        self.send = send
    }

    /// Sends `bytes` and returns when the system has taken them.
    ///
    /// - Throws: ``NetworkFault`` when the reader is gone or too slow, ``HTTPRefusal`` when there is more than was announced.
    package func write(_ bytes: [UInt8]) async throws {
        guard !bytes.isEmpty else { return }
        let total: Int = written.wrappingAdd(bytes.count, ordering: .relaxed).newValue
        switch framing {
        case .chunked:
            var chunk: [UInt8] = Array(String(bytes.count, radix: 16).utf8)
            chunk.reserveCapacity(chunk.count + bytes.count + 4)
            chunk.append(contentsOf: [0x0D, 0x0A])
            chunk.append(contentsOf: bytes)
            chunk.append(contentsOf: [0x0D, 0x0A])
            try await send(chunk)
        case .length(let length):
            guard total <= length else { throw HTTPRefusal(500, "a body of \(length) bytes became longer") }
            try await send(bytes)
        case .untilClose, .none:
            try await send(bytes)
        }
    }

    package func write(_ text: String) async throws {
        try await write(Array(text.utf8))
    }

    func finish() async throws {
        if framing == .chunked { try await send(Array("0\r\n\r\n".utf8)) }
        if case .length(let length) = framing, written.load(ordering: .relaxed) != length {
            throw HTTPRefusal(500, "a body of \(length) bytes ended early")
        }
    }
}

extension ByteStream {
    /// Writes with a deadline for each piece, so that a long body may take long but never stand still.
    func writeSteadily(_ bytes: [UInt8], milliseconds: Int) async throws {
        let piece: Int = 256 * 1024
        guard bytes.count > piece else { return try await write(bytes, before: .after(milliseconds: milliseconds)) }
        var start: Int = 0
        while start < bytes.count {
            let end: Int = min(bytes.count, start + piece)
            try await write(Array(bytes[start..<end]), before: .after(milliseconds: milliseconds))
            start = end
        }
    }
}
