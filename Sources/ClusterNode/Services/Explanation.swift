import Model
import Network
import Scheduler
package import StoreFormat

/// Why something is in the state it is in: what `explain` shows.
package struct Explanation: Hashable, Sendable {
    /// Such as `service app/web (1s42)`.
    package var title: String
    package var state: String
    /// What led to it.
    package var because: [String] = []
    /// What has to happen before it moves on; empty when it is at rest.
    package var waitsFor: [String] = []
    /// What its user can do about it.
    package var fix: [String] = []

    package init(title: String, state: String) {
        self.title = title
        self.state = state
    }

    /// Explains a service, container, stack or host; nil for anything else and for what is not there.
    package static func explain(_ key: RecordKey, in state: some StateReading) -> Explanation? {
        switch key.table {
        case .service: service(key.number, in: state)
        case .instance: instance(key.number, in: state)
        case .stack: stack(key.number, in: state)
        case .host: host(key.number, in: state)
        default: nil
        }
    }

    /// Adds what each host says to a placement, and what would change its mind.
    mutating func add(_ verdicts: [HostVerdict], of account: UInt64, in state: some StateReading) {
        guard !verdicts.isEmpty else {
            because.append("the environment has no host")
            advise("add a host: `drover agent --url URL --token TOKEN --data DIR`")
            return
        }
        for verdict in verdicts where !verdict.reasons.contains(.otherRequested) {
            because.append(verdict.description)
            for reason in verdict.reasons {
                if let fix: String = fix(for: reason, on: verdict, in: state) { advise(fix) }
            }
        }
    }

    mutating func advise(_ text: String) {
        if !fix.contains(text) { fix.append(text) }
    }

    private func fix(for reason: HostReason, on verdict: HostVerdict, in state: some StateReading) -> String? {
        let host: String = "host \(verdict.name) (\(Explanation.id(verdict.host, "h")))"
        switch reason {
        case .portTaken(let port, by: .instance(let holder)):
            let id: String = Explanation.id(holder, "i")
            let instance: Stored<InstanceRecord>? = state.read(.instance, holder)
            let name: String = instance.map { "\($0.record.name) (\(id))" } ?? id
            return "free port \(port) on \(host), which \(name) holds (`drover explain \(id)`), or publish another port"
        case .portTaken: return nil
        case .label(let rule) where rule.isWanted:
            return "give a host the label \(rule.key)=\(rule.value) (update its `labels`), or ask for another label"
        case .label(let rule):
            return "take the label \(rule.key)=\(rule.value) off a host (update its `labels`), or do not rule it out"
        case .obstacle(.notActive): return "activate \(host): its action `activate`"
        case .obstacle(.agentAway): return "start the agent of \(host), or see why it cannot connect (`drover hosts`)"
        case .obstacle(.removing), .otherRequested: return nil
        }
    }

    static func id(_ number: UInt64, _ letters: String) -> String { ResourceID(number: number).rendered(letters) }
}
