internal import EventLoop

/// Passes on the requests of one connection that repeat the last one (``RequestRelay``) while the connection's task rests:
/// what comes on either side is dealt with by the loop's thread at once.
///
/// Whatever is not plain goes back to the task: another request, a part of one, no kept connection to send it on, an
/// answer that is still to come. Only GETs without a body pass here, so one that nobody has answered may be sent again.
final class RelayLane: StreamAttendant, @unchecked Sendable {
    // @unchecked: touched by the loop's thread only.

    /// With what the task goes on.
    enum Outcome: Sendable {
        /// Something has come that is not the last request again, or only a part of it.
        case bytes
        /// The last request again, which nobody has got yet.
        case request
        case answer(HTTPAnswer, any RelayedRequest)
        /// Nobody has answered, and it is not known whether anybody will.
        case failed(any Error, any RelayedRequest)
        /// The client has ended, or the server stops.
        case end
    }

    /// What the lane serves.
    protocol Client: AnyObject {
        var buffer: ReadBuffer { get }
        /// Takes the last request off the buffer, where it stands there once more.
        func takesRepeated() -> Bool
        /// How the request that was taken goes on; nil for as usual.
        func relay() -> (any RelayedRequest)?
        /// Nothing has come that is not answered: the connection may be closed.
        var isIdle: Bool { get set }
        var isStopping: Bool { get }
        var writeMilliseconds: Int { get }
    }

    private struct Exchange {
        var relayed: any RelayedRequest
        var connection: ClientConnection
        var deadline: Deadline
    }

    private let stream: any AttendedStream
    private let signal: Signal
    private var output: [UInt8] = []
    private var exchange: Exchange?
    /// Until when the client has to take the rest of an answer.
    private var unsentUntil: Deadline?
    private var outcome: Result<Outcome, any Error>?
    /// The task waits until what goes on would be late, not until the connection has rested long enough.
    private var waitsForOther: Bool = false
    /// The end of the last answer since the task rests, on the monotonic clock, in nanoseconds.
    private(set) var lastUse: UInt64?
    /// Whose task rests.
    private var client: (any Client)?

    init(_ stream: any AttendedStream) {
        self.stream = stream
        signal = Signal(loop: stream.loop)
    }

    /// Passes on what comes, until there is something for the task to do.
    ///
    /// Called on the loop's thread.
    ///
    /// - Returns: nil when nothing of the kind goes on at the deadline.
    /// - Throws: ``NetworkFault``, ``HTTPRefusal``, `CancellationError`.
    func serve(_ client: any Client, until deadline: Deadline) async throws -> Outcome? {
        outcome = nil
        lastUse = nil
        self.client = client
        defer { leave() }
        if client.buffer.isEmpty {
            client.isIdle = true
            if client.isStopping { return .end }
        }
        try stream.attend(self)
        while true {
            if let outcome: Result<Outcome, any Error> = outcome.take() { return try outcome.get() }
            let end: Deadline? = exchange?.deadline ?? unsentUntil
            waitsForOther = end != nil
            let isOver: Bool = try await !signal.wait(until: end ?? deadline)
            guard isOver, outcome == nil else { continue }
            if let exchange {
                guard exchange.deadline.isPast else { continue }
                fail(exchange, NetworkFault.timedOut(operation: "read from", object: "\(exchange.connection.endpoint)"))
            } else if let unsentUntil {
                guard unsentUntil.isPast else { continue }
                throw NetworkFault.timedOut(operation: "write to", object: "\(stream.peer)")
            } else {
                return nil
            }
        }
    }

    private func leave() {
        client = nil
        stream.stopAttending()
        unsentUntil = nil
        // Only when the task was cancelled, or the loop has ended.
        guard let left: Exchange = exchange.take() else { return }
        left.connection.stream.close()
        _ = left.relayed.response(to: CancellationError())
    }

    private func finish(_ outcome: Outcome) { finish(.success(outcome)) }

    private func finish(_ outcome: Result<Outcome, any Error>) {
        guard self.outcome == nil else { return }
        self.outcome = outcome
        signal.raise()
    }

    /// One of the two connections: what is waited for says which of them matters.
    func streamIsReady() {
        guard let client, outcome == nil else { return }
        do {
            if let exchange {
                try hear(exchange, client)
            } else if unsentUntil != nil {
                guard try stream.sendRest() else { return }
                answered(client)
                try receive(client)
            } else {
                try receive(client)
            }
        } catch {
            finish(.failure(error))
        }
    }

    // MARK: The client

    private func receive(_ client: any Client) throws {
        let buffer: ReadBuffer = client.buffer
        while outcome == nil, exchange == nil, unsentUntil == nil {
            if client.takesRepeated() {
                begin(client)
            } else if !buffer.isEmpty {
                client.isIdle = false
                finish(.bytes)
            } else {
                guard let count: Int = try stream.readNow(into: buffer) else { return }
                guard count > 0 else { return finish(.end) }
                client.isIdle = false
            }
        }
    }

    private func answered(_ client: any Client) {
        unsentUntil = nil
        lastUse = MonotonicClock.now
        client.isIdle = true
        if client.isStopping { return finish(.end) }
        if waitsForOther { signal.raise() }
    }

    // MARK: Who answers

    private func begin(_ client: any Client) {
        client.isIdle = false
        guard let relayed: any RelayedRequest = client.relay(),
            let connection: ClientConnection = relayed.client.idleConnection(to: relayed.endpoint)
        else { return finish(.request) }
        do {
            output.removeAll(keepingCapacity: true)
            try relayed.writeRequest(into: &output)
            let limits: HTTPClientLimits = relayed.limits
            exchange = Exchange(
                relayed: relayed,
                connection: connection,
                deadline: .after(milliseconds: limits.answerMilliseconds)
            )
            guard try connection.ask(output, limits, attendedBy: self) else { throw NetworkFault.closed }
        } catch {
            exchange = nil
            finish(.request)
            // At once called back by the stream that is closed: what happens next is settled by then.
            connection.stream.close()
        }
    }

    /// The other server has said something, or has gone, or neither.
    private func hear(_ exchange: Exchange, _ client: any Client) throws {
        let heard: ClientConnection.Heard?
        do {
            heard = try exchange.connection.hear()
        } catch {
            return fail(exchange, error)
        }
        guard let heard else { return }
        self.exchange = nil
        guard let body: [UInt8] = heard.body else {
            let answer: HTTPAnswer = exchange.relayed.client.answer(heard.head, on: exchange.connection)
            return finish(.answer(answer, exchange.relayed))
        }
        exchange.relayed.client.take(back: exchange.connection)
        output.removeAll(keepingCapacity: true)
        try exchange.relayed.writeAnswer(heard.head, body, into: &output)
        if try stream.sendNow(output) {
            answered(client)
            try receive(client)
        } else {
            unsentUntil = .after(milliseconds: client.writeMilliseconds)
            // The task sees to it that this ends.
            signal.raise()
        }
    }

    private func fail(_ exchange: Exchange, _ error: any Error) {
        self.exchange = nil
        let mayRepeat: Bool = !exchange.connection.answerBegan && HTTPClient.mayBeDead(error)
        finish(mayRepeat ? .request : .failed(error, exchange.relayed))
        // At once called back by it.
        exchange.connection.stream.close()
    }
}
