import HTTP
package import JSON
import Logging
import Model

/// Where a node writes down what is no change and yet must be known later, and the lines of its access log.
///
/// The node implements it. Calls never wait for the disk.
package protocol NodeJournal: Sendable {
    /// Into the chained trail: denials, reads of secrets, interceptors that were passed.
    func note(_ event: JSONObject)
    /// A line of the access log, without its end.
    func access(_ line: [UInt8], file: String)
}

/// What goes into the journal, without anything that could let somebody in.
enum Journaling {
    /// Somebody was refused: without good credentials, or without the right.
    static func denied(
        _ problem: Problem,
        _ request: HTTPRequest,
        id: String,
        _ exchange: Exchange?,
        _ gateway: Gateway
    ) {
        guard problem.status == 401 || problem.status == 403, let journal: any NodeJournal = gateway.journal else {
            return
        }
        var event: JSONObject = facts(
            problem.status == 401 ? "denied.unauthenticated" : "denied.forbidden",
            request,
            id,
            exchange
        )
        event["status"] = JSONValue(problem.status)
        event["code"] = .string(problem.code)
        event["reason"] = JSONValue(problem.message)
        if let detail: String = problem.detail { event["decision"] = .string(String(detail.prefix(1_024))) }
        journal.note(event)
    }

    /// Somebody tries secrets of keys: told in the log, too, as often as their number doubles.
    static func guessed(_ count: Int, _ exchange: Exchange, _ gateway: Gateway) {
        gateway.logger.notice(
            "wrong keys",
            [
                "audit": "key.guessed", "request.id": .string(exchange.id), "count": JSONValue(count),
                "client.ip": .string(exchange.client.audited),
            ]
        )
        var event: JSONObject = facts("key.guessed", exchange.request, exchange.id, exchange)
        event["count"] = JSONValue(count)
        gateway.journal?.note(event)
    }

    /// Whoever reads what opens something leaves a line.
    static func read(_ exchange: Exchange, _ status: Int, _ gateway: Gateway) {
        guard status == 200, exchange.method == "GET", let journal: any NodeJournal = gateway.journal,
            let name: String = exchange.definition?.name
        else { return }
        let isSecret: Bool =
            name == "registrationToken"
            || ((name == "setting" || name == "activeSetting") && exchange.path.id == InterceptorConfig.setting)
        guard isSecret else { return }
        var event: JSONObject = facts("secret.read", exchange.request, exchange.id, exchange)
        event["resourceType"] = .string(name)
        event["resourceId"] = JSONValue(exchange.path.id)
        journal.note(event)
    }

    /// What an interceptor did that ended a request, or that nobody was asked.
    static func intercepted(
        _ name: String,
        _ facts: InterceptionTrace.Facts,
        _ rule: String?,
        _ reason: String,
        _ gateway: Gateway
    ) {
        gateway.journal?.note([
            "event": .string(name), "requestId": .string(facts.requestID), "account": .string(facts.subject.account),
            "method": .string(facts.subject.method), "path": .string(facts.subject.path),
            "interceptor": JSONValue(rule),
            "reason": .string(String(reason.prefix(1_024))),
        ])
    }

    static func facts(_ name: String, _ request: HTTPRequest, _ id: String, _ exchange: Exchange?) -> JSONObject {
        var event: JSONObject = [
            "event": .string(name), "requestId": .string(id), "method": .string(request.method),
            "path": .string(String(request.path.prefix(1_024))),
        ]
        if let exchange {
            event["client"] = .string(exchange.client.audited)
            event["account"] = .string(exchange.caller.name)
            if let credential: UInt64 = exchange.caller.credentialNumber {
                event["credential"] = .string(ResourceID(number: credential).rendered("c"))
            }
            if let serial: String = exchange.certificateSerial { event["certificate"] = .string(serial) }
        }
        return event
    }
}
