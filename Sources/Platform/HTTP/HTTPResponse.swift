package import EventLoop

/// What a handler answers.
package struct HTTPResponse: Sendable {
    package enum Body: Sendable {
        case bytes([UInt8])
        /// Written piece by piece; with a `length` as that many bytes, else in chunks.
        case stream(length: Int?, produce: @Sendable (HTTPBodyWriter) async throws -> Void)
        /// The connection is no longer HTTP: the handler owns the stream until it returns. `leftover` came behind the request.
        case upgrade(@Sendable (_ stream: any ByteStream, _ leftover: [UInt8]) async -> Void)
        /// The same without a task: the handler has the stream until it has closed it and calls `ended`, once.
        case handOver(HandOver)
    }

    /// Called on the loop's thread; see ``Body/handOver(_:)``.
    package typealias HandOver =
        @Sendable (
            _ stream: any ByteStream, _ leftover: [UInt8], _ ended: @escaping @Sendable () -> Void
        ) -> Void

    package var status: Int
    /// The phrase behind the status; empty for the usual one.
    package var reason: String
    /// Without Content-Length, Transfer-Encoding and Connection: close, which the server writes itself.
    package var headers: HTTPHeaders
    package var body: Body

    package init(status: Int, reason: String = "", headers: HTTPHeaders = HTTPHeaders(), body: [UInt8] = []) {
        self.init(status: status, reason: reason, headers: headers, content: .bytes(body))
    }

    package init(status: Int, reason: String = "", headers: HTTPHeaders = HTTPHeaders(), content: Body) {
        self.status = status
        self.reason = reason
        self.headers = headers
        self.body = content
    }

    /// A plain text answer.
    package static func text(_ status: Int, _ text: String) -> HTTPResponse {
        HTTPResponse(
            status: status,
            headers: ["Content-Type": "text/plain; charset=utf-8"],
            body: Array("\(text)\n".utf8)
        )
    }

    /// An answer whose body is produced while it is sent; writing waits for the reader.
    ///
    /// When the peer goes away the producer's task is cancelled; an error that it throws ends the connection, so
    /// that the peer can tell a broken body from a complete one.
    package static func stream(
        status: Int = 200,
        headers: HTTPHeaders = HTTPHeaders(),
        length: Int? = nil,
        produce: @escaping @Sendable (HTTPBodyWriter) async throws -> Void
    ) -> HTTPResponse {
        HTTPResponse(status: status, headers: headers, content: .stream(length: length, produce: produce))
    }

    /// `101 Switching Protocols`; `headers` carry the Upgrade field.
    package static func upgrade(
        headers: HTTPHeaders,
        handler: @escaping @Sendable (_ stream: any ByteStream, _ leftover: [UInt8]) async -> Void
    ) -> HTTPResponse {
        HTTPResponse(status: 101, headers: headers, content: .upgrade(handler))
    }

    /// As ``upgrade(headers:handler:)``, for a connection that shall cost no task.
    package static func handOver(headers: HTTPHeaders, handler: @escaping HandOver) -> HTTPResponse {
        HTTPResponse(status: 101, headers: headers, content: .handOver(handler))
    }
}
