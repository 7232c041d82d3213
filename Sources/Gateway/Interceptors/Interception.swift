import EventLoop
import HTTP
import JSON
import Limits
import Logging
import Model
import RBAC
import Store
import StoreFormat

/// The stage in which configured interceptors see a request and may change or deny it (contract A20).
///
/// Who asks, where and by which way is settled before and stays; what comes out is authorised and validated like any
/// request. A request that another node has forwarded was intercepted there.
enum Interception {
    static func stage(_ exchange: inout Exchange, _ gateway: Gateway) async throws(Problem) -> Answer? {
        guard exchange.forwarded == nil, exchange.interception == nil else { return nil }
        let table: InterceptorTable = exchange.policy.interceptors
        guard !table.isEmpty else { return nil }
        let segments: [String] = exchange.request.segments ?? []
        guard !InterceptorExemption.covers(exchange.request, segments) else { return nil }
        let spelled = RequestSpellings(
            exchange.request,
            segments: segments,
            method: exchange.method,
            api: exchange.path,
            project: exchange.projectNumber
        )
        let route: InterceptorTable.Route = table.route(spelled)
        guard !route.isEmpty else { return nil }
        if let reason: String = try bypass(exchange) {
            var note = InterceptionNote()
            note.bypass = reason
            exchange.interception = note
            var event: JSONObject = Journaling.facts("interceptors.bypassed", exchange.request, exchange.id, exchange)
            event["reason"] = .string(reason)
            gateway.journal?.note(event)
            gateway.logger.notice(
                "interceptors bypassed",
                [
                    "audit": "interceptors.bypassed", "request.id": .string(exchange.id), "reason": .string(reason),
                    "account": .string(exchange.caller.name), "http.method": .string(exchange.method),
                    "http.path": .string(exchange.request.path), "client.ip": .string(exchange.client.audited),
                ]
            )
            return nil
        }
        let prepared = try Prepared(
            exchange.request,
            exchange.id,
            exchange.time,
            exchange.client,
            spelled,
            route,
            facts(exchange),
            depth: InterceptedMessage.depth(of: exchange.request)
        )
        gateway.interceptors.traces.keep(prepared.trace)
        let result: Outcome = await ask(route.requests, prepared, exchange.connection.loop, gateway)
        var note = InterceptionNote()
        note.steps = prepared.trace.steps.map(\.short)
        exchange.interception = note
        switch result {
        case .refused(let response): return .http(response)
        case .passed(let message, let applied):
            if applied { exchange.replaceRequest(rewritten(exchange.request, message, prepared.message)) }
            if !route.responses.isEmpty {
                exchange.course = InterceptedCourse(
                    responses: route.responses,
                    message: prepared.message,
                    trace: prepared.trace
                )
            }
            // Waiting for interceptors does not shorten the time for the change itself.
            exchange.deadline = .after(milliseconds: gateway.timing.requestMilliseconds)
            return nil
        }
    }

    // MARK: Passing by

    /// Why nobody is asked; nil to ask.
    ///
    /// - Throws: 403 for the wish of somebody who is no administrator.
    private static func bypass(_ exchange: Exchange) throws(Problem) -> String? {
        let isAdministrator: Bool =
            exchange.caller.rights(in: nil).decide(.update, "setting").isAllowed
        if isAdministrator, ["setting", "activeSetting"].contains(exchange.definition?.name ?? ""),
            exchange.path.id == InterceptorConfig.setting
        {
            return "the configuration of the interceptors itself"
        }
        guard let reason: String = exchange.request.headers[HeaderPolicy.breakGlass] else { return nil }
        guard isAdministrator else {
            throw .forbidden("Only administrators may pass the interceptors (\(HeaderPolicy.breakGlass)).")
        }
        guard reason.contains(where: { $0 != " " }) else {
            throw .badRequest("\(HeaderPolicy.breakGlass) must say why the interceptors are passed.")
        }
        return "break-glass: \(reason.prefix(256))"
    }

