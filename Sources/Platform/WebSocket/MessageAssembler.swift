/// A whole message.
package enum WebSocketMessage: Equatable, Sendable {
    case text(String)
    case binary([UInt8])
}

/// Messages out of data frames (RFC 6455, sections 5.4 and 5.6).
///
/// Pure.
package struct MessageAssembler: Sendable {
    private let limit: Int
    private var opcode: Frame.Opcode?
    private var payload: [UInt8] = []

    package init(limit: Int) {
        self.limit = limit
    }

    /// Takes a data frame; returns the message that it completes.
    ///
    /// - Throws: ``WebSocketFault/violation(code:cause:)``.
    package mutating func add(_ frame: Frame) throws(WebSocketFault) -> WebSocketMessage? {
        if frame.opcode == .continuation {
            guard opcode != nil else { throw .violation(code: 1002, cause: "a continuation of nothing") }
        } else {
            guard opcode == nil else { throw .violation(code: 1002, cause: "a message starts inside another") }
            opcode = frame.opcode
        }
        guard payload.count + frame.payload.count <= limit else {
            throw .violation(code: 1009, cause: "a message has more than \(limit) bytes")
        }
        if payload.isEmpty { payload = frame.payload } else { payload.append(contentsOf: frame.payload) }
        guard frame.isFinal else { return nil }
        defer {
            payload = []
            opcode = nil
        }
        guard opcode == .text else { return .binary(payload) }
        guard let text = String(validating: payload, as: UTF8.self) else {
            throw .violation(code: 1007, cause: "a text message is not UTF-8")
        }
        return .text(text)
    }
}
