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
            return await response(to: answer, gateway)
        } catch let refusal as HTTPRefusal where request.bodyStream != nil {
            // What is wrong is the client's body.
            return Interception.document(Problem(refused: refusal))
        } catch {
            return response(to: error, gateway)
        }
    }

    /// Nobody has answered.
    func response(to error: any Error, _ gateway: Gateway) -> HTTPResponse {
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

    static let limits: HTTPClientLimits = {
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
        outgoing.headers.append(Self.requestID, requestID)
        if let assertion { outgoing.headers.append(AssertionSigner.header, assertion) }
        return outgoing
    }

    static let requestID: String = "X-API-Request-Id"

    // MARK: The answer

    /// Of the answer as the client gets it, but for the request's id.
    static func headers(_ head: ResponseHead) -> HTTPHeaders { ForwardedRequest.withoutConnection(head.headers) }

    /// Whoever sends no more than the head of an answer is a 502, too.
    func response(to answer: HTTPAnswer, _ gateway: Gateway) async -> HTTPResponse {
        do { return try await response(to: answer) } catch { return response(to: error, gateway) }
    }

    private func response(to answer: HTTPAnswer) async throws -> HTTPResponse {
        var headers: HTTPHeaders = Self.headers(answer.head)
        headers[Self.requestID] = requestID
        let length: Int? = answer.headers["content-length"].flatMap { Int($0) }
        if prepared.request.method == "HEAD" || answer.status == 204 || answer.status == 304 {
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
