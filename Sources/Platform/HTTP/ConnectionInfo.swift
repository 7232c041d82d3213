package import EventLoop
internal import Synchronization

/// The connection that a request came in on.
package final class ConnectionInfo: Sendable {
    package let peer: Endpoint
    package let local: Endpoint
    /// The stream itself: a later layer (TLS) answers here for who the peer has proved to be.
    package let stream: any ByteStream
    private let kept = Mutex<(any AnyObject & Sendable)?>(nil)

    package init(peer: Endpoint, local: Endpoint, stream: any ByteStream) {
        self.peer = peer
        self.local = local
        self.stream = stream
    }

    package var loop: EventLoop { stream.loop }

    /// What the handler keeps from one request of the connection to the next.
    ///
    /// Gone when the connection has ended or is no longer HTTP, and over HTTP/1.1 when it rests.
    package var note: (any AnyObject & Sendable)? {
        get { kept.withLock { $0 } }
        set { kept.withLock { $0 = newValue } }
    }
}
