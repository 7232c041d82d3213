internal import EventLoop
package import HTTP
internal import Limits

/// Who speaks over a ``PushSocket``; called on the loop's thread.
package protocol PushSocketOwner: AnyObject, Sendable {
    /// The socket stands: from here on something may be sent.
    func socketStands(_ socket: PushSocket)
    /// What was sent has been taken; called when it was not at once.
    func socketIsFree()
    /// The connection has ended, whoever ended it; called once.
    func socketHasEnded()
}

/// A server's end of a WebSocket that now and then has something to say and to which nothing is said but pings and closes: it
/// has no task, so that thousands of them cost little while nothing happens.
///
/// What a peer says in messages is checked as ``WebSocket`` does, and dropped. All is called on the loop's thread.
package final class PushSocket: StreamAttendant, @unchecked Sendable {
    // @unchecked: touched by the loop's thread only.

    private let stream: any AttendedStream
    private let limits: WebSocketLimits
    private var owner: (any PushSocketOwner)?
    private var whenEnded: (@Sendable () -> Void)?
    /// Of a message that has not come as a whole.
    private var received: ReadBuffer?
    private var assembler: MessageAssembler?

    /// The system has not taken everything.
    private var isSending: Bool = false
    /// Of several pings that wait for their answer only the first is answered (RFC 6455, section 5.5.3).
    private var isPongWaiting: Bool = false
    /// Nothing may follow our close frame.
    private var closeSent: Bool = false
    /// Nothing is waited for but that the system takes the rest.
    private var endsWhenSent: Bool = false
    private var isClosed: Bool = false
    /// Ends what takes too long: a write, or the peer's answer to our close.
    private var alarm: LoopAlarm?
    /// Rings when it is time to go on with what a peer says without end.
    private var resumption: LoopAlarm?

    init(
        _ stream: any AttendedStream,
        leftover: [UInt8],
        limits: WebSocketLimits,
        ended: @escaping @Sendable () -> Void
    ) {
        self.stream = stream
        self.limits = limits
        whenEnded = ended
        if !leftover.isEmpty { received = ReadBuffer(leftover) }
    }

    func begin(_ owner: any PushSocketOwner) {
        self.owner = owner
        owner.socketStands(self)
        guard !isClosed else { return }
        do { try stream.attend(self) } catch { finish() }
    }

    /// Whether something may be sent now.
    package var isFree: Bool { !isSending && !closeSent && !isClosed }

    /// Sends a text message; only while ``isFree``.
    package func send(_ frame: ServerTextFrame) {
        precondition(!isSending, "a message was sent before the last one was taken")
        guard !closeSent, !isClosed else { return }
        put(frame.bytes)
    }

    /// Sends a close frame behind all that was sent, waits for the peer's, ends the connection.
    package func close(code: UInt16 = 1000, reason: String = "") {
        guard !isClosed, !closeSent else { return }
        closeSent = true
        setAlarm(milliseconds: limits.closeMilliseconds)
        put(Frame(.close, CloseReason(code: code, reason: reason).payload).encoded(mask: nil))
    }

    // MARK: Sending

    private func put(_ bytes: [UInt8]) {
        do {
            let isTaken: Bool = try stream.sendNow(bytes)
            if isTaken, isSending { return sent() }
            isSending = !isTaken
            if isSending, alarm == nil { setAlarm(milliseconds: limits.writeMilliseconds) }
        } catch {
            finish()
        }
    }

    private func setAlarm(milliseconds: Int) {
        let made: LoopAlarm = alarm ?? LoopAlarm(on: stream.loop) { [unowned self] in finish() }
        alarm = made
        made.set(.after(milliseconds: milliseconds))
    }

    /// The system has taken everything.
    private func sent() {
        isSending = false
        isPongWaiting = false
        if endsWhenSent { return finish() }
        // After a close its deadline goes on.
        guard !closeSent else { return }
        alarm = nil
        owner?.socketIsFree()
    }

    /// The last word: the connection ends with it.
    private func endSaying(_ reason: CloseReason) {
        guard !closeSent else { return finish() }
        closeSent = true
        endsWhenSent = true
        put(Frame(.close, reason.payload).encoded(mask: nil))
        if !isSending { finish() }
    }

    // MARK: Receiving

    package func streamIsReady() {
        guard !isClosed else { return }
        do {
            if isSending, try stream.sendRest() { sent() }
            try receive()
        } catch WebSocketFault.violation(let code, let cause) {
            endSaying(CloseReason(code: code, reason: cause))
        } catch {
            finish()
        }
    }

    private func receive() throws {
        let decoder = FrameDecoder(role: .server, limit: limits.messageBytes)
        let buffer: ReadBuffer = received ?? ReadBuffer()
        buffer.keepsSpace = false
        defer { received = buffer.isEmpty || isClosed ? nil : buffer }
        var left: Int = Limits.webSocketFramesAtOnce
        while !isClosed, !endsWhenSent {
            while let frame: Frame = try decoder.next(buffer) {
                try take(frame)
                if isClosed || endsWhenSent { return }
                left -= 1
                if left <= 0 { return pause() }
            }
            guard let count: Int = try stream.readNow(into: buffer) else { return }
            // It ended without a close frame.
            if count == 0 { return finish() }
        }
    }

    /// Others on the loop have their turn first.
    private func pause() {
        let made: LoopAlarm = resumption ?? LoopAlarm(on: stream.loop) { [unowned self] in streamIsReady() }
        resumption = made
        made.set(.after(milliseconds: 0))
    }

    private func take(_ frame: Frame) throws(WebSocketFault) {
        switch frame.opcode {
        case .text, .binary, .continuation:
            var assembling: MessageAssembler = assembler ?? MessageAssembler(limit: limits.messageBytes)
            assembler = nil
            if try assembling.add(frame) == nil { assembler = assembling }
        case .ping:
            guard !closeSent, !isPongWaiting else { return }
            put(Frame(.pong, frame.payload).encoded(mask: nil))
            isPongWaiting = isSending
        case .pong: return
        case .close:
            // The answer repeats the code (section 5.5.1).
            endSaying(CloseReason(code: try CloseReason(payload: frame.payload).code))
        }
    }

    private func finish() {
        guard !isClosed else { return }
        isClosed = true
        alarm = nil
        resumption = nil
        stream.close()
        owner.take()?.socketHasEnded()
        whenEnded.take()?()
    }
}

extension WebSocket {
    /// The answer that turns the connection of `request` into a WebSocket that `owner` speaks over, or refuses it.
    package static func response(
        to request: HTTPRequest,
        limits: WebSocketLimits = WebSocketLimits(),
        owner: any PushSocketOwner
    ) -> HTTPResponse {
        do {
            return .handOver(headers: try accept(request)) { stream, leftover, ended in
                guard let attended: any AttendedStream = stream.attended else {
                    stream.close()
                    return ended()
                }
                PushSocket(attended, leftover: leftover, limits: limits, ended: ended).begin(owner)
            }
        } catch {
            return refusal(error)
        }
    }
}
