import Bytes
import Crypto
import EventLoop
package import HTTP
import Store

/// A request to a destination that is the last one of its connection over again, so that all that was found out of that one
/// holds, and what was written for it is written again.
final class RepeatedPassage: RelayedRequest {
    private let prepared: PreparedCall
    private let reception: Reception
    private let connection: ConnectionInfo
    private let gateway: Gateway
    private let id: UInt64
    /// When it came in, on the monotonic clock.
    private let since: UInt64

    init(
        _ prepared: PreparedCall,
        _ reception: Reception,
        _ connection: ConnectionInfo,
        since: UInt64,
        _ gateway: Gateway
    ) {
        self.prepared = prepared
        self.reception = reception
        self.connection = connection
        self.since = since
        self.gateway = gateway
        id = SecureRandom.identifier()
    }

    var client: HTTPClient { prepared.client }
    var endpoint: Endpoint { prepared.endpoint }
    var limits: HTTPClientLimits { DestinationCall.limits }

    func writeRequest(into bytes: inout [UInt8]) throws {
        gateway.interceptors.traces.keep(id, at: gateway.now(), prepared.trace)
        let request: WrittenCall.Request = try prepared.written.request(of: prepared, reception)
        request.head.write(into: &bytes) { bytes in
            HeadBlock.append("traceparent", to: &bytes) {
                TraceContext.writeOutgoing(request.trace, requestID: id, to: &$0)
            }
            HeadBlock.append("X-API-Request-Id", to: &bytes) { Hex.append(id, to: &$0) }
        }
    }

    func writeAnswer(_ head: ResponseHead, _ body: [UInt8], into bytes: inout [UInt8]) throws {
        let answer: WrittenCall.Answer = try prepared.written.answer(head, reception)
        answer.head.write(body: body, into: &bytes) { bytes in
            HeadBlock.append("X-API-Request-Id", to: &bytes) { Hex.append(id, to: &$0) }
        }
        gateway.answered(reception, head.status, since: since) {
            let arrival: Arrival = arrival
            var response = HTTPResponse(status: head.status, headers: answer.headers, body: body)
            response.headers[DestinationCall.requestID] = arrival.id
            return (arrival, response)
        }
    }

    func response(to answer: HTTPAnswer) async -> HTTPResponse {
        let arrival: Arrival = arrival
        return gateway.finished(await call(arrival).response(to: answer, gateway), to: arrival, since: since)
    }

    func response(to error: any Error) -> HTTPResponse {
        let arrival: Arrival = arrival
        return gateway.finished(call(arrival).response(to: error, gateway), to: arrival, since: since)
    }

    private var arrival: Arrival { Arrival(reception, reception.request, connection, id: Hex.encode(id)) }

    private func call(_ arrival: Arrival) -> DestinationCall {
        DestinationCall(
            prepared: prepared,
            requestID: arrival.id,
            traceParent: TraceContext(arrival.request.headers, requestID: arrival.id).outgoing()
        )
    }
}

extension Gateway: RequestRelay {
    package func mayRelay(_ request: HTTPRequest, _ connection: ConnectionInfo) -> Bool {
        guard let reception = connection.note as? Reception, reception.passage?.lastCall != nil else { return false }
        // The note may be of an earlier request: not every one of a connection comes here.
        return reception.isOf(request)
    }

    package func relay(_ connection: ConnectionInfo) -> (any RelayedRequest)? {
        let since: UInt64 = MonotonicClock.now
        let view: StoreView = state.store.view
        guard let reception = connection.note as? Reception, let prepared: PreparedCall = reception.passage?.lastCall,
            reception.holds(policies.snapshot(of: view), localAuthority()),
            Passage.isTrue(prepared, view, at: since, self)
        else { return nil }
        return RepeatedPassage(prepared, reception, connection, since: since, self)
    }
}
