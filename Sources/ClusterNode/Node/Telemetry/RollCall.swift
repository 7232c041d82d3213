import EventLoop
import Limits
import Synchronization

/// Asks every event loop of a process to answer, and says which did not.
enum RollCall {
    /// The numbers of loops that were silent for ``Limits/healthAnswerMilliseconds``, ascending; empty when all are well.
    static func silent(_ loops: [EventLoop], on own: EventLoop) async -> [Int] {
        let sheet = Sheet(count: loops.count)
        return await withCheckedContinuation { continuation in
            sheet.wait(continuation)
            for (number, loop) in loops.enumerated() { loop.execute { sheet.answered(number) } }
            // The loop that asks answers, or nobody could ask: so its clock ends the waiting.
            Task(executorPreference: own) {
                try? await own.sleep(milliseconds: Limits.healthAnswerMilliseconds)
                sheet.end()
            }
        }
    }

    private final class Sheet: Sendable {
        private struct State {
            var missing: Set<Int>
            var waiter: CheckedContinuation<[Int], Never>?
        }

        private let state: Mutex<State>

        init(count: Int) { state = Mutex(State(missing: Set(0..<count))) }

        func wait(_ continuation: CheckedContinuation<[Int], Never>) {
            state.withLock { $0.waiter = continuation }
        }

        func answered(_ number: Int) {
            state.withLock { state -> CheckedContinuation<[Int], Never>? in
                state.missing.remove(number)
                return state.missing.isEmpty ? Self.take(&state) : nil
            }?.resume(returning: [])
        }

        func end() {
            let (waiter, missing): (CheckedContinuation<[Int], Never>?, [Int]) = state.withLock { state in
                (Self.take(&state), state.missing.sorted())
            }
            waiter?.resume(returning: missing)
        }

        private static func take(_ state: inout State) -> CheckedContinuation<[Int], Never>? {
            defer { state.waiter = nil }
            return state.waiter
        }
    }
}
