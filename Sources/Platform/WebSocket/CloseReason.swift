/// Why a peer closed (RFC 6455, section 7.4).
package struct CloseReason: Equatable, Sendable {
    /// 1000 is a normal end, 1001 going away; 3000 and above belong to applications.
    ///
    /// 1005 when none was given.
    package let code: UInt16
    package let reason: String

    package init(code: UInt16, reason: String = "") {
        self.code = code
        self.reason = reason
    }

    static let none = CloseReason(code: 1005)

    /// - Throws: ``WebSocketFault/violation(code:cause:)`` when the payload is no valid close.
    package init(payload: [UInt8]) throws(WebSocketFault) {
        guard !payload.isEmpty else {
            self = .none
            return
        }
        guard payload.count >= 2 else { throw .violation(code: 1002, cause: "a close code of one byte") }
        let code = UInt16(payload[0]) << 8 | UInt16(payload[1])
        guard Self.mayBeSent(code) else { throw .violation(code: 1002, cause: "close code \(code) must not be sent") }
        guard let reason = String(validating: payload.dropFirst(2), as: UTF8.self) else {
            throw .violation(code: 1007, cause: "a close reason is not UTF-8")
        }
        self.init(code: code, reason: reason)
    }

    /// As it stands in a close frame: the reason is cut, at a character, to what a control frame can hold.
    package var payload: [UInt8] {
        guard Self.mayBeSent(code) else { return [] }
        var text: Substring = reason[...]
        while text.utf8.count > 123 { text.removeLast() }
        return [UInt8(code >> 8), UInt8(code & 0xFF)] + Array(text.utf8)
    }

    private static func mayBeSent(_ code: UInt16) -> Bool {
        switch code {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }
}
