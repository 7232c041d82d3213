package import EventLoop

/// Why a request got no answer, besides the ``NetworkFault`` of its connection.
package enum HTTPClientFault: Error, Equatable, Sendable, CustomStringConvertible {
    /// The request cannot be written as HTTP.
    case invalidRequest(String)
    /// What came back is not HTTP, or more than is accepted.
    case badAnswer(from: Endpoint, cause: String)

    package var description: String {
        switch self {
        case .invalidRequest(let cause): "the request cannot be sent: \(cause)"
        case .badAnswer(let endpoint, let cause): "\(endpoint) gave an answer that cannot be used: \(cause)"
        }
    }
}
