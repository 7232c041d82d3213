import HTTP
import JSON
import Limits
import Logging

/// Hands one request to the service behind a destination, and its answer to the client as it comes.
struct DestinationCall {
    let prepared: PreparedCall
    /// Of the request, for the client and for the destination.
    let requestID: String
    let traceParent: String
    /// Who is calling, under the cluster's key.
    var assertion: String?

    /// Never throws: whoever does not answer is a 502.
    ///
    /// - Parameter request: has the body.
    func answer(_ request: HTTPRequest, _ gateway: Gateway) async -> HTTPResponse {
        do {
            let answer: HTTPAnswer = try await prepared.client.open(
                outgoing(request),
                to: prepared.endpoint,
                limits: Self.limits
            )
            return try await response(answer, isHead: prepared.request.method == "HEAD")
        } catch let refusal as HTTPRefusal where request.bodyStream != nil {
            // What is wrong is the client's body.
            return Interception.document(Problem(refused: refusal))
        } catch {
            gateway.logger.notice(
                "a destination does not answer",
                [
                    "request.id": .string(requestID), "destination": .string(prepared.authority),
                    "error": .string("\(error)"),
                ]
            )
            return Interception.document(
                Problem(
                    status: 502,
                    code: "Bad Gateway",
                    message: "The destination \(prepared.authority) of this path does not answer."
                )
            )
        }
    }

    private static let limits: HTTPClientLimits = {
        var limits = HTTPClientLimits()
        limits.answerMilliseconds = Limits.destinationSeconds * 1_000
        limits.bodyMilliseconds = nil
        limits.message.bodyBytes = .max
        limits.idleMilliseconds = Limits.interceptorIdleMilliseconds
        return limits
    }()

    // MARK: The request

    private func outgoing(_ body: HTTPRequest) -> HTTPRequest {
        var outgoing: HTTPRequest = prepared.request
        outgoing.body = body.body
        outgoing.bodyStream = body.bodyStream
        outgoing.headers.reserve(3, bytes: 128 + (assertion?.utf8.count ?? 0))
        outgoing.headers.append("traceparent", traceParent)
        outgoing.headers.append("X-API-Request-Id", requestID)
        if let assertion { outgoing.headers.append(AssertionSigner.header, assertion) }
        return outgoing
    }

    // MARK: The answer

    private func response(_ answer: HTTPAnswer, isHead: Bool) async throws -> HTTPResponse {
        var headers: HTTPHeaders = ForwardedRequest.withoutConnection(answer.headers)
        headers["X-API-Request-Id"] = requestID
        let length: Int? = answer.headers["content-length"].flatMap { Int($0) }
        if isHead || answer.status == 204 || answer.status == 304 {
            _ = try await answer.next()  // the end, after which the connection is free again
            return HTTPResponse(status: answer.status, headers: headers)
        }
        // A small one is sent on in one piece, as it came.
        if let body: [UInt8] = try answer.atHand() {
            return HTTPResponse(status: answer.status, headers: headers, body: body)
        }
        return .stream(status: answer.status, headers: headers, length: length) { writer in
            do {
                // A piece is read when the client has taken the one before.
                while let piece: [UInt8] = try await answer.next() { try await writer.write(piece) }
            } catch {
                await answer.end()
                throw error
            }
        }
    }
}
