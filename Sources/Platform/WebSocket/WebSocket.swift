package import EventLoop

/// One end of a WebSocket (RFC 6455) over any byte stream.
///
/// One task receives; any number of tasks send. Pings are answered while somebody receives.
package actor WebSocket {
    let stream: any ByteStream
    let role: WebSocketRole
    let limits: WebSocketLimits

    // Receiving
    let buffer: ReadBuffer
    let decoder: FrameDecoder
    var assembler: MessageAssembler
    var isReceiving: Bool = false

    // Sending
    var queue: [Outgoing] = []
    var pump: Task<Void, Never>?
    var isPongQueued: Bool = false

    // Closing
    /// Nothing may follow our close frame.
    var closeSent: Bool = false
    var isClosed: Bool = false
    var whenClosed: [CheckedContinuation<Void, Never>] = []
    /// How the peer closed, once it has.
    package internal(set) var closeReason: CloseReason?

    /// Takes over a stream whose handshake is done; `leftover` came behind it.
    package init(
        stream: any ByteStream,
        role: WebSocketRole,
        leftover: [UInt8] = [],
        limits: WebSocketLimits = WebSocketLimits()
    ) {
        self.stream = stream
        self.role = role
        self.limits = limits
        buffer = ReadBuffer(leftover)
        // Thousands of them wait for frames that hardly ever come.
        buffer.keepsSpace = false
        decoder = FrameDecoder(role: role, limit: limits.messageBytes)
        assembler = MessageAssembler(limit: limits.messageBytes)
    }

    /// The address of the other end.
    package nonisolated var peer: Endpoint { stream.peer }

    /// Closes: sends a close frame, waits for the peer's, ends the connection.
    ///
    /// Repeating it waits for the same end.
    package func close(code: UInt16 = 1000, reason: String = "") async {
        guard !isClosed else { return }
        let deadline: Deadline = .after(milliseconds: limits.closeMilliseconds)
        // A peer that reads nothing takes no close frame, and one that sends nothing gives none: neither is waited for longer.
        let timeout = Task(executorPreference: stream.loop) { [stream] in
            try? await stream.loop.sleep(until: deadline)
            if !Task.isCancelled { await self.finish() }
        }
        defer { timeout.cancel() }
        if !closeSent { try? await sendClose(CloseReason(code: code, reason: reason)) }
        guard !isClosed else { return }
        if isReceiving {
            // The receiver will see the peer's close.
            await untilClosed()
        } else {
            isReceiving = true
            defer { isReceiving = false }
            while let frame = try? await nextFrame(before: deadline), frame.opcode != .close {}
            finish()
        }
    }

    func untilClosed() async {
        guard !isClosed else { return }
        await withCheckedContinuation { whenClosed.append($0) }
    }

    /// The end, from whatever side: everybody who waits is told.
    func finish() {
        guard !isClosed else { return }
        isClosed = true
        stream.close()
        let (unsent, waiting): ([Outgoing], [CheckedContinuation<Void, Never>]) = (queue, whenClosed)
        queue = []
        whenClosed = []
        for item in unsent { item.sent?.resume(throwing: WebSocketFault.closed) }
        for continuation in waiting { continuation.resume() }
    }
}
