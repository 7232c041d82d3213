import HostProtocol
import Limits
import Synchronization

/// What a host reported and nobody has written yet: of each instance only the newest observation, of orphans the newest list.
///
/// So it is bounded by what a host can have, however slow the disk is.
final class ReportIntake: Sendable {
    enum Work: Sendable {
        case observations([Observation])
        case orphans([Orphan])
    }

    /// Observations that are written with one transaction.
    private static let batch: Int = 100

    private struct State {
        /// The uuids in the order in which they first came.
        var order: [String] = []
        var newest: [String: Observation] = [:]
        var orphans: [Orphan]?
        var waiter: CheckedContinuation<Void, Never>?

        var isEmpty: Bool { order.isEmpty && orphans == nil }
    }

    private let state = Mutex(State())

    /// Returns false when there is more than a host can have; then nothing more should be taken from it.
    func add(_ report: Report) -> Bool {
        let (fits, waiter): (Bool, CheckedContinuation<Void, Never>?) = state.withLock { state in
            for observation in report.observations {
                if state.newest.updateValue(observation, forKey: observation.uuid) == nil {
                    state.order.append(observation.uuid)
                }
            }
            if let orphans: [Orphan] = report.orphans { state.orphans = orphans }
            // As many again are on their way out: those that were removed.
            let fits: Bool = state.order.count <= Limits.hostInstances + Limits.hostTombstones
            return (fits, state.isEmpty ? nil : state.waiter.take())
        }
        waiter?.resume()
        return fits
    }

    /// What is to be written next; waits for it.
    ///
    /// Called by one task.
    ///
    /// - Throws: `CancellationError`.
    func next() async throws -> Work {
        while true {
            try Task.checkCancellation()
            if let work: Work = state.withLock({ Self.take(&$0) }) { return work }
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let mayGoOn: Bool = state.withLock { state in
                        if Task.isCancelled || !state.isEmpty { return true }
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

    private static func take(_ state: inout State) -> Work? {
        guard !state.order.isEmpty else { return state.orphans.take().map { .orphans($0) } }
        let uuids: [String] = Array(state.order.prefix(batch))
        state.order.removeFirst(uuids.count)
        return .observations(uuids.compactMap { state.newest.removeValue(forKey: $0) })
    }
}
