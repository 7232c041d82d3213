import RaftCore
import RaftGroup
import Store
import StoreFormat

/// The store as the state machine of the Raft group.
final class StoreMachine: StateMachine {
    let store: Store
    private let halt: @Sendable (UnreadableEntry) -> Void

    /// - Parameter halt: an entry cannot be read; the process must end, for skipping it would fork the state.
    init(store: Store, halt: @escaping @Sendable (UnreadableEntry) -> Void) {
        self.store = store
        self.halt = halt
    }

    var appliedIndex: LogIndex { store.appliedIndex }

    func apply(index: LogIndex, term: Term, version: UInt8, payload: [UInt8]) -> TransactionOutcome {
        do throws(UnreadableEntry) {
            return try store.apply(index: index, encoded: payload)
        } catch {
            halt(error)
            return .refused(.invalid("\(error)"))
        }
    }

    func pass(index: LogIndex, term: Term) { store.advance(to: index) }

    func snapshot(to path: String) throws -> LogIndex { try store.snapshot(to: path) }

    func install(from path: String) throws { try store.install(snapshot: path) }
}
