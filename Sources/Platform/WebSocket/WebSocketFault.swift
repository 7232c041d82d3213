/// Why a WebSocket ended otherwise than by an orderly close.
package enum WebSocketFault: Error, Equatable, Sendable, CustomStringConvertible {
    /// The peer broke the protocol; `code` is what it was told (RFC 6455, section 7.4.1).
    case violation(code: UInt16, cause: String)
    /// The connection ended without a close frame.
    case endedAbruptly
    /// It was closed, by either side; nothing can be sent any more.
    case closed
    /// The peer reads too slowly: more messages wait than may.
    case tooSlow(waiting: Int)
    /// The other end did not agree to speak WebSocket.
    case refused(status: Int, cause: String)

    package var description: String {
        switch self {
        case .violation(let code, let cause): "the peer broke the WebSocket protocol (\(code)): \(cause)"
        case .endedAbruptly: "the WebSocket connection ended without a closing handshake"
        case .closed: "the WebSocket was closed"
        case .tooSlow(let waiting): "the WebSocket's reader is too slow: \(waiting) messages are waiting"
        case .refused(let status, let cause): "no WebSocket: status \(status), \(cause)"
        }
    }
}
