import HTTP
import Limits
import Synchronization

/// The heads of a request to a destination and of its answer as they are written each time that the request comes again.
final class WrittenCall: Sendable {
    final class Request: Sendable {
        /// Without the fields that are different each time.
        let head: HeadBlock
        /// The client's own.
        let trace: TraceContext?

        fileprivate init(_ call: PreparedCall, _ reception: Reception) throws(HTTPRefusal) {
            head = try HeadBlock(call.request, to: call.endpoint)
            trace = .given(reception.request.headers)
        }
    }

    /// As the client gets it.
    final class Answer: Sendable {
        /// As the destination said it.
        fileprivate let said: ResponseHead
        /// With all that goes round an answer, without the request's id.
        let headers: HTTPHeaders
        let head: HeadBlock

        fileprivate init(_ said: ResponseHead, _ reception: Reception) throws(HTTPRefusal) {
            self.said = said
            var response = HTTPResponse(status: said.status, headers: DestinationCall.headers(said))
            response.headers.remove(DestinationCall.requestID)
            Dressing.add(to: &response, reception.request, reception.policy)
            headers = response.headers
            head = try HeadBlock(response)
        }
    }

    private let request = Mutex<Request?>(nil)
    private let answer = Mutex<Answer?>(nil)

    func request(of call: PreparedCall, _ reception: Reception) throws(HTTPRefusal) -> Request {
        if let known: Request = request.withLock({ $0 }) { return known }
        let made = try Request(call, reception)
        request.withLock { $0 = made }
        return made
    }

    /// That of the last time, where the destination says the same again.
    func answer(_ said: ResponseHead, _ reception: Reception) throws(HTTPRefusal) -> Answer {
        if let last: Answer = answer.withLock({ $0 }), last.said.status == said.status,
            last.said.headers.repeats(said.headers)
        {
            return last
        }
        let made = try Answer(said, reception)
        if said.headers.byteCount <= Limits.httpKeptHeadBytes { answer.withLock { $0 = made } }
        return made
    }
}
