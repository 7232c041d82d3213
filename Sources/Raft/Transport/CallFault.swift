internal import RaftCore

/// Why a call to another member has no answer.
package enum CallFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// The request certainly did not run there: it may be sent again, to anybody.
    case notSent(CallCause)
    /// It may have run, or may still run. Only a request that can be told from its repetition may be sent again.
    case unknown(CallCause)

    package var cause: CallCause {
        switch self {
        case .notSent(let cause), .unknown(let cause): cause
        }
    }

    package var description: String {
        switch self {
        case .notSent(let cause): "the request was not sent: \(cause)"
        case .unknown(let cause): "whether the request ran is not known: \(cause)"
        }
    }
}

package enum CallCause: Hashable, Sendable, CustomStringConvertible {
    /// There is no such member, as far as this one knows.
    case noMember
    case unreachable(String)
    case connectionLost
    case timedOut
    case cancelled
    case tooLarge(bytes: Int, limit: Int)
    /// Too many requests wait for an answer, here or there.
    case busy
    /// The other side takes no requests from this member.
    case refused
    case stopped

    package var description: String {
        switch self {
        case .noMember: "there is no such member"
        case .unreachable(let reason): "the member cannot be reached: \(reason)"
        case .connectionLost: "the connection was lost"
        case .timedOut: "no answer before the deadline"
        case .cancelled: "the caller gave up"
        case .tooLarge(let bytes, let limit): "\(bytes) bytes are more than \(limit)"
        case .busy: "too many requests are under way"
        case .refused: "the member does not belong to the same group"
        case .stopped: "this node stops"
        }
    }
}
