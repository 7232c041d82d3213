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
    /// Returns whether it was written.
    func write() async -> Bool {
        let store: Store = state.store
        do {
            _ = try await Blocking.run("checkpoint") { () throws(StoreFault) in try store.checkpoint() }
            // Some entries stay behind the checkpoint for members that are a little late.
            let safe: UInt64 = store.safeToCompactBelow
            if safe > Limits.raftKeptEntries { state.group.compact(through: safe - Limits.raftKeptEntries) }
            return true
        } catch {
            logger.error("checkpoint failed; the log is kept until one succeeds", ["error": "\(error)"])
            return false
        }
    }
}
