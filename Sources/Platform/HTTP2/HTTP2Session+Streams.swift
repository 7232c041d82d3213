internal import CNghttp2

/// What a server does with one stream.
extension HTTP2Session {
    /// Sends an interim answer, such as `100 Continue`.
    package func inform(_ stream: Int32, status: Int) {
        var block = HTTP2FieldBlock()
        block.append(":status", String(status))
        withPairs(block) { pairs, count in
            nghttp2_submit_headers(handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream, nil, pairs, count, nil)
        }
    }

    /// Begins the answer; unless it `isLast`, its body is given by ``supply(_:_:isLast:)``.
    ///
    /// - Parameter block: begins with `:status`; names are in lower case.
    package func answer(_ stream: Int32, _ block: HTTP2FieldBlock, isLast: Bool) {
        if !isLast { outboxes[stream] = Outbox() }
        var provider = nghttp2_data_provider()
        provider.read_callback = HTTP2Callbacks.supply
        let code: Int32 = withPairs(block) { pairs, count in
            isLast
                ? nghttp2_submit_response(handle, stream, pairs, count, nil)
                : withUnsafePointer(to: &provider) { nghttp2_submit_response(handle, stream, pairs, count, $0) }
        }
        if code != 0 { reset(stream, .internalError) }
    }

    /// Adds to the body of the answer; `.drained` tells when all of it is on its way.
    ///
    /// The caller waits for that before it adds more, so what a slow peer leaves here is bounded.
    package func supply(_ stream: Int32, _ bytes: [UInt8], isLast: Bool) {
        guard outboxes[stream] != nil else { return }
        outboxes[stream]?.add(bytes, isLast: isLast)
        nghttp2_session_resume_data(handle, stream)
    }

    /// Whether something waits for the peer's window, or for its turn.
    package func hasUnsent(_ stream: Int32) -> Bool { outboxes[stream]?.isEmpty == false }

    package func reset(_ stream: Int32, _ code: HTTP2ErrorCode) {
        nghttp2_submit_rst_stream(handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream, code.rawValue)
    }

    /// `count` bytes of a body were taken: as many more may come.
    package func consume(_ stream: Int32, _ count: Int) {
        nghttp2_session_consume_stream(handle, stream, count)
    }

    /// Gives the stream another window, for what may come before somebody takes it.
    package func widen(_ stream: Int32, _ bytes: Int) {
        nghttp2_session_set_local_window_size(handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream, Int32(bytes))
    }

    /// Takes one from what a peer may get refused; false, and the connection ends, when there is none left.
    package func countRefusal(now: UInt64) -> Bool {
        guard fault == nil, !resets.take(now: now) else { return fault == nil }
        fault = HTTP2Fault(.enhanceYourCalm, "too many requests were refused or reset")
        terminate(.enhanceYourCalm)
        return false
    }

    @discardableResult
    private func withPairs(
        _ block: HTTP2FieldBlock,
        _ body: (UnsafePointer<nghttp2_nv>?, Int) -> Int32
    ) -> Int32 {
        // libnghttp2 copies them; that it asks for pointers to what may be changed is a habit of C.
        var bytes: [UInt8] = block.bytes
        return bytes.withUnsafeMutableBufferPointer { bytes in
            guard let start = bytes.baseAddress else { return body(nil, 0) }
            let pairs: [nghttp2_nv] = block.fields.map { field in
                // What stands for a caller is kept out of the table that later fields are compared with.
                let isSecret: Bool = bytes[field.name].elementsEqual("set-cookie".utf8)
                return nghttp2_nv(
                    name: start + field.name.lowerBound,
                    value: start + field.value.lowerBound,
                    namelen: field.name.count,
                    valuelen: field.value.count,
                    flags: UInt8(isSecret ? NGHTTP2_NV_FLAG_NO_INDEX.rawValue : NGHTTP2_NV_FLAG_NONE.rawValue)
                )
            }
            return pairs.withUnsafeBufferPointer { body($0.baseAddress, $0.count) }
        }
    }
}
