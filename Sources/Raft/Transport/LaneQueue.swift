internal import Bytes
internal import Limits
internal import RaftCore
internal import Synchronization

/// What waits to be written to one lane: any thread adds, one task takes.
///
/// Limits: ``Limits/raftQueuedMessages`` and ``Limits/raftQueuedBytes``; the oldest message gives way. Calls are bounded by
/// those who make them.
final class LaneQueue: Sendable {
    enum Item: Sendable {
        case message(Message)
        case call(CallFrame)

        /// About as many bytes as it will be.
        var cost: Int {
            switch self {
            case .message(let message):
                switch message.body {
                case .append(let request): return request.entries.reduce(64) { $0 + $1.cost }
                case .readRequest(let ids), .readReply(let ids, _), .readRefused(let ids): return 64 + 10 * ids.count
                default: return 64
                }
            case .call(.request(_, _, let bytes)), .call(.response(_, let bytes)): return bytes.count + 64
            case .call: return 64
            }
        }

        func write(to writer: inout ByteWriter) {
            switch self {
            case .message(let message): MessageCodec.write(message, to: &writer)
            case .call(let frame): frame.write(to: &writer)
            }
        }
    }

    private struct State {
        var items: [Item] = []
        var bytes: Int = 0
        var waiter: CheckedContinuation<[Item], Never>?

        mutating func take() -> [Item] {
            var cost: Int = 0
            var count: Int = 0
            while count < items.count {
                let next: Int = items[count].cost
                if count > 0, cost + next > Limits.raftWriteBytes { break }
                cost += next
                count += 1
            }
            bytes -= cost
            guard count < items.count else {
                defer { items = [] }
                return items
            }
            let taken = Array(items[..<count])
            items.removeFirst(count)
            return taken
        }
    }

    private let state = Mutex(State())

    /// - Returns: how many older messages gave way.
    @discardableResult
    func add(_ item: Item) -> Int {
        let (waiter, given, dropped): (CheckedContinuation<[Item], Never>?, [Item], Int) = state.withLock { state in
            state.items.append(item)
            state.bytes += item.cost
            var dropped: Int = 0
            if case .message = item {
                while state.items.count > 1,
                    state.items.count - dropped > Limits.raftQueuedMessages || state.bytes > Limits.raftQueuedBytes,
                    dropped < state.items.count - 1
                {
                    state.bytes -= state.items[dropped].cost
                    dropped += 1
                }
                if dropped > 0 { state.items.removeFirst(dropped) }
            }
            guard let waiter = state.waiter else { return (nil, [], dropped) }
            state.waiter = nil
            return (waiter, state.take(), dropped)
        }
        waiter?.resume(returning: given)
        return dropped
    }

    /// What has gathered, as much as one write should carry; empty when the task was cancelled.
    func take() async -> [Item] {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let given: [Item]? = state.withLock { state in
                    if Task.isCancelled { return [] }
                    if !state.items.isEmpty { return state.take() }
                    state.waiter = continuation
                    return nil
                }
                if let given { continuation.resume(returning: given) }
            }
        } onCancel: {
            let waiter: CheckedContinuation<[Item], Never>? = state.withLock { state in
                defer { state.waiter = nil }
                return state.waiter
            }
            waiter?.resume(returning: [])
        }
    }

    /// How many items wait.
    var count: Int { state.withLock { $0.items.count } }

    /// Empties the queue.
    func clear() -> [Item] {
        state.withLock { state in
            defer {
                state.items = []
                state.bytes = 0
            }
            return state.items
        }
    }

    /// Takes out a request that nobody waits for any more; whether it was still here.
    func withdraw(request number: UInt64) -> Bool {
        state.withLock { state in
            let place: Int? = state.items.firstIndex { item in
                if case .call(.request(number, _, _)) = item { true } else { false }
            }
            guard let place else { return false }
            state.bytes -= state.items.remove(at: place).cost
            return true
        }
    }
}
