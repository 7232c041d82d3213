import EventLoop
import HTTP
import JSON
import Limits
import Logging
import Model
import Store

/// Requests that do not end at the API: those that a destination takes, and those to paths outside of it that interceptors
/// are configured for (contract A20).
enum Passage {
    /// A long body goes to a destination as it comes; for everybody else it is read to its end here.
    ///
    /// - Returns: nil when the request goes on as usual, with its whole body.
    static func answer(
        _ arrival: inout Arrival,
        _ segments: [String],
        _ query: QueryItems,
        _ gateway: Gateway
    ) async throws(Problem) -> HTTPResponse? {
        guard let found: Found = find(arrival.request, segments, query, gateway) else {
            try await collect(&arrival)
            return nil
        }
        if !found.passesBodies { try await collect(&arrival) }
        return try await answer(arrival, found, query, gateway)
    }

    /// Whether the body of this request, of which only the head has come, is passed on unseen.
    static func takesStream(_ request: HTTPRequest, _ gateway: Gateway) -> Bool {
        guard let segments: [String] = request.segments, let query: QueryItems = request.queryItems else {
            return false
        }
        return find(request, segments, query, gateway)?.passesBodies ?? false
    }

    /// What the configuration says of a request.
    private struct Found {
        var api: APIPath?
        var spelled: RequestSpellings
        var route: InterceptorTable.Route

        /// A long body need not be seen here, by anybody.
        var passesBodies: Bool
    }

    private static func find(
        _ request: HTTPRequest,
        _ segments: [String],
        _ query: QueryItems,
        _ gateway: Gateway
    ) -> Found? {
        let table: InterceptorTable = gateway.policies.snapshot(of: gateway.state.store.view).interceptors
        guard !table.isEmpty, !InterceptorExemption.covers(request, segments) else { return nil }
        let api: APIPath? = APIPath(segments: segments)
        let spelled = RequestSpellings(
            request,
            segments: segments,
            method: MethodOverride.method(of: request, query),
            api: api,
            project: nil
        )
        let route: InterceptorTable.Route = table.route(spelled)
        // What ends at the API is intercepted when it is known who asks.
        guard route.destination != nil || (api == nil && !route.requests.isEmpty) else { return nil }
        // A form may name another method, and that another interceptor.
        let mayBeAnother: Bool = MethodOverride.mayBeInBody(request) && table.intercepts(spelled)
        return Found(
            api: api,
            spelled: spelled,
            route: route,
            passesBodies: route.destination != nil && route.requests.isEmpty && !mayBeAnother
        )
    }

    private static func collect(_ arrival: inout Arrival) async throws(Problem) {
        guard let stream: BodyStream = arrival.request.bodyStream else { return }
        do {
            arrival.request.body = try await stream.collect(upTo: Limits.httpBodyBytes)
            arrival.request.bodyStream = nil
        } catch let refusal as HTTPRefusal {
            throw Problem(refused: refusal)
        } catch {
            throw .badRequest("The body did not come to its end: \(error).")
        }
    }

    private static func answer(
        _ arrival: Arrival,
        _ found: Found,
        _ query: QueryItems,
        _ gateway: Gateway
    ) async throws(Problem) -> HTTPResponse? {
        let (api, spelled, route): (APIPath?, RequestSpellings, InterceptorTable.Route) = (
            found.api, found.spelled, found.route
        )
        let loop: EventLoop = arrival.connection.loop
        var facts: (account: String, identity: [(name: String, value: String)]) = ("nobody", [])
        if route.requests.contains(where: { $0.endpoint == nil }) {
            facts = try await identity(arrival, api, query, gateway)
        }
        let client = ClientAddress(headers: arrival.request.headers, peer: arrival.connection.peer.host)
        let prepared = try Interception.Prepared(
            arrival.request,
            arrival.id,
            gateway.now(),
            client,
            spelled,
            route,
            facts
        )
        gateway.interceptors.traces.keep(prepared.trace)
        switch await Interception.ask(route.requests, prepared, loop, gateway) {
        case .refused(let response): return response
        case .passed(let message, let applied):
            guard let destination: DestinationRule = route.destination else { return nil }
            let identified: Bool = !message.identity.isEmpty
            let request: HTTPRequest =
                applied || identified
                ? Interception.rewritten(arrival.request, message, prepared.message, dropsIdentity: false)
                : arrival.request
            let response: HTTPResponse = await forward(request, message, to: destination, arrival, client, gateway)
            guard !route.responses.isEmpty else { return response }
            let course = InterceptedCourse(
                responses: route.responses,
                message: prepared.message,
                trace: prepared.trace
            )
            return await ResponseInterception.apply(response, course, loop, gateway)
        }
    }

