import EventLoop
import HTTP
import JSON
import Limits

/// Asks the interceptors of a route, one after the other: the output of each is the input of the next.
struct InterceptorChain: Sendable {
    let clients: OutboundClients
    let health: InterceptorHealth

    enum Outcome: Sendable {
        /// - Parameter applied: an interceptor that counts was asked for its opinion of the body.
        case proceed(InterceptedMessage, applied: Bool)
        case deny(status: Int, message: String, by: InterceptorRule)
        case failed(String, of: InterceptorRule)
    }

    func run(
        _ rules: [InterceptorRule],
        _ message: InterceptedMessage,
        on loop: EventLoop,
        _ trace: InterceptionTrace
    ) async -> Outcome {
        var message: InterceptedMessage = message
        var wasApplied: Bool = false
        for rule in rules {
            guard let address: OutboundAddress = rule.endpoint else {
                for (name, value) in message.identity { message.headers.set(name, [value]) }
                trace.add(InterceptorStep(identifiedBy: rule, isAnonymous: message.identity.isEmpty))
                continue
            }
            if rule.mode == .shadow {
                let shown: InterceptedMessage = message
                // Nobody waits for it; how many run at a time is bounded as for all others.
                Task(executorPreference: loop) { [self] in await shadow(rule, address, shown, loop, trace) }
                continue
            }
            let (verdict, step): (InterceptorVerdict, InterceptorStep) = await ask(rule, address, message, loop)
            trace.add(step)
            health.count(step, of: rule, sample: nil)
            switch verdict {
            case .proceed(let after, _):
                wasApplied = true
                message = after
            case .deny(let status, let text): return .deny(status: status, message: text, by: rule)
            case .unusable(let cause):
                if rule.failurePolicy == .ignore { continue }
                return .failed(cause, of: rule)
            }
        }
        return .proceed(message, applied: wasApplied)
    }

    private func shadow(
        _ rule: InterceptorRule,
        _ address: OutboundAddress,
        _ message: InterceptedMessage,
        _ loop: EventLoop,
        _ trace: InterceptionTrace
    ) async {
        let (_, step): (InterceptorVerdict, InterceptorStep) = await ask(rule, address, message, loop)
        trace.add(step)
        let disagrees: Bool = step.verdict != .allow
        let sample: JSONValue? =
            disagrees
            ? .object([
                "requestId": .string(message.requestID), "timeTS": .int(trace.facts.time),
                "method": .string(message.method), "path": .string(message.path),
                "verdict": .string(step.verdict.rawValue), "status": step.status.map { JSONValue($0) } ?? .null,
                "message": JSONValue(step.message), "changes": .array(step.changes),
            ]) : nil
        health.count(step, of: rule, sample: sample)
    }

    /// One call, judged.
    func ask(
        _ rule: InterceptorRule,
        _ address: OutboundAddress,
        _ message: InterceptedMessage,
        _ loop: EventLoop
    ) async -> (InterceptorVerdict, InterceptorStep) {
        let since: UInt64 = MonotonicClock.now
        var status: Int?
        let verdict: InterceptorVerdict
        if let refusal: String = health.begin(rule) {
            verdict = .unusable(refusal)
        } else {
            do {
                let answer: HTTPClientResponse = try await call(rule, address, message, loop)
                status = answer.status
                verdict = InterceptorReply.judge(status: answer.status, body: answer.body, of: rule, message)
                if case .unusable(let cause) = verdict {
                    health.ended(rule, failure: cause)
                } else {
                    health.ended(rule, failure: nil)
                }
            } catch {
                let cause: String = Self.cause(error, rule)
                health.ended(rule, failure: cause)
                verdict = .unusable(cause)
            }
        }
        let milliseconds: Double = Double(MonotonicClock.now - since) / 1e6
        var step: InterceptorStep
        switch verdict {
        case .proceed(_, let changes):
            step = InterceptorStep(rule, changes.isEmpty ? .allow : .change, milliseconds: milliseconds)
            step.changes = changes
        case .deny(_, let text):
            step = InterceptorStep(rule, .deny, milliseconds: milliseconds)
            step.message = text
        case .unusable(let cause):
            step = InterceptorStep(rule, .error, milliseconds: milliseconds)
            step.message = cause
        }
        step.status = status
        return (verdict, step)
    }

    private struct TooSlow: Error {}

    /// - Throws: whatever kept the answer from coming whole, in time.
    private func call(
        _ rule: InterceptorRule,
        _ address: OutboundAddress,
        _ message: InterceptedMessage,
        _ loop: EventLoop
    ) async throws -> HTTPClientResponse {
        let client: HTTPClient = clients.client(loop, secure: address.isSecure, allowed: rule.allowedAddresses)
        let request: HTTPRequest = InterceptorMessage.request(message, to: rule, address)
        var limits = HTTPClientLimits()
        limits.connectMilliseconds = rule.timeoutMilliseconds
        limits.answerMilliseconds = rule.timeoutMilliseconds
        limits.bodyMilliseconds = rule.timeoutMilliseconds
        limits.writeMilliseconds = rule.timeoutMilliseconds
        limits.message.bodyBytes = Limits.interceptorReplyBytes
        limits.idleMilliseconds = Limits.interceptorIdleMilliseconds
        // All of it together: an answer that comes byte by byte must not take longer either.
        return try await withThrowingTaskGroup(of: HTTPClientResponse.self) { [limits] group in
            group.addTask { try await client.send(request, to: address.endpoint, limits: limits) }
            group.addTask {
                try await loop.sleep(milliseconds: rule.timeoutMilliseconds)
                throw TooSlow()
            }
            defer { group.cancelAll() }
            guard let first: HTTPClientResponse = try await group.next() else { throw TooSlow() }
            return first
        }
    }

    private static func cause(_ error: any Error, _ rule: InterceptorRule) -> String {
        switch error {
        case is TooSlow: "no answer within \(rule.timeoutMilliseconds / 1_000) s"
        case NetworkFault.timedOut: "no answer within \(rule.timeoutMilliseconds / 1_000) s"
        default: "\(error)"
        }
    }
}
