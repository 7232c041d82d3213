import EventLoop
import HTTP
import JSON
import Limits
import Model
import RBAC
import Store

/// `/v1-api-interceptor/…`: what administrators ask of the interceptors of this node.
///
/// Shape: `POST reload` (contract A20); `GET status`; `GET traces`, `GET traces/{request id}`; `POST test`. For administrators;
/// for everyone else it is not there.
enum InterceptorControl {
    static func answer(
        _ arrival: Arrival,
        _ segments: [String],
        _ query: QueryItems,
        _ gateway: Gateway
    ) async throws(Problem) -> HTTPResponse {
        guard let root = APIPath(segments: [APIPath.currentVersion]) else { throw .fault }
        if arrival.request.method != "GET" {
            try CrossSite.refuse(arrival.request, arrival.base, gateway.state.store.view)
        }
        var exchange: Exchange = try await gateway.begin(
            arrival,
            root,
            query,
            .after(milliseconds: gateway.timing.requestMilliseconds),
            .current
        )
        _ = try await Identify.stage(&exchange, gateway)
        guard exchange.rights.decide(.update, "setting").isAllowed else {
            throw .notFound("There is nothing at \(arrival.request.path), or it is not yours to see.")
        }
        switch (arrival.request.method, segments.dropFirst().first ?? "", segments.count) {
        case ("POST", "reload", 2): return reload(exchange)
        case ("GET", "status", 2): return ok(status(exchange.policy.interceptors, gateway))
        case ("GET", "traces", 2):
            let limit: Int = query["limit"].flatMap { Int($0) } ?? 20
            let traces: [InterceptionTrace] = gateway.interceptors.traces.latest(
                max(1, min(limit, Limits.interceptorTraces))
            )
            return ok(["type": "collection", "data": .array(traces.map(\.document))])
        case ("GET", "traces", 3):
            guard let trace: InterceptionTrace = gateway.interceptors.traces.trace(segments[2]) else {
                throw .notFound(
                    "This node knows no interception of the request \(segments[2]): it came in at another node, met no "
                        + "interceptor, or is too old."
                )
            }
            return ok(trace.document)
        case ("POST", "test", 2):
            return ok(try await InterceptorTrial.run(arrival.request, exchange, gateway))
        default: throw .notFound("There is nothing at \(arrival.request.path).")
        }
    }

    private static func ok(_ document: JSONValue) -> HTTPResponse {
        HTTPResponse(
            status: 200,
            headers: ["Content-Type": "application/json; charset=utf-8"],
            body: JSONWriter.bytes(document)
        )
    }

    /// Every change of the setting is in force at once, on every node; this says whether it could be read.
    private static func reload(_ exchange: Exchange) -> HTTPResponse {
        let text: String = ActiveSettings.value(InterceptorConfig.setting, exchange.view) ?? ""
        do throws(InterceptorConfig.Fault) {
            _ = try InterceptorConfig(text)
            return HTTPResponse(status: 200)
        } catch {
            return Interception.document(
                Problem(
                    status: 500,
                    code: "Internal Server Error",
                    message: "Failed to reload the proxy config with error \(error)"
                )
            )
        }
    }

    private static func status(_ table: InterceptorTable, _ gateway: Gateway) -> JSONValue {
        .object([
            "type": "interceptorStatus",
            "interceptors": .array(
                table.config.rules.map { rule in
                    var document: JSONObject = shown(rule)
                    for (name, value) in gateway.interceptors.health.document(of: rule) { document[name] = value }
                    return .object(document)
                }
            ),
            "destinations": .array(
                table.config.destinations.map { rule in
                    .object([
                        "destination": .string(rule.address.authority),
                        "paths": JSONValue(rule.templates.map(\.text)),
                    ])
                }
            ), "warnings": JSONValue(table.config.warnings),
        ])
    }

    static func shown(_ rule: InterceptorRule) -> JSONObject {
        [
            "name": .string(rule.name), "type": .string(rule.typeName), "phase": .string(rule.phase.rawValue),
            "endpoint": JSONValue(rule.endpoint.map(\.authority)), "mode": .string(rule.mode.rawValue),
            "failurePolicy": .string(rule.failurePolicy.rawValue),
            "timeoutMilliseconds": JSONValue(rule.timeoutMilliseconds), "signed": .bool(!rule.secretToken.isEmpty),
            "audience": JSONValue(rule.endpoint.map { rule.audience ?? $0.authority }),
            "paths": JSONValue(rule.templates.map(\.text)), "methods": JSONValue(rule.methods.sorted()),
        ]
    }
}
