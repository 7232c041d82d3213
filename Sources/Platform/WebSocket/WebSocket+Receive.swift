internal import EventLoop

extension WebSocket {
    /// The next message, or nil when the peer has closed in good order (see ``closeReason``).
    ///
    /// - Throws: ``WebSocketFault``, `NetworkFault`, `CancellationError`; after any of them the connection is closed.
    package func receive() async throws -> WebSocketMessage? {
        guard !isClosed else {
            if closeReason != nil || closeSent { return nil }
            throw WebSocketFault.closed
        }
        if closeSent, isReceiving {
            // Another task is closing and reads what still comes.
            await untilClosed()
            return nil
        }
        precondition(!isReceiving, "two tasks receive from one WebSocket")
        isReceiving = true
        defer { isReceiving = false }
        do {
            while let frame = try await nextFrame(before: silenceDeadline) {
                switch frame.opcode {
                case .text, .binary, .continuation:
                    if let message = try assembler.add(frame) { return message }
                case .ping: queuePong(frame.payload)
                case .pong: continue
                case .close:
                    closeReason = try CloseReason(payload: frame.payload)
                    // The answer repeats the code (section 5.5.1).
                    if !closeSent { try? await sendClose(CloseReason(code: closeReason?.code ?? 1000)) }
                    finish()
                    return nil
                }
            }
            throw WebSocketFault.endedAbruptly
        } catch {
            if isClosed && closeSent { return nil }  // this side closed while waiting
            if case WebSocketFault.violation(let code, let cause) = error, !closeSent {
                try? await sendClose(CloseReason(code: code, reason: cause))
            }
            finish()
            throw error
        }
    }

    /// The next frame, or nil at the end of the stream.
    func nextFrame(before deadline: @autoclosure () -> Deadline) async throws -> Frame? {
        while true {
            if let frame = try decoder.next(buffer) { return frame }
            guard try await stream.read(into: buffer, before: deadline()) > 0 else { return nil }
        }
    }

    private var silenceDeadline: Deadline {
        limits.silenceMilliseconds.map { .after(milliseconds: $0) } ?? .never
    }
}
