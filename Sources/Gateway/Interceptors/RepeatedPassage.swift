import Bytes
import Crypto
import EventLoop
package import HTTP
import Store

/// A request to a destination that is the last one of its connection over again, so that all that was found out of that one
/// holds, and what was written for it is written again.
final class RepeatedPassage: RelayedRequest {
    private let call: DestinationCall
    private let reception: Reception
    private let connection: ConnectionInfo
    private let gateway: Gateway
    /// When it came in, on the monotonic clock.
    private let since: UInt64

    init(_ call: DestinationCall, _ reception: Reception, _ connection: ConnectionInfo, since: UInt64, _ gateway: Gateway) {
        self.call = call
        self.reception = reception
        self.connection = connection
        self.since = since
        self.gateway = gateway
    }

    var client: HTTPClient { call.prepared.client }
    var endpoint: Endpoint { call.prepared.endpoint }
    var limits: HTTPClientLimits { DestinationCall.limits }

    func writeRequest(into bytes: inout [UInt8]) throws {
        try call.prepared.written.head(of: call.prepared).write(
            with: (DestinationCall.traceParent, call.traceParent),
            (DestinationCall.requestID, call.requestID),
            into: &bytes
        )
    }

    func writeAnswer(_ head: ResponseHead, _ body: [UInt8], into bytes: inout [UInt8]) throws {
        call.keepTrace(gateway)
        let answer: WrittenCall.Answer = try call.prepared.written.answer(head, reception)
        try answer.head.write(with: (DestinationCall.requestID, call.requestID), body: body, into: &bytes)
        gateway.answered(reception, head.status, since: since) {
            var response = HTTPResponse(status: head.status, headers: answer.headers, body: body)
            response.headers[DestinationCall.requestID] = call.requestID
            return (arrival, response)
        }
    }

    func response(to answer: HTTPAnswer) async -> HTTPResponse {
        call.keepTrace(gateway)
        return finished(await call.response(to: answer, gateway))
    }

    func response(to error: any Error) -> HTTPResponse {
        call.keepTrace(gateway)
        return finished(call.response(to: error, gateway))
    }

    private func finished(_ response: HTTPResponse) -> HTTPResponse {
        gateway.finished(response, to: arrival, since: since)
    }

    private var arrival: Arrival { Arrival(reception, reception.request, connection, id: call.requestID) }
}

extension Gateway: RequestRelay {
    package func mayRelay(_ connection: ConnectionInfo) -> Bool {
        (connection.note as? Reception)?.passage?.lastCall != nil
    }

    package func relay(_ request: HTTPRequest, _ connection: ConnectionInfo) -> (any RelayedRequest)? {
        let since: UInt64 = MonotonicClock.now
        let policy: PolicySnapshot = policies.snapshot(of: state.store.view)
        guard let reception = connection.note as? Reception, reception.holds(request, policy, localAuthority()),
            let prepared: PreparedCall = reception.passage?.lastCall, Passage.isTrue(prepared, self)
        else { return nil }
        let id: String = Hex.encode(SecureRandom.identifier())
        let call = DestinationCall(
            prepared: prepared,
            requestID: id,
            traceParent: TraceContext(reception.request.headers, requestID: id).outgoing()
        )
        return RepeatedPassage(call, reception, connection, since: since, self)
    }
}
