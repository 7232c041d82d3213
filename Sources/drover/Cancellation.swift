import Synchronization

/// Waiting for the end that ctrl-C, or whoever started this process, asks for.
enum Cancellation {
    /// Returns when the task is cancelled.
    static func wait() async {
        let waiting = Waiting()
        await withTaskCancellationHandler {
            await withCheckedContinuation { waiting.begin($0) }
        } onCancel: {
            waiting.end()
        }
    }

    private final class Waiting: Sendable {
        private enum State {
            case idle
            case waiting(CheckedContinuation<Void, Never>)
            case ended
        }

        private let state = Mutex<State>(.idle)

        func begin(_ continuation: CheckedContinuation<Void, Never>) {
            let isOver: Bool = state.withLock { state in
                if case .ended = state { return true }
                state = .waiting(continuation)
                return false
            }
            if isOver { continuation.resume() }
        }

        func end() {
            let waiter: CheckedContinuation<Void, Never>? = state.withLock { state in
                defer { state = .ended }
                if case .waiting(let continuation) = state { return continuation }
                return nil
            }
            waiter?.resume()
        }
    }
}
