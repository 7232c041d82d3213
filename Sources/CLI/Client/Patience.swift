internal import EventLoop
internal import Limits
internal import Synchronization

/// Keeps trying while the server is away, so that a restart of it does not end what a person waits for.
///
/// Only for steps that may be repeated: what is created is looked up first.
final class Patience: Sendable {
    private let say: @Sendable (String) -> Void
    private let isAway = Mutex<Bool>(false)

    init(_ say: @escaping @Sendable (String) -> Void) {
        self.say = say
    }

    /// Repeats `step` with growing pauses as long as it fails for reasons that pass, ``Limits/clientPatienceSeconds`` at most.
    func run<Value>(_ step: () async throws -> Value) async throws -> Value {
        let deadline: Deadline = .after(seconds: Limits.clientPatienceSeconds)
        var pause: Int = 200
        while true {
            do {
                let value: Value = try await step()
                if changed(to: false) { say("the server answers again") }
                return value
            } catch let fault as APIFault where fault.isTransient && !deadline.isPast {
                if changed(to: true) {
                    say("\(fault.brief); trying again for up to \(Limits.clientPatienceSeconds / 60) minutes")
                }
            } catch let fault as APIFault where fault.status == 409 && pause <= 3_200 {
                // Somebody changed the same thing at the same moment.
            }
            try await Task.sleep(for: .milliseconds(pause))
            pause = min(pause * 2, Limits.clientPauseMilliseconds)
        }
    }

    private func changed(to away: Bool) -> Bool {
        isAway.withLock { isAway in
            defer { isAway = away }
            return isAway != away
        }
    }
}

extension APIFault {
    /// Without the advice that is for somebody who has just begun.
    fileprivate var brief: String {
        if case .unreachable(let server, let cause, _, _) = self { return "no answer from \(server) (\(cause))" }
        return description
    }
}
