import EventLoop
import HTTP
import JSON
import Limits
import Logging
import Model

/// What a service of the operator's says of passwords: asked before one is kept, when the setting ``url`` names it.
///
/// It is sent `{"secret": "<password>"}`; 2xx lets the password pass, 4xx refuses it in the service's own words. A service
/// that cannot be asked lets none pass. Addresses are checked and bounds kept as for interceptors.
enum PasswordPolicy {
    static let url: String = "api.auth.local.validate.url"
    static let description: String = "api.auth.local.validate.description"
    static let patience: String = "api.auth.local.validate.timeout.milliseconds"

    /// - Parameter field: where the password stood in the request.
    /// - Throws: the service's refusal; 503 when it cannot be asked.
    static func check(
        _ password: String,
        field: String,
        _ exchange: Exchange,
        _ gateway: Gateway
    ) async throws(Problem) {
        let text: String = ActiveSettings.value(url, exchange.view) ?? ""
        guard !text.isEmpty else { return }
        guard let address = try? OutboundAddress(text) else {
            throw .unavailable(
                "The setting \(url) is no address, so no password can be set: an administrator corrects it."
            )
        }
        let answer: HTTPClientResponse
        do {
            answer = try await ask(password, address, exchange, gateway)
        } catch {
            throw unasked(address, error is TooSlow ? "it does not answer in time" : "\(error)", exchange, gateway)
        }
        switch answer.status {
        case 200..<300: return
        case 400..<500: throw refusal(answer, field, exchange)
        default: throw unasked(address, "it answers \(answer.status)", exchange, gateway)
        }
    }

    private struct TooSlow: Error {}

    private static func ask(
        _ password: String,
        _ address: OutboundAddress,
        _ exchange: Exchange,
        _ gateway: Gateway
    ) async throws -> HTTPClientResponse {
        let loop: EventLoop = exchange.connection.loop
        let wanted: Int? = ActiveSettings.value(patience, exchange.view).flatMap { Int($0) }
        let milliseconds: Int = min(max(wanted ?? Limits.passwordCheckMilliseconds, 100), 60_000)
        var request = HTTPRequest(
            method: "POST",
            target: address.target,
            body: JSONWriter.bytes(["secret": .string(password)])
        )
        request.headers.append("Host", address.hostHeader)
        request.headers.append("Content-Type", "application/json")
        request.headers.append("Accept", "application/json")
        request.headers.append("User-Agent", "drover")
        var limits = HTTPClientLimits()
        limits.connectMilliseconds = milliseconds
        limits.answerMilliseconds = milliseconds
        limits.bodyMilliseconds = milliseconds
        limits.writeMilliseconds = milliseconds
        limits.message.bodyBytes = Limits.passwordCheckAnswerBytes
        limits.idleMilliseconds = Limits.interceptorIdleMilliseconds
        let client: HTTPClient = gateway.interceptors.clients.client(loop, secure: address.isSecure, allowed: [])
        // All of it together: an answer that comes byte by byte must not take longer either.
        return try await withThrowingTaskGroup(of: HTTPClientResponse.self) { [limits, request] group in
            group.addTask { try await client.send(request, to: address.endpoint, limits: limits) }
            group.addTask {
                try await loop.sleep(milliseconds: milliseconds)
                throw TooSlow()
            }
            defer { group.cancelAll() }
            guard let first: HTTPClientResponse = try await group.next() else { throw TooSlow() }
            return first
        }
    }

    /// In the service's words where it has any, else in those of the setting.
    private static func refusal(_ answer: HTTPClientResponse, _ field: String, _ exchange: Exchange) -> Problem {
        let said: JSONValue? = try? JSONReader.parse(answer.body)
        let type: String = said?["type"]?.string ?? ""
        let isCode: Bool =
            type.utf8.count <= 64 && CharacterClass("a-zA-Z0-9._-").containsAll(of: type) && !type.isEmpty
        let words: String =
            [
                said?["message"]?.string, ActiveSettings.value(description, exchange.view),
            ].compactMap { $0.map { plain($0) } }.first { !$0.isEmpty }
            ?? "The rules of this cluster do not allow this password."
        var problem = Problem(status: 422, code: "PasswordRefused", message: words, fieldName: field)
        problem.status = answer.status
        if isCode { problem.code = type }
        return problem
    }

    private static func plain(_ text: String) -> String {
        String(
            String.UnicodeScalarView(text.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }).prefix(1_024)
        )
    }

    private static func unasked(
        _ address: OutboundAddress,
        _ cause: String,
        _ exchange: Exchange,
        _ gateway: Gateway
    ) -> Problem {
        gateway.logger.notice(
            "a password could not be checked",
            [
                "request.id": .string(exchange.id), "service": .string(address.authority),
                "reason": .string(String(cause.prefix(1_024))),
            ]
        )
        return .unavailable(
            "The service that checks passwords (\(url)) could not be asked, and without it none is set. Try again, or tell an "
                + "administrator."
        )
    }
}
