import EventLoop
import Limits
import Store
import StoreFormat
import Synchronization

/// What a member says of its state at an entry.
enum StateReport: Hashable, Sendable {
    case hash([UInt8])
    /// It is past that entry, or did not come to it in time; this is where it stands.
    case notThere(applied: Revision)
}

/// Computes the hash of this member's state at an entry that was agreed on, off the path of commits.
final class StateHashing: Sendable {
    private struct Known {
        var index: Revision
        var hash: [UInt8]
    }

    private let store: Store
    private let marks: StateMarks
    /// The latest; an idle cluster computes nothing twice.
    private let known = Mutex<Known?>(nil)

    init(store: Store, marks: StateMarks) {
        self.store = store
        self.marks = marks
    }

    /// Waits until that entry is applied here, for a while.
    func report(at index: Revision, on loop: EventLoop) async -> StateReport {
        if let known: Known = known.withLock({ $0 }), known.index == index { return .hash(known.hash) }
        guard let view: StoreView = await view(at: index, on: loop) else {
            return .notThere(applied: store.appliedIndex)
        }
        let hash: [UInt8] = await Blocking.run { () throws(Never) in view.stateHash() }
        known.withLock { $0 = Known(index: index, hash: hash) }
        return .hash(hash)
    }

    private func view(at index: Revision, on loop: EventLoop) async -> StoreView? {
        let mark: UInt64 = marks.want(index)
        defer { marks.drop(mark) }
        let now: StoreView = store.view
        if now.revision == index { return now }
        // It came by between the two looks, or it is too late.
        if now.revision > index { return marks.take(mark) }
        let deadline: ContinuousClock.Instant = .now + .milliseconds(Limits.stateHashWaitMilliseconds)
        while ContinuousClock.now < deadline {
            if let view: StoreView = marks.take(mark) { return view }
            guard (try? await loop.sleep(milliseconds: Limits.stateHashLookMilliseconds)) != nil else { return nil }
        }
        return marks.take(mark)
    }

    /// What this member said of that entry, if it was the last that it was asked about.
    func told(at index: Revision) -> [UInt8]? {
        known.withLock { $0.flatMap { $0.index == index ? $0.hash : nil } }
    }
}
