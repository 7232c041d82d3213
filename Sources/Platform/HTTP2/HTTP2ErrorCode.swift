/// Why a stream or a connection ended (RFC 9113, section 7).
package struct HTTP2ErrorCode: RawRepresentable, Hashable, Sendable {
    package let rawValue: UInt32

    package init(rawValue: UInt32) { self.rawValue = rawValue }

    package static let noError = HTTP2ErrorCode(rawValue: 0x0)
    package static let protocolError = HTTP2ErrorCode(rawValue: 0x1)
    package static let internalError = HTTP2ErrorCode(rawValue: 0x2)
    /// Nothing was done for the stream: whoever opened it may try again.
    package static let refusedStream = HTTP2ErrorCode(rawValue: 0x7)
    package static let cancel = HTTP2ErrorCode(rawValue: 0x8)
    /// The peer does too much that leads to nothing.
    package static let enhanceYourCalm = HTTP2ErrorCode(rawValue: 0xB)
}

/// Why nothing more can be read on a connection; the peer is told the code.
package struct HTTP2Fault: Error, Equatable, Sendable, CustomStringConvertible {
    package let code: HTTP2ErrorCode
    package let description: String

    package init(_ code: HTTP2ErrorCode, _ description: String) {
        self.code = code
        self.description = description
    }
}
