internal import CNghttp2

/// What libnghttp2 calls while it reads and writes frames.
///
/// `@unchecked Sendable`: the table is never changed or freed after `init`.
struct HTTP2Callbacks: @unchecked Sendable {
    static let shared = HTTP2Callbacks()
    let pointer: OpaquePointer

    private init() {
        var made: OpaquePointer?
        guard nghttp2_session_callbacks_new(&made) == 0, let made else {
            preconditionFailure("libnghttp2 has no memory for a table of functions")
        }
        pointer = made
        nghttp2_session_callbacks_set_on_begin_frame_callback(made) { _, header, context in
            guard let header, let session = HTTP2Session.of(context) else { return HTTP2Callbacks.failure }
            return session.frameBegins(header.pointee)
        }
        nghttp2_session_callbacks_set_on_begin_headers_callback(made) { _, frame, context in
            guard let frame, let session = HTTP2Session.of(context) else { return HTTP2Callbacks.failure }
            return session.headBegins(frame.pointee)
        }
        nghttp2_session_callbacks_set_on_header_callback(made) { _, _, name, nameCount, value, valueCount, _, context in
            guard let session = HTTP2Session.of(context) else { return HTTP2Callbacks.failure }
            return session.field(
                UnsafeBufferPointer(start: name, count: nameCount),
                UnsafeBufferPointer(start: value, count: valueCount)
            )
        }
        nghttp2_session_callbacks_set_on_invalid_header_callback(made) { _, _, _, _, _, _, _, context in
            guard let session = HTTP2Session.of(context) else { return HTTP2Callbacks.failure }
            return session.invalidField()
        }
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made) { _, _, stream, bytes, count, context in
            guard let session = HTTP2Session.of(context) else { return HTTP2Callbacks.failure }
            return session.data(stream, UnsafeBufferPointer(start: bytes, count: count))
        }
        nghttp2_session_callbacks_set_on_frame_recv_callback(made) { _, frame, context in
            guard let frame, let session = HTTP2Session.of(context) else { return HTTP2Callbacks.failure }
            return session.frameReceived(frame.pointee)
        }
        nghttp2_session_callbacks_set_on_frame_send_callback(made) { _, frame, context in
            guard let frame, let session = HTTP2Session.of(context) else { return HTTP2Callbacks.failure }
            return session.frameSent(frame.pointee)
        }
        nghttp2_session_callbacks_set_on_frame_not_send_callback(made) { _, frame, _, context in
            guard let frame, let session = HTTP2Session.of(context) else { return HTTP2Callbacks.failure }
            return session.frameNotSent(frame.pointee)
        }
        nghttp2_session_callbacks_set_on_stream_close_callback(made) { _, stream, code, context in
            guard let session = HTTP2Session.of(context) else { return HTTP2Callbacks.failure }
            return session.streamClosed(stream, HTTP2ErrorCode(rawValue: code))
        }
    }

    /// Ends the call that libnghttp2 was in.
    static let failure: Int32 = NGHTTP2_ERR_CALLBACK_FAILURE.rawValue

    /// Gives the body of an answer, as much as there is.
    static let supply: nghttp2_data_source_read_callback = { _, stream, space, size, flags, _, context in
        guard let space, let flags, let session = HTTP2Session.of(context) else { return Int(failure) }
        let taken: (count: Int, isLast: Bool)? = session.take(
            stream,
            into: UnsafeMutableRawBufferPointer(start: space, count: size)
        )
        guard let taken else { return Int(NGHTTP2_ERR_DEFERRED.rawValue) }
        if taken.isLast { flags.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue }
        return taken.count
    }
}

extension HTTP2Session {
    fileprivate static func of(_ context: UnsafeMutableRawPointer?) -> HTTP2Session? {
        context.map { Unmanaged<HTTP2Session>.fromOpaque($0).takeUnretainedValue() }
    }

    private func fail(_ code: HTTP2ErrorCode, _ reason: String) -> Int32 {
        if fault == nil { fault = HTTP2Fault(code, reason) }
        return HTTP2Callbacks.failure
    }

    // MARK: Reading

    /// A frame's header has come: what carries nothing of a request is counted.
    fileprivate func frameBegins(_ header: nghttp2_frame_hd) -> Int32 {
        let isUseful: Bool
        switch UInt32(header.type) {
        case NGHTTP2_HEADERS.rawValue: isUseful = true
        case NGHTTP2_DATA.rawValue:
            isUseful =
                header.length >= Self.smallDataBytes || UInt32(header.flags) & NGHTTP2_FLAG_END_STREAM.rawValue != 0
        default: isUseful = false  // resets are counted by themselves, besides
        }
        guard isUseful || control.take(now: now) else {
            return fail(.enhanceYourCalm, "too many frames that carry nothing of a request")
        }
        return 0
    }

