import WebSocket
import Gateway
import HostProtocol
import Limits
import Synchronization

/// The output of one stream on its way from the host to who reads it.
///
/// The host sends within the credit that it has; each time half of it was read the reader gives the host as much anew. So a
/// reader that stops stops its stream, and nothing else. A host of an older version knows no credit: one that fills the
/// queue loses its stream.
final class StreamOutput: Sendable {
    private struct State {
        var waiting: [(event: ExecEvent, cost: UInt64)] = []
        /// Where in `waiting` the next one is.
        var place: Int = 0
        var waitingCost: UInt64 = 0
        /// Since credit was given last.
        var read: UInt64 = 0
        var end: Result<Void, any Error>?
        var waiter: CheckedContinuation<Void, Never>?
        /// Nobody reads any more.
        var isCancelled: Bool = false

        var isEmpty: Bool { place == waiting.count }
    }

    private let state = Mutex(State())

    /// Returns false when the reader has fallen too far behind; the stream is over then.
    func put(_ event: ExecEvent, cost: UInt64) -> Bool {
        let (fits, waiter): (Bool, CheckedContinuation<Void, Never>?) = state.withLock { state in
            guard state.end == nil else { return (true, nil) }
            let fits: Bool = state.waitingCost + cost <= UInt64(Limits.hostStreamBacklogBytes)
            if fits {
                state.waiting.append((event, cost))
                state.waitingCost += cost
            } else {
                // Rather an end that says so than a gap that says nothing.
                state.end = .failure(HostFault.readerTooSlow)
            }
            return (fits, state.waiter.take())
        }
        waiter?.resume()
        return fits
    }

    func finish(_ end: Result<Void, any Error>) {
        let waiter: CheckedContinuation<Void, Never>? = state.withLock { state in
            if state.end == nil { state.end = end }
            return state.waiter.take()
        }
        waiter?.resume()
    }

    /// What came is dropped, and a reader that waits gets the end.
    func cancel() {
        let waiter: CheckedContinuation<Void, Never>? = state.withLock { state in
            state.waiting = []
            state.place = 0
            state.waitingCost = 0
            state.end = .success(())
            return state.waiter.take()
        }
        waiter?.resume()
    }

    private enum Step {
        case event(ExecEvent, credit: UInt64)
        case end(Result<Void, any Error>)
        case wait
    }

    /// The next event, or nil at the end.
    ///
    /// Called by one task.
    ///
    /// - Parameter grant: gives the host so much credit.
    /// - Throws: why the stream broke off.
    func next(_ grant: (UInt64) async -> Void) async throws -> ExecEvent? {
        while true {
            try Task.checkCancellation()
            switch state.withLock({ Self.step(&$0) }) {
            case .event(let event, let credit):
                if credit > 0 { await grant(credit) }
                return event
            case .end(let end):
                try end.get()
                return nil
            case .wait: await wait()
            }
        }
    }

    private static func step(_ state: inout State) -> Step {
        guard !state.isEmpty else { return state.end.map { .end($0) } ?? .wait }
        let (event, cost): (ExecEvent, UInt64) = state.waiting[state.place]
        state.place += 1
        if state.isEmpty || state.place >= 256 {
            state.waiting.removeFirst(state.place)
            state.place = 0
        }
        state.read += cost
        state.waitingCost -= cost
        guard state.read >= UInt64(Limits.hostStreamCreditBytes / 2), state.end == nil else {
            return .event(event, credit: 0)
        }
        defer { state.read = 0 }
        return .event(event, credit: state.read)
    }

    private func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let mayGoOn: Bool = state.withLock { state in
                    if Task.isCancelled || !state.isEmpty || state.end != nil { return true }
                    state.waiter = continuation
                    return false
                }
                if mayGoOn { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiter.take() }?.resume()
        }
    }
}