    /// Who is calling; whoever shows nothing is nobody, and whoever shows what is wrong is refused.
    private static func identity(
        _ arrival: Arrival,
        _ api: APIPath?,
        _ query: QueryItems,
        _ gateway: Gateway
    ) async throws(Problem) -> (account: String, identity: [(name: String, value: String)]) {
        let headers: HTTPHeaders = arrival.request.headers
        let showsSomething: Bool =
            headers.contains("authorization") || query["token"] != nil
            || headers.all("cookie").contains { $0.contains("token=") }
        let path: APIPath? = api ?? APIPath(segments: [APIPath.currentVersion])
        guard let path else { return ("nobody", []) }
        var exchange: Exchange = try await gateway.begin(
            arrival,
            path,
            query,
            .after(milliseconds: gateway.timing.requestMilliseconds),
            early: false
        )
        if !showsSomething, exchange.certified == nil, exchange.policy.isSecurityEnabled { return ("nobody", []) }
        _ = try await Identify.stage(&exchange, gateway)
        _ = try await ProjectScope.stage(&exchange, gateway)
        return Interception.facts(exchange)
    }

    // MARK: To the destination

    private static func forward(
        _ request: HTTPRequest,
        _ message: InterceptedMessage,
        to destination: DestinationRule,
        _ arrival: Arrival,
        _ client: ClientAddress,
        _ gateway: Gateway
    ) async -> HTTPResponse {
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
        clean(&outgoing.headers, message, destination)
        let peer: String = client.peer
        let before: [String] = request.headers.all("x-forwarded-for")
        outgoing.headers["X-Forwarded-For"] = (before + [peer]).joined(separator: ", ")
        if !outgoing.headers.contains("x-forwarded-proto") {
            outgoing.headers["X-Forwarded-Proto"] = arrival.base.scheme
        }
        if !outgoing.headers.contains("x-forwarded-host") {
            outgoing.headers["X-Forwarded-Host"] = arrival.base.authority
        }
        outgoing.headers["traceparent"] = message.traceParent
        outgoing.headers["X-API-Request-Id"] = arrival.id
        outgoing.headers[HeaderPolicy.depth] = String(message.depth + 1)
        let http: HTTPClient = gateway.interceptors.clients.client(
            arrival.connection.loop,
            secure: address.isSecure,
            allowed: destination.allowedAddresses
        )
        var limits = HTTPClientLimits()
        limits.answerMilliseconds = Limits.destinationSeconds * 1_000
        limits.bodyMilliseconds = nil
        limits.message.bodyBytes = .max
        limits.idleMilliseconds = Limits.interceptorIdleMilliseconds
        do {
            let answer: HTTPAnswer = try await http.open(outgoing, to: address.endpoint, limits: limits)
            var headers: HTTPHeaders = ForwardedRequest.withoutConnection(answer.headers)
            headers["X-API-Request-Id"] = arrival.id
            let length: Int? = answer.headers["content-length"].flatMap { Int($0) }
            let isEmpty: Bool = request.method == "HEAD" || answer.status == 204 || answer.status == 304
            // A piece is read when the client has taken the one before.
            if isEmpty {
                _ = try await answer.next()  // the end, after which the connection is free again
                return HTTPResponse(status: answer.status, headers: headers)
            }
            return .stream(status: answer.status, headers: headers, length: length) { writer in
                do {
                    while let piece: [UInt8] = try await answer.next() { try await writer.write(piece) }
                } catch {
                    await answer.end()
                    throw error
                }
            }
        } catch let refusal as HTTPRefusal where request.bodyStream != nil {
            // What is wrong is the client's body.
            return Interception.document(Problem(refused: refusal))
        } catch {
            gateway.logger.notice(
                "a destination does not answer",
                [
                    "request.id": .string(arrival.id), "destination": .string(address.authority),
                    "error": .string("\(error)"),
                ]
            )
            return Interception.document(
                Problem(
                    status: 502,
                    code: "Bad Gateway",
                    message: "The destination \(address.authority) of this path does not answer."
                )
            )
        }
    }

    /// No header says who is calling but what a validator said.
    private static func clean(
        _ headers: inout HTTPHeaders,
        _ message: InterceptedMessage,
        _ destination: DestinationRule
    ) {
        let said: Set<String> = Set(message.identity.map { HeaderLists.canonical($0.name) })
        let wasAsked: Bool = message.headers["X-Api-Account-Id"] != nil
        for name in Set(headers.map(\.name)) {
            let isOwn: Bool = wasAsked && said.contains(HeaderLists.canonical(name))
            if isOwn { continue }
            if HeaderPolicy.isIdentity(name) || HeaderLists.canonical(name) == "X-Api-Project-Id"
                || HeaderLists.canonical(name) == HeaderPolicy.breakGlass
                || (!destination.passesCredentials && HeaderPolicy.isCredential(name))
            {
                headers.remove(name)
            }
        }
    }
}
