internal import EventLoop
internal import Limits
internal import RaftCore
internal import Synchronization

/// Requests of one connection that run here.
final class CallDesk: Sendable {
    let answers = LaneQueue()
    private let running = Mutex<[UInt64: Task<Void, Never>?]>([:])

    /// Whether there is room for another one, under a number that is not in use.
    func begin(_ number: UInt64) -> Bool {
        running.withLock { running in
            guard running.count < Limits.raftCalls, running[number] == nil else { return false }
            running[number] = .some(nil)
            return true
        }
    }

    /// Runs a request that ``begin(_:)`` let in.
    func run(_ number: UInt64, on loop: EventLoop, _ work: @escaping @Sendable () async -> [UInt8]) {
        let task = Task(executorPreference: loop) { [self] in
            let answer: [UInt8] = await work()
            let isWanted: Bool = running.withLock { $0.removeValue(forKey: number) != nil }
            guard isWanted else { return }
            let isTooLarge: Bool = answer.count > Limits.raftCallBytes
            // The request has run: to say nothing leaves the outcome unknown, which is true.
            if !isTooLarge { answers.add(.call(.response(number: number, answer))) }
        }
        running.withLock { running in
            // It may be done already.
            if running[number] != nil { running[number] = .some(task) }
        }
    }

    func cancel(_ number: UInt64) {
        let task: Task<Void, Never>? = running.withLock { $0.removeValue(forKey: number) ?? nil }
        task?.cancel()
    }

    func cancelAll() {
        let tasks: [Task<Void, Never>] = running.withLock { running in
            defer { running = [:] }
            return running.values.compactMap { $0 }
        }
        for task in tasks { task.cancel() }
    }
}
