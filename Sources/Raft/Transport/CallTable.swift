internal import EventLoop
internal import RaftCore
internal import Synchronization

/// Requests to one member that wait for an answer.
final class CallTable: Sendable {
    typealias Answer = Result<[UInt8], CallFault>

    private struct Call {
        let deadline: Deadline
        let continuation: CheckedContinuation<Answer, Never>
        /// It was handed to the system.
        var hasLeft: Bool = false
    }

    private struct Table {
        var calls: [UInt64: Call] = [:]
        /// Somebody looks from time to time whether a deadline has passed.
        var isWatched: Bool = false
    }

    private let table = Mutex(Table())

    var count: Int { table.withLock { $0.calls.count } }

    /// - Returns: whether the caller must see to it that ``overdue()`` is asked, until it says that nobody waits.
    func add(_ number: UInt64, before deadline: Deadline, _ continuation: CheckedContinuation<Answer, Never>) -> Bool {
        table.withLock { table in
            table.calls[number] = Call(deadline: deadline, continuation: continuation)
            defer { table.isWatched = true }
            return !table.isWatched
        }
    }

    /// Those whose deadline has passed, and when the next one does; nil, and nobody has to ask any more, when nobody waits.
    func overdue() -> (numbers: [UInt64], next: Deadline)? {
        table.withLock { table in
            guard !table.calls.isEmpty else {
                table.isWatched = false
                return nil
            }
            var late: [UInt64] = []
            var next: Deadline = .never
            for (number, call) in table.calls {
                if call.deadline.isPast { late.append(number) } else { next = min(next, call.deadline) }
            }
            return (late, next)
        }
    }

    func left(_ items: [LaneQueue.Item]) {
        table.withLock { table in
            for case .call(.request(let number, _, _)) in items { table.calls[number]?.hasLeft = true }
        }
    }

    func answer(_ number: UInt64, _ answer: Answer) {
        take(number)?.continuation.resume(returning: answer)
    }

    /// The caller cannot wait any longer.
    ///
    /// - Parameter isWithdrawn: the request was still in the queue, and is not any more.
    /// - Returns: whether the request may be running over there.
    func giveUp(_ number: UInt64, _ cause: CallCause, isWithdrawn: Bool) -> Bool {
        guard let call = take(number) else { return false }
        call.continuation.resume(returning: .failure(isWithdrawn ? .notSent(cause) : .unknown(cause)))
        return !isWithdrawn
    }

    func notSent(_ items: [LaneQueue.Item], _ cause: CallCause) {
        for case .call(.request(let number, _, _)) in items { answer(number, .failure(.notSent(cause))) }
    }

    /// The connection is gone; what waits in the queue is not concerned.
    func connectionLost() {
        let lost: [Call] = table.withLock { table in
            let lost: [UInt64] = table.calls.filter(\.value.hasLeft).map(\.key)
            return lost.compactMap { table.calls.removeValue(forKey: $0) }
        }
        for call in lost { call.continuation.resume(returning: .failure(.unknown(.connectionLost))) }
    }

    /// After those in the queue were told that they were not sent.
    func stop() {
        let all: [Call] = table.withLock { table in
            defer { table.calls = [:] }
            return Array(table.calls.values)
        }
        for call in all { call.continuation.resume(returning: .failure(.unknown(.stopped))) }
    }

    private func take(_ number: UInt64) -> Call? { table.withLock { $0.calls.removeValue(forKey: number) } }
}