    /// A body that comes in pieces like these costs more to read than it is worth.
    private static let smallDataBytes: Int = 64

    fileprivate func headBegins(_ frame: nghttp2_frame) -> Int32 {
        if frame.headers.cat == NGHTTP2_HCAT_REQUEST {
            reading = (frame.hd.stream_id, HTTP2RequestHead(limits))
        } else {
            trailers = HTTP2RequestHead(limits)
        }
        return 0
    }

    fileprivate func field(_ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) -> Int32 {
        reading?.head.add(name, value)
        trailers?.add(name, value)
        guard reading?.head.isOutrageous != true, trailers?.isOutrageous != true else {
            return fail(.enhanceYourCalm, "the header fields are many times larger than announced")
        }
        return 0
    }

    fileprivate func invalidField() -> Int32 {
        reading?.head.note(.characters)
        // A trailer that is not one spoils the request, and nobody would see a note.
        return trailers == nil ? 0 : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue
    }

    fileprivate func data(_ stream: Int32, _ bytes: UnsafeBufferPointer<UInt8>) -> Int32 {
        // What bounds memory are the windows of the streams; that of the connection must not let one stream hold up the others.
        nghttp2_session_consume_connection(handle, bytes.count)
        events.append(.data(stream: stream, Array(bytes)))
        return 0
    }

    fileprivate func frameReceived(_ frame: nghttp2_frame) -> Int32 {
        let isLast: Bool = UInt32(frame.hd.flags) & NGHTTP2_FLAG_END_STREAM.rawValue != 0
        switch UInt32(frame.hd.type) {
        case NGHTTP2_HEADERS.rawValue:
            trailers = nil
            if let head: HTTP2RequestHead = reading.take()?.head {
                events.append(.head(stream: frame.hd.stream_id, head, isWhole: isLast))
            } else if isLast {
                events.append(.end(stream: frame.hd.stream_id))
            }
        case NGHTTP2_DATA.rawValue:
            if isLast { events.append(.end(stream: frame.hd.stream_id)) }
        case NGHTTP2_RST_STREAM.rawValue:
            guard resets.take(now: now) else { return fail(.enhanceYourCalm, "too many streams were reset") }
        default: break
        }
        return 0
    }

    fileprivate func streamClosed(_ stream: Int32, _ code: HTTP2ErrorCode) -> Int32 {
        outboxes[stream] = nil
        if reading?.stream == stream { reading = nil }
        events.append(.closed(stream: stream, code))
        return 0
    }

    // MARK: Writing

    /// nil when there is nothing now.
    fileprivate func take(_ stream: Int32, into space: UnsafeMutableRawBufferPointer) -> (count: Int, isLast: Bool)? {
        guard outboxes[stream] != nil else { return (0, true) }
        let count: Int = outboxes[stream]?.take(into: space) ?? 0
        guard outboxes[stream]?.isEmpty == true else { return (count, false) }
        let isLast: Bool = outboxes[stream]?.isLast == true
        guard count > 0 || isLast else { return nil }
        events.append(.drained(stream: stream))
        return (count, isLast)
    }

    fileprivate func frameSent(_ frame: nghttp2_frame) -> Int32 {
        switch UInt32(frame.hd.type) {
        case NGHTTP2_DATA.rawValue, NGHTTP2_HEADERS.rawValue:
            // Whoever reads much may say often that there is room for more.
            if UInt32(frame.hd.type) == NGHTTP2_DATA.rawValue {
                control.give(Double(frame.hd.length) / Double(Self.bytesPerControlFrame))
            }
            guard UInt32(frame.hd.flags) & NGHTTP2_FLAG_END_STREAM.rawValue != 0,
                nghttp2_session_get_stream_remote_close(handle, frame.hd.stream_id) == 0
            else { return 0 }
            events.append(.answeredEarly(stream: frame.hd.stream_id))
        case NGHTTP2_RST_STREAM.rawValue:
            let code = HTTP2ErrorCode(rawValue: frame.rst_stream.error_code)
            // Ours, not the peer's doing.
            guard ![.noError, .internalError, .cancel].contains(code) else { return 0 }
            guard resets.take(now: now) else {
                if fault == nil { fault = HTTP2Fault(.enhanceYourCalm, "too many streams were malformed") }
                terminate(.enhanceYourCalm)
                return 0
            }
        default: break
        }
        return 0
    }

    /// Some clients open the window again with each piece that they read.
    private static let bytesPerControlFrame: Int = 512

    /// An answer whose fields do not fit, or whose stream is gone.
    fileprivate func frameNotSent(_ frame: nghttp2_frame) -> Int32 {
        if UInt32(frame.hd.type) == NGHTTP2_HEADERS.rawValue { reset(frame.hd.stream_id, .internalError) }
        return 0
    }
}
