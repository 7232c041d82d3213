package import StoreFormat

extension Store {
    /// Replaces everything by a snapshot that another member made with ``snapshot(to:)``; returns its revision.
    ///
    /// The log goes on behind it. Views that were taken before stay valid. Watches end with
    /// ``WatchEnded/storeReplaced(revision:)``. History lacks what lies between the old state and the new: its horizon moves
    /// to the new one, and questions below it are refused as those below any horizon. A crash at any moment leaves the old
    /// state or the new one, whole. The file at `path` stays where it is.
    ///
    /// Called by whoever applies, between two entries; blocks for the disk. Costs a copy of the file and a pass over it.
    ///
    /// - Throws: ``StoreFault``: a snapshot that is damaged, of another format, or not above ``appliedIndex`` is refused
    ///   before anything is touched. When ``mustRestart`` is set afterwards the disk failed half-way.
    @discardableResult
    package func install(snapshot path: String) throws(StoreFault) -> Revision {
        try install(snapshot: path) { _ in }
    }

    @discardableResult
    func install(snapshot path: String, _ step: @Sendable (StoreDisk.Step) -> Void) throws(StoreFault) -> Revision {
        guard let disk else { return try installInMemory(path) }
        return try disk.install(snapshot: path, above: appliedIndex, step) { view in
            replace(with: view) { disk.restartFeed(after: view.revision) }
        }
    }

    private func installInMemory(_ path: String) throws(StoreFault) -> Revision {
        let view: StoreView = try StateFile.read(snapshot: path, above: appliedIndex)
        replace(with: view) {}
        return view.revision
    }

    /// An installation failed half-way: memory is as it was, the checkpoint on disk is whole (the old one or the new
    /// one), and nothing more is written to it.
    ///
    /// The process must end and start again.
    package var mustRestart: Bool { disk?.mustRestart ?? false }
}