    // MARK: Asking

    enum Outcome {
        case passed(InterceptedMessage, applied: Bool)
        case refused(HTTPResponse)
    }

    /// What is known of the caller, under the names that later interceptors and destinations look for (contract A20).
    static func facts(_ exchange: Exchange) -> CallerFacts {
        guard let number: UInt64 = exchange.caller.accountNumber, let account = exchange.caller.account else {
            return .nobody
        }
        let user: String = ResourceID(number: number).rendered("a")
        var identity: [(name: String, value: String)] = [
            ("X-API-Account-Id", user), ("X-API-Account-Kind", ResponseHeaders.safe(account.kind)),
        ]
        let name: String = ResponseHeaders.safe(account.name)
        if !name.isEmpty { identity.append(("X-API-Account-Name", name)) }
        if let project: UInt64 = exchange.projectNumber {
            identity.append(("X-API-Project-Id", ResourceID(number: project).rendered("a")))
        }
        return CallerFacts(account: user, identity: identity, asserted: AssertedCaller(exchange))
    }

    /// What is known of a caller.
    struct CallerFacts: Sendable {
        var account: String
        /// Headers that a validator sets.
        var identity: [(name: String, value: String)]
        var asserted: AssertedCaller?

        static let nobody = CallerFacts(account: "nobody", identity: [])
    }

    /// A request made ready to be shown.
    struct Prepared {
        var message: InterceptedMessage
        var trace: InterceptionTrace
        /// The destination is told who is calling, too.
        var assertsToDestination: Bool = false

        /// - Throws: 400 for a body that is no JSON object.
        init(
            _ request: HTTPRequest,
            _ id: String,
            _ time: Int64,
            _ client: ClientAddress,
            _ spelled: RequestSpellings,
            _ route: InterceptorTable.Route,
            _ facts: CallerFacts,
            depth: Int
        ) throws(Problem) {
            assertsToDestination = route.destination?.asserts ?? false
            var body: JSONObject?
            if !request.body.isEmpty, !route.requests.isEmpty {
                guard let object: JSONObject = (try? JSONReader.parse(request.body))?.object else {
                    throw .invalidBody("Interceptors see this path: the body must be a JSON object.")
                }
                body = object
            }
            let uuid: String = TimeUUID.make(time)
            var headers = HeaderLists(request.headers)
            // Whoever is calling is said by this server alone.
            headers = headers.without(HeaderPolicy.isIdentity)
            headers.remove(HeaderPolicy.breakGlass)
            message = InterceptedMessage(
                headers: headers,
                body: body,
                uuid: uuid,
                path: spelled.path,
                method: spelled.method,
                environment: Interception.environment(spelled.path),
                requestID: id,
                traceParent: TraceContext(request.headers, requestID: id).outgoing(),
                depth: depth,
                identity: facts.identity,
                caller: facts.asserted
            )
            trace = InterceptionTrace(
                InterceptionTrace.Facts(
                    requestID: id,
                    uuid: uuid,
                    time: time,
                    subject: InterceptionTrace.Subject(
                        method: request.method,
                        path: spelled.path,
                        template: route.template,
                        account: facts.account,
                        destination: route.destination?.address.authority
                    )
                )
            )
        }

        /// The message with what is needed to tell these of the caller, or the destination behind them.
        func signable(by rules: [InterceptorRule], _ gateway: Gateway) async -> InterceptedMessage {
            guard message.caller != nil, assertsToDestination || rules.contains(where: { $0.endpoint != nil }) else {
                return message
            }
            var signable: InterceptedMessage = message
            signable.signer = await gateway.assertions.signer()
            return signable
        }
    }

