import CNghttp2
import EventLoop
import HTTP
import Synchronization
import TestSupport

/// A client's end of an HTTP/2 connection, made with libnghttp2 and driven by a test: what it is told to send is not checked.
///
/// `@unchecked Sendable`: used by one task at a time.
final class HTTP2Client: @unchecked Sendable {
    struct Answer: Equatable {
        var status: Int = 0
        var headers: [String: String] = [:]
        var interim: [Int] = []
        var body: [UInt8] = []
        var isWhole: Bool = false
        var closed: UInt32?
        var text: String { String(decoding: body, as: UTF8.self) }
    }

    private(set) var answers: [Int32: Answer] = [:]
    private(set) var goAway: (last: Int32, code: UInt32)?
    private(set) var hasEnded: Bool = false
    let stream: any ByteStream
    private var handle: OpaquePointer?
    private var bodies: [Int32: Outgoing] = [:]

    /// - Parameters:
    ///   - window: of each stream and of the connection.
    ///   - takes: the windows open again by themselves.
    init(_ stream: any ByteStream, window: Int32 = 1 << 20, takes: Bool = true) {
        self.stream = stream
        var callbacks: OpaquePointer?
        nghttp2_session_callbacks_new(&callbacks)
        defer { nghttp2_session_callbacks_del(callbacks) }
        nghttp2_session_callbacks_set_on_header_callback(callbacks) {
            _,
            frame,
            name,
            nameCount,
            value,
            valueCount,
            _,
            me in
            let name = String(decoding: UnsafeBufferPointer(start: name, count: nameCount), as: UTF8.self)
            let value = String(decoding: UnsafeBufferPointer(start: value, count: valueCount), as: UTF8.self)
            HTTP2Client.of(me).field(frame?.pointee.hd.stream_id ?? 0, name, value)
            return 0
        }
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) { _, _, stream, bytes, count, me in
            HTTP2Client.of(me).answers[stream]?.body += Array(UnsafeBufferPointer(start: bytes, count: count))
            return 0
        }
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { _, frame, me in
            if let frame: nghttp2_frame = frame?.pointee { HTTP2Client.of(me).frame(frame) }
            return 0
        }
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) { _, stream, code, me in
            HTTP2Client.of(me).answers[stream]?.closed = code
            return 0
        }
        var option: OpaquePointer?
        nghttp2_option_new(&option)
        defer { nghttp2_option_del(option) }
        if !takes { nghttp2_option_set_no_auto_window_update(option, 1) }
        let me: UnsafeMutableRawPointer = Unmanaged.passUnretained(self).toOpaque()
        nghttp2_session_client_new2(&handle, callbacks, me, option)
        let settings = [
            nghttp2_settings_entry(
                settings_id: Int32(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE.rawValue),
                value: UInt32(window)
            )
        ]
        nghttp2_submit_settings(handle, 0, settings, 1)
        nghttp2_session_set_local_window_size(handle, 0, 0, window)
    }

    deinit { nghttp2_session_del(handle) }

    private static func of(_ context: UnsafeMutableRawPointer?) -> HTTP2Client {
        guard let context else { preconditionFailure("no client behind a callback") }
        return Unmanaged<HTTP2Client>.fromOpaque(context).takeUnretainedValue()
    }

    private func field(_ stream: Int32, _ name: String, _ value: String) {
        if name == ":status" {
            let status = Int(value) ?? 0
            if status < 200 { answers[stream]?.interim.append(status) } else { answers[stream]?.status = status }
        } else {
            answers[stream]?.headers[name] = value
        }
    }

    private func frame(_ frame: nghttp2_frame) {
        switch UInt32(frame.hd.type) {
        case NGHTTP2_GOAWAY.rawValue: goAway = (frame.goaway.last_stream_id, frame.goaway.error_code)
        case NGHTTP2_DATA.rawValue, NGHTTP2_HEADERS.rawValue:
            if frame.hd.flags & 1 != 0 { answers[frame.hd.stream_id]?.isWhole = true }
        default: break
        }
    }

    // MARK: What a test says

    /// Begins a request; with a body that is not whole, ``push(_:_:ends:)`` goes on.
    @discardableResult
    func send(
        _ method: String = "GET",
        _ path: String = "/",
        _ headers: [(String, String)] = [],
        authority: String? = "a.test",
        body: [UInt8]? = nil,
        isWhole: Bool = true
    ) -> Int32 {
        let pseudo: [(String, String?)] = [
            (":method", method), (":scheme", "https"), (":path", path), (":authority", authority),
        ]
        let fields: [(String, String)] = pseudo.compactMap { name, value in value.map { (name, $0) } } + headers
        var provider: nghttp2_data_provider = provider
        let stream: Int32 = Self.withPairs(fields) { pairs, count in
            body == nil && isWhole
                ? nghttp2_submit_request(handle, nil, pairs, count, nil, nil)
                : nghttp2_submit_request(handle, nil, pairs, count, &provider, nil)
        }
        answers[stream] = Answer()
        bodies[stream] = Outgoing(bytes: body ?? [], isWhole: isWhole)
        return stream
    }

    /// What of a body is not sent yet, and whether it ends there.
    private struct Outgoing {
        var bytes: [UInt8]
        var position: Int = 0
        var isWhole: Bool
        var isSent: Bool { position == bytes.count }
    }

    /// Goes on with a body; what came before must have been sent.
    func push(_ stream: Int32, _ bytes: [UInt8], ends: Bool) {
        bodies[stream] = Outgoing(bytes: bytes, isWhole: ends)
        nghttp2_session_resume_data(handle, stream)
    }

    private var provider: nghttp2_data_provider {
        var provider = nghttp2_data_provider()
        provider.read_callback = { _, stream, space, size, flags, _, me in
            let client: HTTP2Client = .of(me)
            guard var outgoing: Outgoing = client.bodies[stream] else { return 0 }
            let piece: ArraySlice<UInt8> = outgoing.bytes[outgoing.position...].prefix(size)
            space?.update(from: Array(piece), count: piece.count)
            outgoing.position += piece.count
            if outgoing.isSent, outgoing.isWhole { flags?.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue }
            client.bodies[stream] = outgoing
            return piece.isEmpty && !outgoing.isWhole ? Int(NGHTTP2_ERR_DEFERRED.rawValue) : piece.count
        }
        return provider
    }

    func reset(_ stream: Int32) { nghttp2_submit_rst_stream(handle, 0, stream, NGHTTP2_CANCEL.rawValue) }

    /// Opens the windows for what was received.
    func take(_ stream: Int32, _ count: Int) { nghttp2_session_consume(handle, stream, count) }

    func takeStream(_ stream: Int32, _ count: Int) { nghttp2_session_consume_stream(handle, stream, count) }

    /// Gives the connection a window of its own.
    func widen(_ bytes: Int32) { nghttp2_session_set_local_window_size(handle, 0, 0, bytes) }

    private static func withPairs(_ fields: [(String, String)], _ body: ([nghttp2_nv], Int) -> Int32) -> Int32 {
        var bytes: [UInt8] = fields.flatMap { Array($0.0.utf8) + Array($0.1.utf8) } + [0]
        return bytes.withUnsafeMutableBufferPointer { bytes in
            var start: UnsafeMutablePointer<UInt8>? = bytes.baseAddress
            let pairs: [nghttp2_nv] = fields.map { name, value in
                let (nameCount, valueCount): (Int, Int) = (name.utf8.count, value.utf8.count)
                defer { start = start.map { $0 + nameCount + valueCount } }
                return nghttp2_nv(
                    name: start,
                    value: start.map { $0 + nameCount },
                    namelen: nameCount,
                    valuelen: valueCount,
                    flags: 0
                )
            }
            return body(pairs, pairs.count)
        }
    }

    // MARK: The connection

    /// Sends what there is to send.
    func flush() async throws {
        var bytes: [UInt8] = []
        while true {
            var piece: UnsafePointer<UInt8>?
            let count: Int = nghttp2_session_mem_send(handle, &piece)
            guard count > 0 else { break }
            bytes += Array(UnsafeBufferPointer(start: piece, count: count))
        }
        if !bytes.isEmpty { try await stream.write(bytes, before: soon) }
    }

    /// Sends and receives until `isDone`, the end of the connection, or the deadline; whether it is done.
    @discardableResult
    func run(before deadline: Deadline = soon, until isDone: () -> Bool) async throws -> Bool {
        while !isDone(), !hasEnded {
            try await flush()
            if isDone() { return true }
            do {
                let bytes: [UInt8] = try await stream.read(upTo: 65_536, before: deadline)
                hasEnded = bytes.isEmpty
                if nghttp2_session_mem_recv(handle, bytes, bytes.count) < 0 { hasEnded = true }
            } catch NetworkFault.timedOut {
                return false
            } catch is NetworkFault {
                hasEnded = true
            }
        }
        if !hasEnded { try await flush() }
        return isDone()
    }

    /// How much of a request's body has left.
    func sent(_ stream: Int32) -> Int { bodies[stream]?.position ?? 0 }

    /// How much of a body has come.
    func received(_ stream: Int32) -> Int { answers[stream]?.body.count ?? 0 }

    /// Until so much of a body has come; whether it has.
    func receives(_ stream: Int32, atLeast count: Int) async throws -> Bool {
        try await run { received(stream) >= count }
    }

    /// Takes what comes for a while.
    func listen(milliseconds: Int) async throws { try await run(before: .after(milliseconds: milliseconds)) { false } }

    /// The whole answer of a stream, or what there is of it when it was reset.
    func answer(_ stream: Int32) async throws -> Answer {
        try await run { answers[stream]?.isWhole == true || answers[stream]?.closed != nil }
        return answers[stream] ?? Answer()
    }

    func answer(
        _ method: String = "GET",
        _ path: String = "/",
        _ headers: [(String, String)] = [],
        authority: String? = "a.test",
        body: [UInt8]? = nil
    ) async throws -> Answer {
        try await answer(send(method, path, headers, authority: authority, body: body))
    }
}

/// A connection of which both ends know, without TLS, that it is HTTP/2.
final class AgreedStream: ByteStream {
    private let base: any ByteStream
    let negotiatedProtocol: String?

    init(_ base: any ByteStream, _ name: String = "h2") {
        self.base = base
        negotiatedProtocol = name
    }

    var loop: EventLoop { base.loop }
    var local: Endpoint { base.local }
    var peer: Endpoint { base.peer }

    func read(into buffer: ReadBuffer, before deadline: Deadline) async throws -> Int {
        try await base.read(into: buffer, before: deadline)
    }
    func read(upTo limit: Int, before deadline: Deadline) async throws -> [UInt8] {
        try await base.read(upTo: limit, before: deadline)
    }
    func write(_ bytes: [UInt8], before deadline: Deadline) async throws {
        try await base.write(bytes, before: deadline)
    }
    func finishWriting() async { await base.finishWriting() }
    func isQuiet() async -> Bool { await base.isQuiet() }
    func waitForPeerClose() async throws { try await base.waitForPeerClose() }
    func close() { base.close() }
}
