import Bytes
import JSON
import Limits
import Synchronization

/// What happened to one request among the interceptors; shadows add theirs when they have answered.
final class InterceptionTrace: Sendable {
    /// What is the same for all requests that are the same: a class, so that each keeps but one reference.
    final class Subject: Sendable {
        let method: String
        let path: String
        let template: String?
        let account: String
        let destination: String?

        init(method: String, path: String, template: String?, account: String, destination: String?) {
            self.method = method
            self.path = path
            self.template = template
            self.account = account
            self.destination = destination
        }
    }

    struct Facts: Sendable {
        var requestID: String
        /// What interceptors are told; nil when there is none to tell.
        var uuid: String?
        /// Milliseconds since 1970.
        var time: Int64
        var subject: Subject
    }

    let facts: Facts
    private let state: Mutex<State>

    private struct State {
        var steps: [InterceptorStep] = []
        var outcome: String = "proceed"
    }

    init(_ facts: Facts, steps: [InterceptorStep] = []) {
        self.facts = facts
        state = Mutex(State(steps: steps))
    }

    /// What is known of all requests to a destination that are the same.
    final class Common: Sendable {
        let subject: Subject
        let steps: [InterceptorStep]

        init(_ subject: Subject, _ steps: [InterceptorStep] = []) {
            self.subject = subject
            self.steps = steps
        }
    }

    /// - Parameter time: milliseconds since 1970.
    convenience init(_ requestID: String, at time: Int64, _ common: Common) {
        self.init(Facts(requestID: requestID, uuid: nil, time: time, subject: common.subject), steps: common.steps)
    }

    func add(_ step: InterceptorStep) { state.withLock { $0.steps.append(step) } }
    func end(_ outcome: String) { state.withLock { $0.outcome = outcome } }
    var steps: [InterceptorStep] { state.withLock { $0.steps } }

    var document: JSONValue {
        let (steps, outcome): ([InterceptorStep], String) = state.withLock { ($0.steps, $0.outcome) }
        let subject: Subject = facts.subject
        return .object([
            "type": "interceptorTrace", "id": .string(facts.requestID), "uuid": JSONValue(facts.uuid),
            "timeTS": .int(facts.time), "method": .string(subject.method), "path": .string(subject.path),
            "template": JSONValue(subject.template), "accountId": .string(subject.account),
            "destination": JSONValue(subject.destination), "outcome": .string(outcome),
            "steps": .array(steps.map(\.document)),
        ])
    }
}

/// The last traces of this node, by request id.
final class InterceptionTraces: Sendable {
    private let state = Mutex(State())

    /// A ring: the place of the next is the oldest.
    private struct State {
        var kept: [Kept] = []
        var next: Int = 0

        /// The latest first.
        var latest: some Sequence<Kept> {
            [kept[next...], kept[..<next]].joined().reversed()
        }
    }

    private enum Kept {
        case whole(InterceptionTrace)
        /// Of a request that only went to its destination: what is different each time, and what is the same.
        case passed(id: UInt64, time: Int64, InterceptionTrace.Common)

        var trace: InterceptionTrace {
            switch self {
            case .whole(let trace): trace
            case .passed(let id, let time, let common): InterceptionTrace(Hex.encode(id), at: time, common)
            }
        }

        func isOf(_ id: String, _ number: UInt64?) -> Bool {
            switch self {
            case .whole(let trace): trace.facts.requestID == id
            case .passed(let own, _, _): own == number
            }
        }
    }

    func keep(_ trace: InterceptionTrace) { keep(.whole(trace)) }

    /// - Parameter time: milliseconds since 1970.
    func keep(_ id: UInt64, at time: Int64, _ common: InterceptionTrace.Common) {
        keep(.passed(id: id, time: time, common))
    }

    private func keep(_ trace: Kept) {
        state.withLock { state in
            if state.kept.count < Limits.interceptorTraces {
                state.kept.append(trace)
            } else {
                state.kept[state.next] = trace
                state.next = (state.next + 1) % Limits.interceptorTraces
            }
        }
    }

    /// Looks at all of them: every request keeps one, and hardly anybody asks.
    func trace(_ id: String) -> InterceptionTrace? {
        let number: UInt64? = Hex.number(id)
        return state.withLock { $0.latest.first { $0.isOf(id, number) } }?.trace
    }

    /// The latest first.
    func latest(_ count: Int) -> [InterceptionTrace] {
        state.withLock { Array($0.latest.prefix(count)) }.map(\.trace)
    }
}