    /// The text between the first `/projects/` and the next slash (contract A20).
    private static func environment(_ path: String) -> String? {
        let segments: [Substring.UTF8View] = path.utf8.split(
            separator: UInt8(ascii: "/"),
            omittingEmptySubsequences: false
        )
        let named: Int? = segments.dropFirst().firstIndex { $0.elementsEqual("projects".utf8) }
        guard let named, named + 1 < segments.count, !segments[named + 1].isEmpty else { return nil }
        return String(Substring(segments[named + 1]))
    }

    static func ask(
        _ rules: [InterceptorRule],
        _ prepared: Prepared,
        _ loop: EventLoop,
        _ gateway: Gateway
    ) async -> Outcome {
        let trace: InterceptionTrace = prepared.trace
        let message: InterceptedMessage = await prepared.signable(by: rules, gateway)
        switch await gateway.interceptors.chain.run(rules, message, on: loop, trace) {
        case .proceed(let message, let applied): return .passed(message, applied: applied)
        case .deny(let status, let text, let rule):
            trace.end("denied by \(rule.name) with \(status)")
            tell("an interceptor denied a request", "interceptor.denied", rule, "\(status) \(text)", trace, gateway)
            return .refused(document(status, "InterceptorDenied", text))
        case .failed(let cause, let rule):
            trace.end("failed at \(rule.name)")
            tell("an interceptor could not be asked", "interceptor.failed", rule, cause, trace, gateway)
            // Neither the secret nor the whole rule: these were told once.
            return .refused(
                document(
                    Problem(
                        status: 500,
                        code: "InterceptorFailed",
                        message:
                            "The \(rule.shown) (\(rule.name)) could not be asked, and without it this request is not let through: "
                            + "\(cause)"
                    )
                )
            )
        }
    }

    private static func tell(
        _ event: StaticString,
        _ audit: String,
        _ rule: InterceptorRule,
        _ what: String,
        _ trace: InterceptionTrace,
        _ gateway: Gateway
    ) {
        Journaling.intercepted(audit, trace.facts, rule.name, what, gateway)
        gateway.logger.notice(
            event,
            [
                "audit": .string(audit), "request.id": .string(trace.facts.requestID),
                "interceptor": .string(rule.name), "account": .string(trace.facts.subject.account),
                "http.method": .string(trace.facts.subject.method), "http.path": .string(trace.facts.subject.path),
                "reason": .string(what),
            ]
        )
    }

    /// The error documents of this way have a status in words, as they always had (contract A20).
    static func document(_ problem: Problem) -> HTTPResponse {
        document(problem.status, problem.code, problem.message ?? "")
    }

    private static func document(_ status: Int, _ code: String, _ message: String) -> HTTPResponse {
        let body: JSONValue = [
            "type": "error", "status": .string(String(status)), "code": .string(code), "message": .string(message),
        ]
        let hasBody: Bool = status != 204 && status != 304 && status >= 200
        return HTTPResponse(
            status: (200...599).contains(status) ? status : 500,
            headers: hasBody ? ["Content-Type": "application/json"] : HTTPHeaders(),
            body: hasBody ? JSONWriter.bytes(body) : []
        )
    }

    /// The request as it goes on.
    ///
    /// - Parameter dropsIdentity: what validators said stays here: the API knows the caller itself.
    static func rewritten(
        _ request: HTTPRequest,
        _ message: InterceptedMessage,
        _ before: InterceptedMessage,
        dropsIdentity: Bool = true
    ) -> HTTPRequest {
        var result: HTTPRequest = request
        for (name, values) in message.headers.changed(since: before.headers) {
            if dropsIdentity, message.identity.contains(where: { HeaderLists.canonical($0.name) == name }) { continue }
            result.headers.remove(name)
            for value in values { result.headers.append(name, value) }
        }
        if message.body != before.body || !request.body.isEmpty {
            result.body = message.body.map { JSONWriter.bytes(.object($0)) } ?? []
            if !result.body.isEmpty { result.headers["Content-Type"] = "application/json" }
        }
        return result
    }
}
