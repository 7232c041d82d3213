import EventLoop
import TLS

/// One HTTP/2 connection that makes calls of one gRPC method, many at a time.
///
/// Calls are gathered until ``flush()`` and leave as one write.
final class GRPCConnection {
    enum Event {
        /// A message of a stream that goes on or has yet to end.
        case message(UInt32, [UInt8])
        /// The stream is over; a call that failed is over without a message.
        case ended(UInt32)
    }

    private static let window: Int = 64 * 1024 * 1024

    private let stream: TLSStream
    private let path: String
    private let authority: String
    private let buffer = ReadBuffer()
    private var output: [UInt8] = HTTP2.opening(window: GRPCConnection.window)
    private var nextStream: UInt32 = 1
    /// What may still be sent on the connection.
    private var sendWindow: Int = HTTP2.firstWindow
    private var received: Int = 0
    private var events: [Event] = []
    /// Parts of messages that have not come whole.
    private var partial: [UInt32: [UInt8]] = [:]

    init(_ place: ServerPlace, _ path: String, on loop: EventLoop) async throws {
        stream = try await place.connect(on: loop)
        guard stream.negotiatedProtocol == "h2" else { throw BenchFault("the peer does not speak HTTP/2") }
        self.path = path
        authority = "127.0.0.1:\(place.port)"
    }

    deinit { stream.close() }

    /// Begins a call; returns its stream.
    ///
    /// - Parameter endsSending: false for a call whose request goes on.
    func begin(_ message: [UInt8], endsSending: Bool = true) async throws -> UInt32 {
        let data: [UInt8] = HTTP2.message(message)
        if sendWindow < data.count {
            try await flush()
            while sendWindow < data.count { try await readFrame(.after(seconds: 30)) }
        }
        sendWindow -= data.count
        let own: UInt32 = nextStream
        let headers: [UInt8] =
            own == 1 ? HTTP2.firstHeaders(path: path, authority: authority) : HTTP2.laterHeaders
        nextStream += 2
        HTTP2.append(HTTP2.Kind.headers, flags: HTTP2.Flag.endHeaders, stream: own, headers, to: &output)
        let flags: UInt8 = endsSending ? HTTP2.Flag.endStream : 0
        HTTP2.append(HTTP2.Kind.data, flags: flags, stream: own, data, to: &output)
        return own
    }

    func flush() async throws {
        guard !output.isEmpty else { return }
        let bytes: [UInt8] = output
        output.removeAll(keepingCapacity: true)
        try await stream.write(bytes, before: .after(seconds: 30))
    }

    /// What happens next on any of the streams.
    func next(before deadline: Deadline) async throws -> Event {
        while events.isEmpty {
            try await flush()
            try await readFrame(deadline)
        }
        return events.removeFirst()
    }

    /// Whether ``next(before:)`` has something without waiting for the network.
    var hasEvents: Bool { !events.isEmpty }

    /// A call alone: the message of its answer.
    func call(_ message: [UInt8], before deadline: Deadline) async throws -> [UInt8] {
        let own: UInt32 = try await begin(message)
        var answer: [UInt8]?
        while true {
            switch try await next(before: deadline) {
            case .message(own, let bytes): answer = bytes
            case .ended(own):
                guard let answer else { throw BenchFault("the peer refused a call of \(path)") }
                return answer
            default: continue
            }
        }
    }

    /// Reads what has come and takes all whole frames from it.
    private func readFrame(_ deadline: Deadline) async throws {
        guard try await stream.read(into: buffer, before: deadline) > 0 else { throw NetworkFault.closed }
        while let head = HTTP2.Head(buffer.storage[buffer.start..<buffer.end]),
            buffer.count >= HTTP2.headBytes + head.length
        {
            let start: Int = buffer.start + HTTP2.headBytes
            try take(head, buffer.storage[start..<(start + head.length)])
            buffer.consume(HTTP2.headBytes + head.length)
        }
        if received > Self.window / 4 {
            HTTP2.append(HTTP2.Kind.windowUpdate, HTTP2.increment(received), to: &output)
            received = 0
        }
        if !output.isEmpty { try await flush() }
    }

    private func take(_ head: HTTP2.Head, _ payload: ArraySlice<UInt8>) throws {
        switch head.kind {
        case HTTP2.Kind.data:
            received += payload.count
            guard head.flags & HTTP2.Flag.padded == 0 else { throw BenchFault("the peer pads its data") }
            takeData(head.stream, payload)
            if head.flags & HTTP2.Flag.endStream != 0 { events.append(.ended(head.stream)) }
        case HTTP2.Kind.headers where head.flags & HTTP2.Flag.endStream != 0, HTTP2.Kind.reset:
            partial[head.stream] = nil
            events.append(.ended(head.stream))
        case HTTP2.Kind.settings where head.flags & HTTP2.Flag.acknowledgement == 0:
            HTTP2.append(HTTP2.Kind.settings, flags: HTTP2.Flag.acknowledgement, [], to: &output)
        case HTTP2.Kind.ping where head.flags & HTTP2.Flag.acknowledgement == 0:
            HTTP2.append(HTTP2.Kind.ping, flags: HTTP2.Flag.acknowledgement, Array(payload), to: &output)
        case HTTP2.Kind.windowUpdate where head.stream == 0:
            sendWindow += Int(HTTP2.number(payload) & 0x7FFF_FFFF)
        case HTTP2.Kind.goAway: throw NetworkFault.closed
        default: break
        }
    }

    private func takeData(_ stream: UInt32, _ payload: ArraySlice<UInt8>) {
        // Nearly always a message is whole, and nothing has to be kept.
        var bytes: ArraySlice<UInt8> = payload
        if let before: [UInt8] = partial.removeValue(forKey: stream) { bytes = (before + payload)[...] }
        while let found = HTTP2.message(in: bytes) {
            events.append(.message(stream, Array(found.message)))
            bytes = bytes.dropFirst(found.length)
        }
        if !bytes.isEmpty { partial[stream] = Array(bytes) }
    }
}
