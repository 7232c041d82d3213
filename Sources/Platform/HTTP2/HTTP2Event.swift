/// What a session has read, in the order in which it came.
package enum HTTP2Event: Sendable {
    /// A request has begun; unless it is whole, a body and `.end` follow.
    case head(stream: Int32, HTTP2RequestHead, isWhole: Bool)
    /// A piece of a request's body.
    case data(stream: Int32, [UInt8])
    /// The request with that body is whole.
    case end(stream: Int32)
    /// All that was given to be sent on the stream is on its way.
    case drained(stream: Int32)
    /// The whole answer is sent and the request is not whole: the rest need not come (RFC 9113, section 8.1).
    case answeredEarly(stream: Int32)
    /// Nothing more comes or goes on the stream.
    case closed(stream: Int32, HTTP2ErrorCode)
}
