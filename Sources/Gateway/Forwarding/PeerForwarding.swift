package import EventLoop
package import HTTP

/// Who owns scopes, and the way to the other nodes of the cluster; the node supplies it.
///
/// ``PooledPeers`` is one over connections that the node opens.
package protocol PeerForwarding: Sendable {
    /// Where the scope's controllers and host streams are now, as far as this node knows; 0 is the cluster itself.
    ///
    /// Called for each change and, while a stream is open, once a second: answer from memory.
    func owner(of scope: UInt64) -> ScopeHome

    /// Sends a request to the peer's own listener; returns when the head of the answer has come.
    ///
    /// - Parameter loop: where the connection belongs.
    /// - Throws: ``ForwardFault``.
    func send(_ request: HTTPRequest, to peer: PeerAddress, on loop: EventLoop, before deadline: Deadline)
        async throws(ForwardFault) -> HTTPAnswer

    /// As ``send(_:to:on:before:)``, for a request that asks for another protocol; on a connection of its own.
    func upgrade(_ request: HTTPRequest, to peer: PeerAddress, on loop: EventLoop, before deadline: Deadline)
        async throws(ForwardFault) -> HTTPUpgrade

    /// Milliseconds since the peer last answered any request of this node; nil when that is not known.
    func silentMilliseconds(of peer: PeerAddress) -> Int?
}

extension PeerForwarding {
    package func silentMilliseconds(of peer: PeerAddress) -> Int? { nil }
}

/// Where a scope is.
package enum ScopeHome: Hashable, Sendable {
    case here
    case peer(PeerAddress)
    /// Nobody owns it now, or this node does not know who.
    case unknown
}

/// Another server node.
package struct PeerAddress: Hashable, Sendable {
    /// Its number in the Raft group.
    package var member: UInt64
    package var name: String

    package init(member: UInt64, name: String) {
        self.member = member
        self.name = name
    }
}

/// Why a forwarded request has no answer.
package enum ForwardFault: Error, Equatable, Sendable, CustomStringConvertible {
    /// Nobody listens there: the peer's process is gone. The request never left.
    case refused(String)
    /// No connection could be made; the request never left.
    case neverLeft(String)
    /// It left, and nobody knows what became of it.
    case unknown(String)

    package var description: String {
        switch self {
        case .refused(let cause): "its process is gone (\(cause))"
        case .neverLeft(let cause): "it cannot be reached (\(cause))"
        case .unknown(let cause): "it did not answer (\(cause))"
        }
    }
}
