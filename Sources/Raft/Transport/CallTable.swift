internal import RaftCore
internal import Synchronization

/// Requests to one member that wait for an answer.
final class CallTable: Sendable {
    typealias Answer = Result<[UInt8], CallFault>

    private struct Call {
        let continuation: CheckedContinuation<Answer, Never>
        /// It was handed to the system.
        var hasLeft: Bool = false
    }

    private let calls = Mutex<[UInt64: Call]>([:])

    var count: Int { calls.withLock { $0.count } }

    func add(_ number: UInt64, _ continuation: CheckedContinuation<Answer, Never>) {
        calls.withLock { $0[number] = Call(continuation: continuation) }
    }

    func left(_ items: [LaneQueue.Item]) {
        calls.withLock { calls in
            for case .call(.request(let number, _, _)) in items { calls[number]?.hasLeft = true }
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
        let lost: [Call] = calls.withLock { calls in
            let lost: [UInt64] = calls.filter(\.value.hasLeft).map(\.key)
            return lost.compactMap { calls.removeValue(forKey: $0) }
        }
        for call in lost { call.continuation.resume(returning: .failure(.unknown(.connectionLost))) }
    }

    /// After those in the queue were told that they were not sent.
    func stop() {
        let all: [Call] = calls.withLock { calls in
            defer { calls = [:] }
            return Array(calls.values)
        }
        for call in all { call.continuation.resume(returning: .failure(.unknown(.stopped))) }
    }

    private func take(_ number: UInt64) -> Call? { calls.withLock { $0.removeValue(forKey: number) } }
}
