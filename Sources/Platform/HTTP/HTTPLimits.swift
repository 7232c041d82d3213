package import HTTP2
internal import Limits

/// What a parser accepts of one message.
package struct MessageLimits: Sendable {
    package var lineBytes: Int = Limits.httpLineBytes
    package var headBytes: Int = Limits.httpHeadBytes
    package var headerCount: Int = Limits.httpHeaderCount
    package var chunkLineBytes: Int = Limits.httpChunkLineBytes
    package var bodyBytes: Int = Limits.httpBodyBytes

    package init() {}
}

/// The bounds of a server.
package struct HTTPServerLimits: Sendable {
    package var message = MessageLimits()
    /// Of HTTP/2 connections; what `message` says of a head holds for theirs.
    package var http2 = HTTP2Limits()
    /// From the first byte of a request to the end of its head, and again for its body.
    package var readMilliseconds: Int = Limits.httpReadSeconds * 1_000
    /// Between two requests.
    package var idleMilliseconds: Int = Limits.httpIdleSeconds * 1_000
    /// After which a connection without a request gives back the memory that its last one took.
    package var restMilliseconds: Int = Limits.httpRestMilliseconds
    /// For each piece of at most 256 KiB of an answer.
    package var writeMilliseconds: Int = Limits.httpWriteSeconds * 1_000
    package var lingerMilliseconds: Int = Limits.httpLingerMilliseconds
    package var connections: Int = Limits.httpConnections
    /// Connections from one address that are not known yet (see ``HTTPServer``); more are closed.
    package var strangersPerAddress: Int = .max

    package init() {}
}

/// The bounds of a client.
package struct HTTPClientLimits: Sendable {
    package var message: MessageLimits = {
        var limits = MessageLimits()
        limits.bodyBytes = Limits.httpClientBodyBytes
        return limits
    }()
    package var connectMilliseconds: Int = Limits.httpClientConnectSeconds * 1_000
    package var writeMilliseconds: Int = Limits.httpWriteSeconds * 1_000
    /// From the end of the request to the head of the answer.
    package var answerMilliseconds: Int = Limits.httpClientAnswerSeconds * 1_000
    /// Between two pieces of the answer's body; nil waits for ever, as following a log must.
    package var bodyMilliseconds: Int? = Limits.httpClientAnswerSeconds * 1_000
    package var idleConnections: Int = Limits.httpClientIdleConnections
    package var idleMilliseconds: Int = Limits.httpClientIdleSeconds * 1_000
    /// So short a time after its last exchange a kept connection takes a request that cannot be sent a second time.
    package var busyMilliseconds: Int = Limits.httpClientBusyMilliseconds

    package init() {}
}
