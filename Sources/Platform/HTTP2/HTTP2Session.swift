internal import CNghttp2

/// The server's end of one HTTP/2 connection, from bytes to events and from answers to bytes.
///
/// No socket and no waiting.
/// libnghttp2 reads and writes the frames, keeps the windows and the table of the header compression, and refuses what
/// RFC 9113 calls malformed. Here stands what it leaves to its user: bounds on what a peer may make us keep and do.
///
/// `@unchecked Sendable`: every use is under the lock of the connection that owns it.
package final class HTTP2Session: @unchecked Sendable {
    let handle: OpaquePointer
    let limits: HTTP2Limits

    // What the callbacks leave; see HTTP2Session+Callbacks.
    var events: [HTTP2Event] = []
    /// The request whose header fields are being read.
    var reading: (stream: Int32, head: HTTP2RequestHead)?
    /// Header fields behind a body are dropped, but not without a bound.
    var trailers: HTTP2RequestHead?
    var outboxes: [Int32: Outbox] = [:]
    var resets: TokenBucket
    var control: TokenBucket
    /// When what is being received came.
    var now: UInt64 = 0
    var fault: HTTP2Fault?

    /// Says hello: our settings are the first output.
    ///
    /// - Throws: ``HTTP2Fault`` when there is no memory.
    package init(_ limits: HTTP2Limits = HTTP2Limits()) throws(HTTP2Fault) {
        self.limits = limits
        resets = TokenBucket(capacity: limits.resets, perSecond: limits.resetsPerSecond)
        control = TokenBucket(capacity: limits.controlFrames, perSecond: limits.controlFramesPerSecond)
        handle = try Self.make(limits)
        nghttp2_session_set_user_data(handle, Unmanaged.passUnretained(self).toOpaque())
        let settings: [nghttp2_settings_entry] = [
            Self.setting(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits.concurrentStreams),
            Self.setting(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits.streamWindowBytes),
            Self.setting(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits.headBytes),
            // The tree of priorities was given up (section 5.3.2), and with it a way to keep a server busy.
            Self.setting(NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1),
        ]
        let flags = UInt8(NGHTTP2_FLAG_NONE.rawValue)
        guard nghttp2_submit_settings(handle, flags, settings, settings.count) == 0,
            nghttp2_session_set_local_window_size(handle, flags, 0, Int32(limits.connectionWindowBytes)) == 0
        else { throw HTTP2Fault(.internalError, "the settings cannot be sent") }
    }

    deinit { nghttp2_session_del(handle) }

    private static func make(_ limits: HTTP2Limits) throws(HTTP2Fault) -> OpaquePointer {
        var option: OpaquePointer?
        var session: OpaquePointer?
        guard nghttp2_option_new(&option) == 0, let option else { throw HTTP2Fault(.internalError, "no memory") }
        defer { nghttp2_option_del(option) }
        // A window opens again when somebody has taken what came.
        nghttp2_option_set_no_auto_window_update(option, 1)
        nghttp2_option_set_max_outbound_ack(option, limits.unsentAcknowledgements)
        nghttp2_option_set_max_settings(option, limits.settings)
        nghttp2_option_set_max_continuations(option, limits.continuations)
        guard nghttp2_session_server_new2(&session, HTTP2Callbacks.shared.pointer, nil, option) == 0, let session else {
            throw HTTP2Fault(.internalError, "no memory for a connection")
        }
        return session
    }

    private static func setting(_ id: nghttp2_settings_id, _ value: Int) -> nghttp2_settings_entry {
        nghttp2_settings_entry(settings_id: Int32(id.rawValue), value: UInt32(value))
    }

    // MARK: Bytes

    /// Reads what came; what it means is in ``takeEvents()``.
    ///
    /// - Parameter now: nanoseconds of a clock that never jumps.
    /// - Throws: ``HTTP2Fault`` when the connection cannot go on; the peer is told so by the next output.
    package func receive(_ bytes: ArraySlice<UInt8>, now: UInt64) throws(HTTP2Fault) {
        guard fault == nil else { return }
        self.now = now
        let taken: Int = bytes.withUnsafeBytes {
            nghttp2_session_mem_recv(handle, $0.baseAddress?.assumingMemoryBound(to: UInt8.self), $0.count)
        }
        guard fault != nil || taken != bytes.count else { return }
        let found: HTTP2Fault = fault ?? Self.fault(Int32(clamping: taken))
        fault = found
        events.removeAll()
        terminate(found.code)
        throw found
    }

    /// Removes and returns what was found since the last call.
    package func takeEvents() -> [HTTP2Event] {
        defer { events.removeAll() }
        return events
    }

    /// The next bytes to send, somewhat more than `limit` at most; empty when there are none now.
    ///
    /// - Throws: ``HTTP2Fault`` when nothing can be sent any more.
    package func takeOutput(upTo limit: Int) throws(HTTP2Fault) -> [UInt8] {
        var output: [UInt8] = []
        while output.count < limit {
            var piece: UnsafePointer<UInt8>?
            let count: Int = nghttp2_session_mem_send(handle, &piece)
            guard count >= 0 else { throw Self.fault(Int32(clamping: count)) }
            guard count > 0, let piece else { break }
            output.append(contentsOf: UnsafeBufferPointer(start: piece, count: count))
        }
        return output
    }

    private static func fault(_ code: Int32) -> HTTP2Fault {
        let text = String(cString: nghttp2_strerror(code))
        switch code {
        case NGHTTP2_ERR_FLOODED.rawValue: return HTTP2Fault(.enhanceYourCalm, text)
        case NGHTTP2_ERR_NOMEM.rawValue: return HTTP2Fault(.internalError, text)
        default: return HTTP2Fault(.protocolError, text)
        }
    }

    // MARK: The connection

    /// Nothing comes any more that would be looked at, and all is sent.
    package var isOver: Bool {
        nghttp2_session_want_write(handle) == 0 && (fault != nil || nghttp2_session_want_read(handle) == 0)
    }

    /// The header fields of a request have begun and not ended.
    package var isReadingHead: Bool { reading != nil || trailers != nil }

    /// Asks the peer to open its next streams elsewhere; those that it opens all the same are served (section 6.8).
    package func announceShutdown() { nghttp2_submit_shutdown_notice(handle) }

    /// Takes no further streams; the connection is over when those that are open have ended.
    package func shutDown() {
        let last: Int32 = nghttp2_session_get_last_proc_stream_id(handle)
        nghttp2_submit_goaway(
            handle,
            UInt8(NGHTTP2_FLAG_NONE.rawValue),
            last,
            HTTP2ErrorCode.noError.rawValue,
            nil,
            0
        )
    }

    /// Ends the connection with all its streams as soon as the peer is told why.
    package func terminate(_ code: HTTP2ErrorCode) { nghttp2_session_terminate_session(handle, code.rawValue) }
}
