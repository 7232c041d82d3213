internal import Synchronization

/// What one stream among several on a connection may still send; whoever has nothing left waits for the other end to give
/// more.
package final class CreditGate: Sendable {
    /// The stream has ended: nothing may be sent on it.
    package struct Closed: Error {}

    private struct State {
        /// nil sets no bound: an older server gives none and never asks to wait.
        var left: UInt64?
        /// What a piece costs beside its bytes.
        let pieceCost: UInt64
        var isClosed: Bool = false
        var waiter: CheckedContinuation<Void, Never>?

        var mayGoOn: Bool { isClosed || (left.map { $0 > pieceCost } ?? true) }
    }

    private let state: Mutex<State>

    /// - Parameters:
    ///   - credit: what may be sent at first; nil for no bound.
    ///   - pieceCost: what each piece costs beside its bytes.
    package init(_ credit: UInt64?, pieceCost: UInt64) { state = Mutex(State(left: credit, pieceCost: pieceCost)) }

    package func add(_ credit: UInt64) {
        let waiter: CheckedContinuation<Void, Never>? = state.withLock { state in
            if let left: UInt64 = state.left {
                let (sum, overflows): (UInt64, Bool) = left.addingReportingOverflow(credit)
                state.left = overflows ? .max : sum
            }
            return state.mayGoOn ? state.waiter.take() : nil
        }
        waiter?.resume()
    }

    /// Lets whoever waits go.
    package func close() {
        let waiter: CheckedContinuation<Void, Never>? = state.withLock { state in
            state.isClosed = true
            return state.waiter.take()
        }
        waiter?.resume()
    }

    /// How many of `count` bytes may go as one piece now: at least one of them, and they are counted.
    ///
    /// Called by one task at a time.
    ///
    /// - Throws: ``Closed``, `CancellationError`.
    package func take(upTo count: Int) async throws -> Int {
        while true {
            try Task.checkCancellation()
            if let granted: Int = try state.withLock({ try Self.take(count, from: &$0) }) { return granted }
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let mayGoOn: Bool = state.withLock { state in
                        if Task.isCancelled || state.mayGoOn { return true }
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

    private static func take(_ count: Int, from state: inout State) throws -> Int? {
        guard !state.isClosed else { throw Closed() }
        guard let left: UInt64 = state.left else { return count }
        guard state.mayGoOn else { return nil }
        let granted: Int = min(count, Int(clamping: left - state.pieceCost))
        state.left = left - state.pieceCost - UInt64(granted)
        return granted
    }
}
