package import EventLoop

/// An HTTP/1.1 client on one loop, with idle connections kept for the next request to the same endpoint.
///
/// May be called from anywhere; is fastest on its loop.
package final class HTTPClient: Sendable {
    /// Makes a connection; TLS is another connector.
    package typealias Connector = @Sendable (Endpoint, EventLoop, Deadline) async throws -> any ByteStream

    package let loop: EventLoop
    private let limits: HTTPClientLimits
    private let connector: Connector
    private let pool: ConnectionPool

    /// Repeating these changes nothing more than sending them once (RFC 9110, section 9.2.2).
    private static let idempotent: Set<String> = ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]

    package init(
        loop: EventLoop,
        limits: HTTPClientLimits = HTTPClientLimits(),
        connector: @escaping Connector = { try await $1.connect(to: $0, before: $2) }
    ) {
        self.loop = loop
        self.limits = limits
        self.connector = connector
        pool = ConnectionPool(limits)
    }

    /// Sends a request and reads the whole answer.
    ///
    /// A request without a Host gets the endpoint's. When a kept connection turns out to be dead before a byte of
    /// the answer has come, an idempotent request is sent once more on a new one.
    ///
    /// - Throws: ``HTTPClientFault``, ``NetworkFault``, `CancellationError`.
    package func send(
        _ request: HTTPRequest,
        to endpoint: Endpoint,
        limits: HTTPClientLimits? = nil
    ) async throws -> HTTPClientResponse {
        guard loop.isCurrent else {
            return try await loop.run { [self] in try await sendHere(request, endpoint, limits ?? self.limits) }
        }
        return try await sendHere(request, endpoint, limits ?? self.limits)
    }

    private func sendHere(
        _ request: HTTPRequest,
        _ endpoint: Endpoint,
        _ limits: HTTPClientLimits
    ) async throws -> HTTPClientResponse {
        let answer: HTTPAnswer = try await exchange(request, endpoint, limits)
        return HTTPClientResponse(head: answer.head, body: try await answer.collect())
    }

    /// As ``send(_:to:limits:)``, but returns when the head has come; the body is read from the answer.
    package func open(
        _ request: HTTPRequest,
        to endpoint: Endpoint,
        limits: HTTPClientLimits? = nil
    ) async throws -> HTTPAnswer {
        guard loop.isCurrent else {
            return try await loop.run { [self] in try await exchange(request, endpoint, limits ?? self.limits) }
        }
        return try await exchange(request, endpoint, limits ?? self.limits)
    }

    /// Asks for another protocol on a connection of its own; the request carries `Connection: Upgrade` and `Upgrade`.
    package func upgrade(
        _ request: HTTPRequest,
        to endpoint: Endpoint,
        limits: HTTPClientLimits? = nil
    ) async throws -> HTTPUpgrade {
        try await loop.run { [self] in
            let limits: HTTPClientLimits = limits ?? self.limits
            let connection: ClientConnection = try await connect(endpoint, limits)
            do {
                let head: ResponseHead = try await connection.exchange(request, limits)
                if head.status == 101 {
                    return .switched(head, stream: connection.stream, leftover: connection.takeLeftover())
                }
                let answer = HTTPAnswer(head: head, connection: connection, pool: pool)
                return .refused(HTTPClientResponse(head: head, body: try await answer.collect()))
            } catch {
                connection.stream.close()
                throw error
            }
        }
    }

    /// It keeps no connections any more.
    package var isClosed: Bool { pool.isClosed }

    /// Closes the idle connections; those in use close when their answers end.
    package func close() {
        pool.close()
    }

    private func exchange(
        _ request: HTTPRequest,
        _ endpoint: Endpoint,
        _ limits: HTTPClientLimits
    ) async throws -> HTTPAnswer {
        // What goes piece by piece cannot be sent a second time: it goes out on a kept connection only when that one was in
        // use a moment ago, so that no server has a reason to close it just now.
        let isOnce: Bool = request.bodyStream != nil
        let within: Int? = isOnce ? self.limits.busyMilliseconds : nil
        if let connection = await idleConnection(endpoint, usedWithin: within) {
            do {
                return try await exchange(request, on: connection, limits)
            } catch let error where !isOnce && Self.idempotent.contains(request.method) && Self.mayBeDead(error) {
                guard !connection.answerBegan else { throw error }
            }
        }
        return try await exchange(request, on: try await connect(endpoint, limits), limits)
    }

    private func exchange(
        _ request: HTTPRequest,
        on connection: ClientConnection,
        _ limits: HTTPClientLimits
    ) async throws -> HTTPAnswer {
        do {
            let head: ResponseHead = try await connection.exchange(request, limits)
            return HTTPAnswer(head: head, connection: connection, pool: pool)
        } catch {
            connection.stream.close()
            throw error
        }
    }

    /// Errors that a connection gives when its peer had closed it before the request came.
    static func mayBeDead(_ error: any Error) -> Bool {
        if case HTTPClientFault.badAnswer = error { return true }
        if case NetworkFault.system = error { return true }
        return (error as? NetworkFault) == .closed
    }

    private func idleConnection(_ endpoint: Endpoint, usedWithin milliseconds: Int?) async -> ClientConnection? {
        while let connection = pool.take(endpoint, usedWithin: milliseconds) {
            if await connection.stream.isQuiet() { return connection }
            connection.stream.close()
        }
        return nil
    }

    // MARK: For lanes, on the loop's thread

    /// One that may be used without a task; nil when there is none.
    func idleConnection(to endpoint: Endpoint) -> ClientConnection? {
        while let connection = pool.take(endpoint) {
            if connection.isQuietNow { return connection }
            connection.stream.close()
        }
        return nil
    }

    /// The exchange of this connection is over.
    func take(back connection: ClientConnection) { pool.take(back: connection) }

    /// An answer whose head has come, for whoever reads on.
    func answer(_ head: ResponseHead, on connection: ClientConnection) -> HTTPAnswer {
        HTTPAnswer(head: head, connection: connection, pool: pool)
    }

    private func connect(_ endpoint: Endpoint, _ limits: HTTPClientLimits) async throws -> ClientConnection {
        let deadline: Deadline = .after(milliseconds: limits.connectMilliseconds)
        let stream: any ByteStream = try await connector(endpoint, loop, deadline)
        return ClientConnection(stream: stream, endpoint: endpoint, limits: limits)
    }
}
