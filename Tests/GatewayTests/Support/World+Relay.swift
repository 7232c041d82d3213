import EventLoop
import HTTP
import Testing

@testable import Gateway

extension World {
    /// As a server does with a plain request that repeats the last one of its connection; nil for those that are handled.
    func relayed(_ request: HTTPRequest, _ connection: ConnectionInfo, _ gateway: Gateway) async -> Answer? {
        guard request.method == "GET", request.body.isEmpty, request.bodyStream == nil,
            gateway.mayRelay(request, connection),
            let relayed: any RelayedRequest = gateway.relay(connection)
        else { return nil }
        do {
            var bytes: [UInt8] = []
            try relayed.writeRequest(into: &bytes)
            let outgoing: HTTPRequest = try Self.parsed(bytes)
            let answer: HTTPAnswer = try await relayed.client.open(
                outgoing,
                to: relayed.endpoint,
                limits: relayed.limits
            )
            guard ![101, 204, 304].contains(answer.status), let body: [UInt8] = try answer.atHand() else {
                return Answer(await relayed.response(to: answer))
            }
            bytes = []
            try relayed.writeAnswer(answer.head, body, into: &bytes)
            return Answer(try Self.answer(bytes))
        } catch let refusal as HTTPRefusal {
            Issue.record("\(refusal)")
            return nil
        } catch {
            return Answer(relayed.response(to: error))
        }
    }

    private static func parsed(_ bytes: [UInt8]) throws -> HTTPRequest {
        var parser = RequestParser()
        let buffer = ReadBuffer(bytes)
        guard case .request(let request)? = try parser.next(buffer), buffer.isEmpty else {
            throw HTTPRefusal(500, "no single request: \(String(decoding: bytes, as: UTF8.self))")
        }
        return request
    }

    private static func answer(_ bytes: [UInt8]) throws -> HTTPResponse {
        var parser = ResponseParser(method: "GET")
        let buffer = ReadBuffer(bytes)
        guard case .head(let head)? = try parser.next(buffer) else {
            throw HTTPRefusal(500, "no answer: \(String(decoding: bytes, as: UTF8.self))")
        }
        var body: [UInt8] = []
        while case .body(let piece)? = try parser.next(buffer) { body += piece }
        guard buffer.isEmpty else { throw HTTPRefusal(500, "more than an answer") }
        return HTTPResponse(status: head.status, headers: head.headers, body: body)
    }
}
