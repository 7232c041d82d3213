import JSON
import Limits
import Synchronization

/// What happened to one request among the interceptors; shadows add theirs when they have answered.
final class InterceptionTrace: Sendable {
    struct Facts: Sendable {
        var requestID: String
        var uuid: String
        /// Milliseconds since 1970.
        var time: Int64
        var method: String
        var path: String
        var template: String?
        var account: String
        var destination: String?
    }

    let facts: Facts
    private let state = Mutex(State())

    private struct State {
        var steps: [InterceptorStep] = []
        var outcome: String = "proceed"
    }

    init(_ facts: Facts) { self.facts = facts }

    func add(_ step: InterceptorStep) { state.withLock { $0.steps.append(step) } }
    func end(_ outcome: String) { state.withLock { $0.outcome = outcome } }
    var steps: [InterceptorStep] { state.withLock { $0.steps } }

    var document: JSONValue {
        let (steps, outcome): ([InterceptorStep], String) = state.withLock { ($0.steps, $0.outcome) }
        return .object([
            "type": "interceptorTrace", "id": .string(facts.requestID), "uuid": .string(facts.uuid),
            "timeTS": .int(facts.time), "method": .string(facts.method), "path": .string(facts.path),
            "template": JSONValue(facts.template), "accountId": .string(facts.account),
            "destination": JSONValue(facts.destination), "outcome": .string(outcome),
            "steps": .array(steps.map(\.document)),
        ])
    }
}

/// The last traces of this node, by request id.
final class InterceptionTraces: Sendable {
    private let state = Mutex(State())

    private struct State {
        var byID: [String: InterceptionTrace] = [:]
        /// A ring: the place of the next is the oldest.
        var order: [String] = []
        var next: Int = 0
    }

    func keep(_ trace: InterceptionTrace) {
        let id: String = trace.facts.requestID
        state.withLock { state in
            if state.order.count < Limits.interceptorTraces {
                state.order.append(id)
            } else {
                state.byID[state.order[state.next]] = nil
                state.order[state.next] = id
                state.next = (state.next + 1) % Limits.interceptorTraces
            }
            state.byID[id] = trace
        }
    }

    func trace(_ id: String) -> InterceptionTrace? { state.withLock { $0.byID[id] } }

    /// The latest first.
    func latest(_ count: Int) -> [InterceptionTrace] {
        state.withLock { state in
            let ordered: [String] = Array(state.order[state.next...]) + Array(state.order[..<state.next])
            return ordered.suffix(count).reversed().compactMap { state.byID[$0] }
        }
    }
}
