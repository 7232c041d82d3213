import EventLoop
import JSON
import Limits
import Logging
import RaftGroup
import Store

/// Writes checkpoints from time to time and gives back the log below them.
struct Checkpointing: Sendable {
    let state: ReplicatedState
    let loop: EventLoop
    let logger: Logger

    /// Until its task is cancelled.
    func run() async {
        var last: UInt64 = state.store.appliedIndex
        while (try? await loop.sleep(milliseconds: Limits.checkpointSeconds * 1_000)) != nil {
            let applied: UInt64 = state.store.appliedIndex
            // A quiet cluster writes nothing.
            guard applied > last else { continue }
            // One that failed is tried again, also when nothing changes any more.
            if await write() { last = applied }
        }
    }

    /// One checkpoint now; failing is told, and harmless: the log holds everything.
    ///
    /// - Parameter kept: entries that stay in the log behind it, for members that are a little late.
    /// - Returns: whether it was written.
    func write(keeping kept: UInt64 = Limits.raftKeptEntries) async -> Bool {
        let store: Store = state.store
        do {
            _ = try await Blocking.run { () throws(StoreFault) in try store.checkpoint() }
            let safe: UInt64 = store.safeToCompactBelow
            if safe > kept { state.group.compact(through: safe - kept) }
            return true
        } catch {
            logger.error("checkpoint failed; the log is kept until one succeeds", ["error": "\(error)"])
            return false
        }
    }
}
