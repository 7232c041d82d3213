package import EventLoop
internal import Synchronization

/// An answer with its whole body.
package struct HTTPClientResponse: Sendable {
    package let head: ResponseHead
    package let body: [UInt8]

    package var status: Int { head.status }
    package var headers: HTTPHeaders { head.headers }
}

/// An answer whose body is still to be read.
///
/// Letting go of it before its end closes the connection.
package final class HTTPAnswer: Sendable {
    package let head: ResponseHead
    private let connection: ClientConnection
    private let pool: ConnectionPool
    /// The body of its own request, which may still be going: the connection may have another one by the time this is let go of.
    private let sending: BodySending?
    /// The connection is somebody else's, or closed.
    private let hasLeft = Atomic<Bool>(false)

    init(head: ResponseHead, connection: ClientConnection, pool: ConnectionPool) {
        self.head = head
        self.connection = connection
        self.pool = pool
        sending = connection.currentSending
    }

    deinit { sending?.cancel() }

    package var status: Int { head.status }
    package var headers: HTTPHeaders { head.headers }

    /// The next piece of the body as soon as it arrives, or nil at the end.
    ///
    /// Called by one task at a time.
    ///
    /// - Throws: ``HTTPClientFault``, ``NetworkFault``, `CancellationError`.
    package func next() async throws -> [UInt8]? {
        do {
            if let piece = try await connection.nextPiece() { return piece }
        } catch {
            connection.stream.close()
            throw error
        }
        leave()
        return nil
    }

    /// The whole body, where it came together with the head, so that nobody has to wait for it; nil when ``next()`` has to.
    ///
    /// Called before ``next()``, and at its end like that one.
    package func atHand() throws -> [UInt8]? {
        do {
            guard let body: [UInt8] = try connection.bodyAtHand() else { return nil }
            leave()
            return body
        } catch {
            connection.stream.close()
            throw error
        }
    }

    /// Another request may use the connection.
    private func leave() {
        hasLeft.store(true, ordering: .releasing)
        pool.take(back: connection)
    }

    /// The rest of the body.
    ///
    /// Limits: ``MessageLimits/bodyBytes``.
    package func collect() async throws -> [UInt8] {
        guard var body = try await next() else { return [] }
        while let piece = try await next() { body.append(contentsOf: piece) }
        return body
    }

    /// Ends the connection; a reader that waits gets ``NetworkFault/closed``.
    package func close() {
        sending?.cancel()
        if !hasLeft.load(ordering: .acquiring) { connection.stream.close() }
    }

    /// The same; returns when nothing reads the stream any more that the request's body came from.
    package func end() async {
        guard !hasLeft.load(ordering: .acquiring) else { return }
        connection.stream.close()
        await connection.endSending()
    }
}

/// What came of asking for another protocol.
package enum HTTPUpgrade: Sendable {
    /// The stream belongs to the caller now; `leftover` came behind the head and is read first.
    case switched(ResponseHead, stream: any ByteStream, leftover: [UInt8])
    case refused(HTTPClientResponse)
}
