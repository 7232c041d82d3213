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
        let client = ClientAddress(headers: arrival.request.headers, peer: arrival.connection.peer.host)
        let depth: Int = try InterceptedMessage.depth(of: arrival.request)
        if route.requests.isEmpty, route.responses.isEmpty, let destination: DestinationRule = route.destination {
            // Nobody is to be shown anything.
            gateway.interceptors.traces.keep(InterceptionTrace(facts(arrival, spelled, route, gateway)))
            let call = DestinationCall(
                destination: destination,
                arrival: arrival,
                client: client,
                traceParent: TraceContext(arrival.request.headers, requestID: arrival.id).outgoing(),
                depth: depth
            )
            return await call.answer(arrival.request, gateway)
        }
        var facts: Interception.CallerFacts = .nobody
        if route.requests.contains(where: { $0.endpoint == nil }) {
            facts = try await identity(arrival, api, query, gateway)
        }
        let prepared = try Interception.Prepared(
            arrival.request,
            arrival.id,
            gateway.now(),
            client,
            spelled,
            route,
            facts,
            depth: depth
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
            var call = DestinationCall(
                destination: destination,
                arrival: arrival,
                client: client,
                traceParent: message.traceParent,
                depth: depth
            )
            if message.headers["X-Api-Account-Id"] != nil {
                call.identity = Set(message.identity.map { HeaderLists.canonical($0.name) })
            }
            if destination.asserts, let signer: AssertionSigner = message.signer, let caller = message.caller {
                call.assertion = signer.assertion(
                    caller,
                    audience: destination.audience ?? destination.address.authority,
                    request: (arrival.id, request.method, message.path),
                    body: nil
                )
            }
            let response: HTTPResponse = await call.answer(request, gateway)
            guard !route.responses.isEmpty else { return response }
            let course = InterceptedCourse(
                responses: route.responses,
                message: prepared.message,
                trace: prepared.trace
            )
            return await ResponseInterception.apply(response, course, loop, gateway)
        }
    }

    /// Of a request that no interceptor sees.
    private static func facts(
        _ arrival: Arrival,
        _ spelled: RequestSpellings,
        _ route: InterceptorTable.Route,
        _ gateway: Gateway
    ) -> InterceptionTrace.Facts {
        InterceptionTrace.Facts(
            requestID: arrival.id,
            uuid: nil,
            time: gateway.now(),
            method: arrival.request.method,
            path: spelled.path,
            template: route.template,
            account: "nobody",
            destination: route.destination?.address.authority
        )
    }

    /// Who is calling; whoever shows nothing is nobody, and whoever shows what is wrong is refused.
    private static func identity(
        _ arrival: Arrival,
        _ api: APIPath?,
        _ query: QueryItems,
        _ gateway: Gateway
    ) async throws(Problem) -> Interception.CallerFacts {
        let headers: HTTPHeaders = arrival.request.headers
        let showsSomething: Bool =
            headers.contains("authorization") || query["token"] != nil
            || headers.all("cookie").contains { $0.contains("token=") }
        let path: APIPath? = api ?? APIPath(segments: [APIPath.currentVersion])
        guard let path else { return .nobody }
        let deadline: Deadline = .after(milliseconds: gateway.timing.requestMilliseconds)
        var exchange: Exchange = try await gateway.begin(arrival, path, query, deadline, .recent)
        if !showsSomething, exchange.certified == nil, exchange.policy.isSecurityEnabled { return .nobody }
        let isKnown: Bool = await isKnown(&exchange, gateway)
        // The key may be younger than the state.
        if !isKnown { exchange = try await gateway.begin(arrival, path, query, deadline, .current) }
        _ = try await Identify.stage(&exchange, gateway, isKnown: isKnown)
        if !isKnown { _ = try await ProjectScope.stage(&exchange, gateway) }
        return Interception.facts(exchange)
    }

    /// Whether the state that the request has knows its caller, and lets it in; nothing is counted.
    private static func isKnown(_ exchange: inout Exchange, _ gateway: Gateway) async -> Bool {
        do throws(Problem) {
            try Identify.refresh(&exchange)
            _ = try await ProjectScope.stage(&exchange, gateway)
            return true
        } catch {
            return false
        }
    }
}
