package import StoreFormat

// For members whose disk is simulated: their checkpoints and snapshots are views, kept by whoever simulates.
extension Store {
    /// A state in memory that begins as this view, as after a start from a checkpoint.
    ///
    /// - Parameter watchMemory: how many changes are kept for watches that resume; older ones are below the horizon.
    package convenience init(startingFrom view: StoreView, watchMemory: Int) {
        self.init(view, disk: nil, watchMemory: watchMemory)
    }

    /// Puts a snapshot that was taken as a view in the place of this state; its revision lies above ``appliedIndex``.
    ///
    /// Views that were taken before stay as they are, watches end with ``WatchEnded/storeReplaced(revision:)``.
    package func install(_ view: StoreView) { replace(with: view) {} }
}

extension StoreView {
    /// The same contents under another revision.
    package func moved(to revision: Revision) -> StoreView {
        var view: StoreView = self
        view.revision = revision
        return view
    }

    /// The same records under a later revision and without sessions, as a cluster begins that is restored.
    package func reborn(at revision: Revision) -> StoreView {
        var view: StoreView = moved(to: revision)
        view.voidSessions()
        return view
    }
}
