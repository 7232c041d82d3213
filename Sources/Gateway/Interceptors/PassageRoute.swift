import HTTP
import Synchronization

/// What the configuration says of a request that does not end at the API, or is shown to somebody outside of it.
final class PassageRoute: Sendable {
    let api: APIPath?
    let spelled: RequestSpellings
    let route: InterceptorTable.Route
    /// A long body need not be seen here, by anybody.
    let passesBodies: Bool
    /// The call that was made last, for who asks the same again.
    private let prepared = Mutex<PreparedCall?>(nil)

    /// nil for a request that nobody is asked about and that goes nowhere else.
    static func find(
        _ request: HTTPRequest,
        _ segments: [String],
        _ query: QueryItems,
        _ table: InterceptorTable
    ) -> PassageRoute? {
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
        return PassageRoute(
            api,
            spelled,
            route,
            passesBodies: route.destination != nil && route.requests.isEmpty && !mayBeAnother
        )
    }

    private init(_ api: APIPath?, _ spelled: RequestSpellings, _ route: InterceptorTable.Route, passesBodies: Bool) {
        self.api = api
        self.spelled = spelled
        self.route = route
        self.passesBodies = passesBodies
    }

    /// Nobody outside sees the request before its destination: at most it is found out who is calling.
    var isOnlyIdentified: Bool {
        route.responses.isEmpty && route.requests.allSatisfy { $0.endpoint == nil }
    }

    /// The one that was made last.
    var lastCall: PreparedCall? {
        get { prepared.withLock { $0 } }
        set { prepared.withLock { $0 = newValue } }
    }
}
