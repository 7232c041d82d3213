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
        _ address: Reception.Address,
        _ gateway: Gateway
    ) async throws(Problem) -> HTTPResponse? {
        var passage: PassageRoute? = arrival.reception.passage
        if passage?.passesBodies != true { try await collect(&arrival) }
        if MethodOverride.mayBeInBody(arrival.request), !arrival.request.body.isEmpty {
            passage = PassageRoute.find(
                arrival.request,
                address.segments,
                address.query,
                arrival.reception.policy.interceptors
            )
        }
        guard let passage else { return nil }
        return try await answer(arrival, passage, address.query, gateway)
    }

    private static func collect(_ arrival: inout Arrival) async throws(Problem) {
        guard let stream: BodyStream = arrival.request.bodyStream else { return }
        do {
            arrival = Arrival(arrival, collected: try await stream.collect(upTo: Limits.httpBodyBytes))
        } catch let refusal as HTTPRefusal {
            throw Problem(refused: refusal)
        } catch {
            throw .badRequest("The body did not come to its end: \(error).")
        }
    }

    private static func answer(
        _ arrival: Arrival,
        _ passage: PassageRoute,
        _ query: QueryItems,
        _ gateway: Gateway
    ) async throws(Problem) -> HTTPResponse? {
        let (spelled, route): (RequestSpellings, InterceptorTable.Route) = (passage.spelled, passage.route)
        let loop: EventLoop = arrival.connection.loop
        let depth: Int = try InterceptedMessage.depth(of: arrival.request)
        if let destination: DestinationRule = route.destination, passage.isOnlyIdentified,
            route.requests.isEmpty || (arrival.request.body.isEmpty && !destination.asserts)
        {
            // Nobody is to be shown anything.
            return try await identified(arrival, passage, destination, query, depth: depth, gateway)
        }
        var facts: Interception.CallerFacts = .nobody
        if route.requests.contains(where: { $0.endpoint == nil }) {
            facts = try await identity(arrival, passage.api, query, gateway).facts
        }
        let prepared = try Interception.Prepared(
            arrival.request,
            arrival.id,
            gateway.now(),
            arrival.reception.client,
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
            let isIdentified: Bool = !message.identity.isEmpty
            let request: HTTPRequest =
                applied || isIdentified
                ? Interception.rewritten(arrival.request, message, prepared.message, dropsIdentity: false)
                : arrival.request
            let isKnown: Bool = message.headers["X-Api-Account-Id"] != nil
            var call = DestinationCall(
                prepared: PreparedCall(
                    request,
                    of: arrival,
                    to: destination,
                    identity: isKnown ? Set(message.identity.map { HeaderLists.canonical($0.name) }) : [],
                    depth: depth,
                    trace: InterceptionTrace.Common(prepared.trace.facts.subject),
                    gateway.interceptors.clients
                ),
                requestID: arrival.id,
                traceParent: message.traceParent
            )
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

    /// The answer of a destination that nobody stands before but this gateway, which may have to say who is calling.
    private static func identified(
        _ arrival: Arrival,
        _ passage: PassageRoute,
        _ destination: DestinationRule,
        _ query: QueryItems,
        depth: Int,
        _ gateway: Gateway
    ) async throws(Problem) -> HTTPResponse {
        let prepared: PreparedCall
        if let last: PreparedCall = passage.lastCall,
            isTrue(last, gateway.state.store.view, at: MonotonicClock.now, gateway)
        {
            prepared = last
        } else {
            prepared = try await prepare(arrival, passage, destination, query, depth: depth, gateway)
        }
        let call = DestinationCall(
            prepared: prepared,
            requestID: arrival.id,
            traceParent: TraceContext(arrival.request.headers, requestID: arrival.id).outgoing()
        )
        gateway.interceptors.traces.keep(InterceptionTrace(arrival.id, at: gateway.now(), prepared.trace))
        return await call.answer(arrival.request, gateway)
    }

    /// Whether what was found out about a caller holds still, as far as ``Consistency/recent(_:on:)`` promises.
    ///
    /// - Parameter now: of the monotonic clock, in nanoseconds.
    static func isTrue(_ call: PreparedCall, _ view: StoreView, at now: UInt64, _ gateway: Gateway) -> Bool {
        guard !call.client.isClosed else { return false }
        guard let identified: PreparedCall.Moment = call.identified else { return true }
        let milliseconds: Int = gateway.timing.identityMilliseconds
        return gateway.freshness.isWithin(milliseconds: milliseconds)
            && now - identified.time < UInt64(max(0, milliseconds)) * 1_000_000
            && view.lastChange(in: .loginToken) == identified.logins
    }

    private static func prepare(
        _ arrival: Arrival,
        _ passage: PassageRoute,
        _ destination: DestinationRule,
        _ query: QueryItems,
        depth: Int,
        _ gateway: Gateway
    ) async throws(Problem) -> PreparedCall {
        let route: InterceptorTable.Route = passage.route
        var request: HTTPRequest = arrival.reception.request
        var caller: Interception.CallerFacts = .nobody
        var canBeKept: Bool = true
        var names: Set<String> = []
        let moment = PreparedCall.Moment(
            time: MonotonicClock.now,
            logins: gateway.state.store.view.lastChange(in: .loginToken)
        )
        if !route.requests.isEmpty {
            (caller, canBeKept) = try await identity(arrival, passage.api, query, gateway)
            for (name, value) in caller.identity {
                let name: String = HeaderLists.canonical(name)
                names.insert(name)
                request.headers[name] = value
            }
        }
        let call = PreparedCall(
            request,
            of: arrival,
            to: destination,
            identity: names,
            depth: depth,
            trace: InterceptionTrace.Common(
                InterceptionTrace.Subject(
                    method: arrival.request.method,
                    path: passage.spelled.path,
                    template: route.template,
                    account: caller.account,
                    destination: destination.address.authority
                ),
                route.requests.map { InterceptorStep(identifiedBy: $0, isAnonymous: caller.identity.isEmpty) }
            ),
            identified: route.requests.isEmpty ? nil : moment,
            gateway.interceptors.clients
        )
        if canBeKept { passage.lastCall = call }
        return call
    }

    /// Who is calling; whoever shows nothing is nobody, and whoever shows what is wrong is refused.
    ///
    /// - Returns: also whether the settings, the accounts, their keys and logins are all that it follows from.
    private static func identity(
        _ arrival: Arrival,
        _ api: APIPath?,
        _ query: QueryItems,
        _ gateway: Gateway
    ) async throws(Problem) -> (facts: Interception.CallerFacts, isPlain: Bool) {
        let headers: HTTPHeaders = arrival.request.headers
        let showsSomething: Bool =
            headers.contains("authorization") || query["token"] != nil
            || headers.all("cookie").contains { $0.contains("token=") }
        let path: APIPath? = api ?? APIPath(segments: [APIPath.currentVersion])
        guard let path else { return (.nobody, false) }
        let deadline: Deadline = .after(milliseconds: gateway.timing.requestMilliseconds)
        var exchange: Exchange = try await gateway.begin(arrival, path, query, deadline, .recent)
        if !showsSomething, exchange.certified == nil, exchange.policy.isSecurityEnabled { return (.nobody, true) }
        let isKnown: Bool = await isKnown(&exchange, gateway)
        // The key may be younger than the state.
        if !isKnown { exchange = try await gateway.begin(arrival, path, query, deadline, .current) }
        _ = try await Identify.stage(&exchange, gateway, isKnown: isKnown)
        if !isKnown { _ = try await ProjectScope.stage(&exchange, gateway) }
        return (Interception.facts(exchange), isKnown && exchange.certified == nil)
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
