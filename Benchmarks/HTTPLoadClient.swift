import Certificates
import EventLoop
import Glibc
import TLS

/// Where a server of a run is, and how to get in.
struct ServerPlace: Sendable {
    var port: Int
    var tls: TLSClientContext

    /// Opens a TLS connection; the server must prove that it is 127.0.0.1.
    func connect(on loop: EventLoop) async throws -> TLSStream {
        let socket: SocketStream = try await loop.connect(host: "127.0.0.1", port: port, before: .after(seconds: 10))
        return try await tls.connect(socket, serverName: "127.0.0.1", before: .after(seconds: 30))
    }
}

/// One HTTP/1.1 connection that does as little as can be done: requests are bytes made before, of answers only the
/// status, the length and the body are looked at.
///
/// Not for anything but load: `HTTP` has the client that checks what it reads.
final class HTTPLoadClient {
    let stream: TLSStream
    let buffer = ReadBuffer()
    /// Of the last answer; valid until the next request.
    private(set) var body: [UInt8] = []
    private var status: Int = 0
    /// The last answer in words.
    var refusal: String { "\(status): \(String(decoding: body.prefix(400), as: UTF8.self))" }

    init(_ place: ServerPlace, on loop: EventLoop) async throws {
        stream = try await place.connect(on: loop)
    }

    deinit { stream.close() }

    /// Sends a request and reads its answer to the end; returns the status.
    ///
    /// - Parameter keepsBody: whether the body is wanted afterwards.
    func exchange(_ request: [UInt8], keepsBody: Bool = false, before deadline: Deadline = .after(seconds: 30))
        async throws -> Int
    {
        try await stream.write(request, before: deadline)
        let head: HTTPLoadHead = try await readHead(deadline)
        guard let length: Int = head.bodyLength else { throw BenchFault("the server sent an answer without a length") }
        while buffer.count < length { try await readMore(deadline) }
        if keepsBody || head.status >= 400 {
            body = buffer.take(upTo: length)
        } else {
            buffer.consume(length)
        }
        status = head.status
        return head.status
    }

    /// The head of the next answer, which is then used up; its body follows in ``buffer``.
    func readHead(_ deadline: Deadline) async throws -> HTTPLoadHead {
        while true {
            let found: HTTPLoadHead? = buffer.storage.withUnsafeBytes { bytes in
                HTTPLoadHead(UnsafeRawBufferPointer(rebasing: bytes[buffer.start..<buffer.end]))
            }
            if let found {
                buffer.consume(found.length)
                return found
            }
            guard buffer.count < 64 * 1024 else { throw BenchFault("the server sent something that is not HTTP") }
            try await readMore(deadline)
        }
    }

    func readMore(_ deadline: Deadline) async throws {
        guard try await stream.read(into: buffer, before: deadline) > 0 else { throw NetworkFault.closed }
    }
}

/// What counts in the head of an answer.
package struct HTTPLoadHead: Equatable {
    package var status: Int
    /// Of the head itself, with its empty line.
    package var length: Int
    /// Nil when nothing says how long the body is.
    package var bodyLength: Int?

    /// Nil while the head is not complete, or when it is none.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        guard let end = Self.end(bytes), end >= 16, bytes[8] == 0x20 else { return nil }
        var status: Int = 0
        for digit in bytes[9..<12] {
            guard (0x30...0x39).contains(digit) else { return nil }
            status = status * 10 + Int(digit - 0x30)
        }
        self.status = status
        length = end
        bodyLength = status < 200 || status == 204 || status == 304 ? 0 : Self.contentLength(bytes, end)
    }

    private static func end(_ bytes: UnsafeRawBufferPointer) -> Int? {
        guard let base = bytes.baseAddress, bytes.count >= 4 else { return nil }
        var position: Int = 0
        // Line by line: the search for a byte is the C library's.
        while let found = memchr(base + position, 0x0A, bytes.count - position) {
            let next: Int = UnsafeRawPointer(found) - base + 1
            if next - position == 2, bytes[position] == 0x0D { return next }
            position = next
            if position >= bytes.count { return nil }
        }
        return nil
    }

    private static func contentLength(_ bytes: UnsafeRawBufferPointer, _ end: Int) -> Int? {
        let name = StaticString("content-length:")
        guard let base = bytes.baseAddress else { return nil }
        var position: Int = 0
        while position < end, let found = memchr(base + position, 0x0A, end - position) {
            position = UnsafeRawPointer(found) - base + 1
            guard end - position > name.utf8CodeUnitCount,
                strncasecmp(
                    (base + position).assumingMemoryBound(to: CChar.self),
                    UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self),
                    name.utf8CodeUnitCount
                ) == 0
            else { continue }
            var value: Int = 0
            for byte in bytes[(position + name.utf8CodeUnitCount)..<end] {
                if byte == 0x0D { return value }
                if byte == 0x20 { continue }
                guard (0x30...0x39).contains(byte), value < 1 << 40 else { return nil }
                value = value * 10 + Int(byte - 0x30)
            }
        }
        return nil
    }
}
