package import EventLoop

/// Who can pass on a request that repeats the last one of its connection without being asked as a handler is.
///
/// Whoever keeps a connection to ask the same thing again and again (a poll, a probe, a page that renews itself) gets its
/// answers by way of the loop alone: no task is woken for the request, and none for the answer behind it.
package protocol RequestRelay: Sendable {
    /// Whether this request, the last of its connection, which has been answered, may be passed on should it come again.
    func mayRelay(_ request: HTTPRequest, _ connection: ConnectionInfo) -> Bool

    /// It has come again; no other has come since ``mayRelay(_:_:)`` said yes.
    ///
    /// Called on the connection's loop.
    ///
    /// - Returns: nil when a handler has to look at it.
    func relay(_ connection: ConnectionInfo) -> (any RelayedRequest)?
}

/// One request that is passed on, and what becomes of its answer.
///
/// Exactly one of the last three functions is called, unless the request goes to the handler after all: the kept connection
/// turned out to be dead, and a GET may be sent again.
package protocol RelayedRequest: AnyObject, Sendable {
    /// Of the connection's loop.
    var client: HTTPClient { get }
    var endpoint: Endpoint { get }
    var limits: HTTPClientLimits { get }

    /// Appends the request, a GET, as it goes out.
    ///
    /// - Throws: ``HTTPRefusal`` for what cannot stand in a head; then it is the handler's.
    func writeRequest(into bytes: inout [UInt8]) throws

    /// Appends the answer as the client gets it, on a connection that stays open.
    ///
    /// - Throws: ``HTTPRefusal`` for what cannot stand in a head: the client gets that refusal.
    func writeAnswer(_ head: ResponseHead, _ body: [UInt8], into bytes: inout [UInt8]) throws

    /// The answer whose body has not come with its head, or that has none.
    func response(to answer: HTTPAnswer) async -> HTTPResponse

    /// Nobody has answered.
    func response(to error: any Error) -> HTTPResponse
}
