internal import EventLoop

/// A frame on its way, and who waits for it to be sent.
struct Outgoing: Sendable {
    var bytes: [UInt8]
    var sent: CheckedContinuation<Void, any Error>?
}

/// A text message as a server sends it, put into its frame once for any number of connections.
package struct ServerTextFrame: Sendable {
    let bytes: [UInt8]

    /// - Parameter text: UTF-8.
    package init(_ text: [UInt8]) {
        bytes = Frame(.text, text).encoded(mask: nil)
    }
}

extension WebSocket {
    /// Frames are joined up to this size into one write.
    private static let batchBytes: Int = 64 * 1024

    /// Sends a text message; returns when the system has taken it.
    ///
    /// Order: messages leave in the order of the calls. When ``WebSocketLimits/queuedMessages`` wait already, the
    /// connection is closed.
    ///
    /// - Throws: ``WebSocketFault``, `NetworkFault`.
    package func send(text: String) async throws {
        try await send(Frame(.text, Array(text.utf8)))
    }

    /// Sends a text message that is made at its place in the order: what was sent before it was made before it.
    ///
    /// - Throws: as ``send(text:)``.
    package func send(making text: @Sendable () -> [UInt8]) async throws {
        guard !closeSent, !isClosed else { throw WebSocketFault.closed }
        try await send(Frame(.text, text()))
    }

    /// Sends a message that others are sent as well; on a server's end only, since clients mask each for itself.
    ///
    /// - Throws: as ``send(text:)``.
    package func send(_ frame: ServerTextFrame) async throws {
        precondition(role == .server, "a client's frames are masked, each in its own way")
        try checkRoom()
        try await enqueue(frame.bytes)
    }

    /// Sends a binary message; as ``send(text:)``.
    package func send(binary: [UInt8]) async throws {
        try await send(Frame(.binary, binary))
    }

    /// Sends a ping with up to 125 bytes; the pong shows only as the end of a silence.
    package func ping(_ payload: [UInt8] = []) async throws {
        try await send(Frame(.ping, Array(payload.prefix(125))))
    }

    private func send(_ frame: Frame) async throws {
        try checkRoom()
        try await enqueue(encoded(frame))
    }

    private func checkRoom() throws {
        guard !closeSent, !isClosed else { throw WebSocketFault.closed }
        guard queue.count < limits.queuedMessages else {
            let waiting: Int = queue.count
            finish()
            throw WebSocketFault.tooSlow(waiting: waiting)
        }
    }

    func sendClose(_ reason: CloseReason) async throws {
        closeSent = true
        try await enqueue(encoded(Frame(.close, reason.payload)))
    }

    /// Pongs are not waited for; of several pings that wait for their answer only the first is answered
    /// (section 5.5.3), so a flood of pings queues nothing.
    func queuePong(_ payload: [UInt8]) {
        guard !isPongQueued, !closeSent, !isClosed else { return }
        isPongQueued = true
        queue.append(Outgoing(bytes: encoded(Frame(.pong, payload))))
        startPump()
    }

    private func enqueue(_ bytes: [UInt8]) async throws {
        try await withCheckedThrowingContinuation { continuation in
            queue.append(Outgoing(bytes: bytes, sent: continuation))
            startPump()
        }
    }

    private func encoded(_ frame: Frame) -> [UInt8] {
        frame.encoded(mask: role == .client ? UInt32.random(in: 0...UInt32.max) : nil)
    }

    private func startPump() {
        guard pump == nil else { return }
        // A task of its own: a sender that is cancelled must not leave half a frame on the wire.
        pump = Task(executorPreference: stream.loop) { await self.writeQueue() }
    }

    private func writeQueue() async {
        while !queue.isEmpty {
            var batch: [UInt8] = []
            var count: Int = 0
            while count < queue.count, batch.isEmpty || batch.count + queue[count].bytes.count <= Self.batchBytes {
                if batch.isEmpty { batch = queue[count].bytes } else { batch.append(contentsOf: queue[count].bytes) }
                count += 1
            }
            let items: [Outgoing] = Array(queue.prefix(count))
            queue.removeFirst(count)
            isPongQueued = queue.contains { $0.sent == nil }
            do {
                try await stream.write(batch, before: .after(milliseconds: limits.writeMilliseconds))
                for item in items { item.sent?.resume() }
            } catch {
                for item in items { item.sent?.resume(throwing: error) }
                finish()
            }
        }
        pump = nil
    }
}
