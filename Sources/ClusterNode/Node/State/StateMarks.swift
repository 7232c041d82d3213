import Store
import StoreFormat
import Synchronization

/// Catches the state exactly at an entry, for those who said before that they want it.
///
/// Taking a view costs the applier a look at one number, and for the entry that is wanted a few references.
final class StateMarks: Sendable {
    private struct Mark {
        var index: Revision
        var view: StoreView?
    }

    private let marks = Mutex<[UInt64: Mark]>([:])
    private let next = Atomic<UInt64>(0)
    /// How many are wanted and not there yet: what the applier looks at.
    private let open = Atomic<Int>(0)

    init() {}

    /// Wants the state at `index`; end it with ``take(_:)`` or ``drop(_:)``.
    ///
    /// Look at the store afterwards: an entry that was applied before this returns may have been missed.
    func want(_ index: Revision) -> UInt64 {
        let id: UInt64 = next.add(1, ordering: .relaxed).newValue
        marks.withLock { $0[id] = Mark(index: index) }
        open.add(1, ordering: .sequentiallyConsistent)
        return id
    }

    /// On the applier's thread, after each entry and before the next one.
    func applied(_ index: Revision, in store: Store) {
        guard open.load(ordering: .sequentiallyConsistent) > 0 else { return }
        marks.withLock { marks in
            for (id, mark) in marks where mark.index == index && mark.view == nil { marks[id]?.view = store.view }
        }
    }

    /// The state, when it has come by.
    func take(_ id: UInt64) -> StoreView? {
        marks.withLock { $0[id]?.view }
    }

    func drop(_ id: UInt64) {
        guard marks.withLock({ $0.removeValue(forKey: id) }) != nil else { return }
        open.subtract(1, ordering: .sequentiallyConsistent)
    }
}
