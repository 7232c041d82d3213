internal import Limits

/// The bounds of one WebSocket.
package struct WebSocketLimits: Sendable {
    package var messageBytes: Int = Limits.webSocketMessageBytes
    /// Messages that wait to be sent; one more and the connection is closed.
    package var queuedMessages: Int = Limits.webSocketQueuedMessages
    package var writeMilliseconds: Int = Limits.webSocketWriteSeconds * 1_000
    package var closeMilliseconds: Int = Limits.webSocketCloseSeconds * 1_000
    /// How long nothing, not even a pong, may come before ``WebSocket/receive()`` fails; nil waits for ever.
    package var silenceMilliseconds: Int?

    package init() {}
}
