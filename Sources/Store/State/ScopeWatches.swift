import Synchronization

/// Who wants to hear that scope assignments may have changed.
final class ScopeWatches: Sendable {
    private struct State {
        var readers: [UInt64: AsyncStream<Void>.Continuation] = [:]
        var lastID: UInt64 = 0
        var isClosed: Bool = false
    }

    private let state = Mutex(State())

    /// Holds at most one word for its reader, the first from the start: nobody misses what came before.
    func open() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let id: UInt64? = state.withLock { state in
            guard !state.isClosed else { return nil }
            state.lastID += 1
            state.readers[state.lastID] = continuation
            return state.lastID
        }
        continuation.yield()
        guard let id else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [weak self] _ in self?.forget(id) }
        return stream
    }

    func tell() {
        for reader in state.withLock({ Array($0.readers.values) }) { reader.yield() }
    }

    func close() {
        let readers: [AsyncStream<Void>.Continuation] = state.withLock { state in
            state.isClosed = true
            defer { state.readers = [:] }
            return Array(state.readers.values)
        }
        for reader in readers { reader.finish() }
    }

    private func forget(_ id: UInt64) {
        state.withLock { $0.readers[id] = nil }
    }
}
