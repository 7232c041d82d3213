import EventLoop
import HTTP
import JSON
import Limits
import Model

/// `POST /v1-api-interceptor/test`: what would happen to a request, under the configuration in force or one to be tried.
///
/// In: `{"config": …, "method": "POST", "path": "/v2-beta/…", "headers": {…}, "body": {…}, "call": false}`; all but `path`
/// may be left out. Without `call` nobody is asked. The request itself is never carried out.
enum InterceptorTrial {
    static func run(_ request: HTTPRequest, _ exchange: Exchange, _ gateway: Gateway) async throws(Problem) -> JSONValue
    {
        guard let input: JSONObject = (try? JSONReader.parse(request.body))?.object else {
            throw .invalidBody("The body must be a JSON object with the path of a request.")
        }
        var document: JSONObject = ["type": "interceptorTrial"]
        let table: InterceptorTable
        switch input["config"] {
        case nil, .null?:
            table = exchange.policy.interceptors
            document["config"] = ["source": "setting", "valid": true, "warnings": JSONValue(table.config.warnings)]
        case let given?:
            do throws(InterceptorConfig.Fault) {
                let config: InterceptorConfig =
                    if case .object(let object) = given {
                        try InterceptorConfig(object)
                    } else {
                        try InterceptorConfig(given.string ?? "0")
                    }
                table = InterceptorTable(config)
                document["config"] = ["source": "request", "valid": true, "warnings": JSONValue(config.warnings)]
            } catch {
                document["config"] = ["source": "request", "valid": false, "problem": .string("\(error)")]
                return .object(document)
            }
        }
        guard let target: String = input["path"]?.string else { return .object(document) }
        let headers: HTTPHeaders = try Self.headers(input)
        let method: String = input["method"]?.string?.uppercased() ?? "GET"
        let body: [UInt8] = input["body"].map { $0.isNull ? [] : JSONWriter.bytes($0) } ?? []
        let trial = HTTPRequest(method: method, target: target, headers: headers, body: body)
        guard target.hasPrefix("/"), let segments: [String] = trial.segments, let query: QueryItems = trial.queryItems
        else { throw .badRequest("'\(target)' is no path such as /v2-beta/projects/1a5/services.") }
        let api: APIPath? = APIPath(segments: segments)
        let spelled = RequestSpellings(
            trial,
            segments: segments,
            method: MethodOverride.method(of: trial, query),
            api: api,
            project: nil
        )
        let isExempt: Bool = InterceptorExemption.covers(trial, segments)
        let route: InterceptorTable.Route = isExempt ? InterceptorTable.Route() : table.route(spelled)
        document["exempt"] = .bool(isExempt)
        document["template"] = JSONValue(route.template)
        document["destination"] = .string(route.destination?.address.authority ?? "the API")
        document["interceptors"] = .array(
            (route.requests + route.responses).map { .object(InterceptorControl.shown($0)) }
        )
        guard input["call"]?.bool == true, !route.requests.isEmpty else { return .object(document) }
        let prepared = try Interception.Prepared(
            trial,
            exchange.id,
            exchange.time,
            exchange.client,
            spelled,
            route,
            Interception.facts(exchange),
            depth: InterceptedMessage.depth(of: trial)
        )
        // Shadows are waited for here.
        let rules: [InterceptorRule] = route.requests.map { rule in
            var rule: InterceptorRule = rule
            rule.mode = .enforce
            return rule
        }
        let chain = InterceptorChain(clients: gateway.interceptors.clients, health: InterceptorHealth())
        let loop: EventLoop = exchange.connection.loop
        let message: InterceptedMessage = await prepared.signable(by: rules, gateway)
        switch await chain.run(rules, message, on: loop, prepared.trace) {
        case .proceed(let message, _):
            document["outcome"] = "proceed"
            document["body"] = message.body.map { .object(SecretMask.hidden($0)) } ?? .null
        case .deny(let status, let text, let rule):
            document["outcome"] = .string("denied by \(rule.name) with \(status): \(text)")
        case .failed(let cause, let rule): document["outcome"] = .string("failed at \(rule.name): \(cause)")
        }
        document["steps"] = .array(prepared.trace.steps.map(\.document))
        return .object(document)
    }

    private static func headers(_ input: JSONObject) throws(Problem) -> HTTPHeaders {
        var result = HTTPHeaders()
        guard let object: JSONObject = input["headers"]?.object else { return result }
        guard let lists = HeaderLists(object) else {
            throw .badRequest("headers must be names with a string or a list of strings each.")
        }
        for name in lists.names { for value in lists[name] ?? [] { result.append(name, value) } }
        return result
    }
}
