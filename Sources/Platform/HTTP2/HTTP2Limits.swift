internal import Limits

/// What a session accepts of its peer.
package struct HTTP2Limits: Sendable {
    package var concurrentStreams: Int = Limits.http2ConcurrentStreams
    /// What may arrive on a stream before somebody takes it.
    package var streamWindowBytes: Int = Limits.http2StreamWindowBytes
    package var connectionWindowBytes: Int = Limits.http2ConnectionWindowBytes
    /// Streams that are reset or malformed: so many at once, and so many each second.
    package var resets: Int = Limits.http2Resets
    package var resetsPerSecond: Int = Limits.http2ResetsPerSecond
    /// Frames that carry nothing of a request: so many at once, and so many each second.
    package var controlFrames: Int = Limits.http2ControlFrames
    package var controlFramesPerSecond: Int = Limits.http2ControlFramesPerSecond
    /// Acknowledgements of pings and settings that wait to be sent.
    package var unsentAcknowledgements: Int = Limits.http2UnsentAcknowledgements
    package var settings: Int = Limits.http2Settings
    package var continuations: Int = Limits.http2Continuations

    // Of one request's header fields; as in HTTP/1.1.
    package var lineBytes: Int = Limits.httpLineBytes
    package var headBytes: Int = Limits.httpHeadBytes
    package var headerCount: Int = Limits.httpHeaderCount

    package init() {}
}
