import RaftCore
import RaftGroup
import Store
import StoreFormat

/// The store as the state machine of the Raft group.
final class StoreMachine: StateMachine {
    /// The form of the entries that this program writes and reads.
    private static let entryVersion: UInt8 = 1

    let store: Store
    let marks = StateMarks()
    private let halt: @Sendable (String) -> Void

    /// - Parameter halt: the process must end, and why: an entry cannot be read, and skipping it would fork the state; or a
    ///   snapshot was installed half-way.
    init(store: Store, halt: @escaping @Sendable (String) -> Void) {
        self.store = store
        self.halt = halt
    }

    var appliedIndex: LogIndex { store.appliedIndex }

    func apply(index: LogIndex, term: Term, version: UInt8, payload: [UInt8]) -> TransactionOutcome {
        guard version == Self.entryVersion else {
            let reason: String =
                "log entry \(index) has form \(version), and this program knows form \(Self.entryVersion) only. Skipping it "
                + "would fork the state, so this member stops. Start it with the version that the other members run"
            halt(reason)
            return .refused(.invalid(reason))
        }
        do throws(UnreadableEntry) {
            let outcome: TransactionOutcome = try store.apply(index: index, encoded: payload)
            marks.applied(index, in: store)
            return outcome
        } catch {
            halt("\(error)")
            return .refused(.invalid("\(error)"))
        }
    }

    func pass(index: LogIndex, term: Term) {
        store.advance(to: index)
        marks.applied(index, in: store)
    }

    func snapshot(to path: String) throws -> LogIndex { try store.snapshot(to: path) }

    func install(from path: String) throws {
        do throws(StoreFault) {
            try store.install(snapshot: path)
        } catch {
            // The disk may hold the new state while memory holds the old one: only a start from the disk puts that right.
            if store.mustRestart { halt("\(error)") }
            throw error
        }
    }
}
