import HTTP
import JSON
import Limits
import Logging

/// Hands one request to the service behind a destination, and its answer to the client as it comes.
struct DestinationCall {
    let destination: DestinationRule
    let arrival: Arrival
    let client: ClientAddress
    let traceParent: String
    /// How many interceptors' calls led to the request.
    let depth: Int
    /// Canonical names of the headers in which a validator said who is calling.
    var identity: Set<String> = []
    /// Who is calling, under the cluster's key.
    var assertion: String?

    /// Never throws: whoever does not answer is a 502.
    ///
    /// - Parameter request: what interceptors made of it.
    func answer(_ request: HTTPRequest, _ gateway: Gateway) async -> HTTPResponse {
        let http: HTTPClient = gateway.interceptors.clients.client(
            arrival.connection.loop,
            secure: destination.address.isSecure,
            allowed: destination.allowedAddresses
        )
        do {
            let answer: HTTPAnswer = try await http.open(
                outgoing(request),
                to: destination.address.endpoint,
                limits: Self.limits
            )
            return try await response(answer, isHead: request.method == "HEAD")
        } catch let refusal as HTTPRefusal where request.bodyStream != nil {
            // What is wrong is the client's body.
            return Interception.document(Problem(refused: refusal))
        } catch {
            gateway.logger.notice(
                "a destination does not answer",
                [
                    "request.id": .string(arrival.id), "destination": .string(destination.address.authority),
                    "error": .string("\(error)"),
                ]
            )
            return Interception.document(
                Problem(
                    status: 502,
                    code: "Bad Gateway",
                    message: "The destination \(destination.address.authority) of this path does not answer."
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

    private func outgoing(_ request: HTTPRequest) -> HTTPRequest {
        let address: OutboundAddress = destination.address
        let base: Substring = address.path.hasSuffix("/") ? address.path.dropLast() : address.path[...]
        var target: String = base + (request.path.hasPrefix("/") ? request.path : "/\(request.path)")
        if let query: String = request.query { target += "?\(query)" }
        var outgoing = HTTPRequest(
            method: request.method,
            target: target,
            headers: ForwardedRequest.withoutConnection(request.headers),
            body: request.body
        )
        outgoing.bodyStream = request.bodyStream
        outgoing.headers.removeAll { isWithheld(HeaderLists.canonical($0)) }
        let before: [String] = request.headers.all("x-forwarded-for")
        outgoing.headers["X-Forwarded-For"] =
            before.isEmpty ? client.peer : (before + [client.peer]).joined(separator: ", ")
        if !outgoing.headers.contains("x-forwarded-proto") {
            outgoing.headers.append("X-Forwarded-Proto", arrival.base.scheme)
        }
        if !outgoing.headers.contains("x-forwarded-host") {
            outgoing.headers.append("X-Forwarded-Host", arrival.base.authority)
        }
        outgoing.headers["traceparent"] = traceParent
        outgoing.headers["X-API-Request-Id"] = arrival.id
        outgoing.headers[HeaderPolicy.depth] = String(depth + 1)
        if let assertion { outgoing.headers.append(AssertionSigner.header, assertion) }
        return outgoing
    }

    /// No header says who is calling but what a validator said.
    private func isWithheld(_ name: String) -> Bool {
        guard !identity.contains(name) else { return false }
        return HeaderPolicy.isIdentity(name) || name == "X-Api-Project-Id" || name == HeaderPolicy.breakGlass
            || (!destination.passesCredentials && HeaderPolicy.isCredential(name))
    }

    // MARK: The answer

    private func response(_ answer: HTTPAnswer, isHead: Bool) async throws -> HTTPResponse {
        var headers: HTTPHeaders = ForwardedRequest.withoutConnection(answer.headers)
        headers["X-API-Request-Id"] = arrival.id
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
