import EventLoop
import HTTP
import JSON
import Limits

/// Interceptors of answers: they see a document before the client does, and may change or withhold it.
///
/// What the request changed stays changed. Streams, and what is no JSON object, pass unseen.
enum ResponseInterception {
    static func apply(
        _ response: HTTPResponse,
        _ course: InterceptedCourse,
        _ loop: EventLoop,
        _ gateway: Gateway
    ) async -> HTTPResponse {
        guard case .bytes(let bytes) = response.body, bytes.count <= Limits.interceptedAnswerBytes,
            let body: JSONObject = (try? JSONReader.parse(bytes))?.object
        else { return response }
        var message: InterceptedMessage = course.message
        message.headers = HeaderLists(response.headers)
        message.body = body
        message.status = response.status
        var prepared = Interception.Prepared(message: message, trace: course.trace)
        prepared.message = message
        switch await Interception.ask(course.responses, prepared, loop, gateway) {
        case .refused(var refusal):
            for name in ["X-API-Request-Id", "X-API-Schemas", "X-Rancher-Version", "X-API-Revision"] {
                if let value: String = response.headers[name] { refusal.headers[name] = value }
            }
            return refusal
        case .passed(let after, let applied):
            guard applied else { return response }
            var result: HTTPResponse = response
            for name in after.headers.names where after.headers[name] != message.headers[name] {
                result.headers.remove(name)
                for value in after.headers[name] ?? [] { result.headers.append(name, value) }
            }
            if after.body != body { result.body = .bytes(JSONWriter.bytes(.object(after.body ?? [:]))) }
            return result
        }
    }
}

extension Interception.Prepared {
    init(message: InterceptedMessage, trace: InterceptionTrace) {
        self.message = message
        self.trace = trace
    }
}
