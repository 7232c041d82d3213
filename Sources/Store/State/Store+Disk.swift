package import StoreFormat

// What is written behind the log. Functions here block for the disk: call them from a thread that may.
extension Store {
    /// Loads the checkpoint of `folder`, made if it is absent; the log goes on after ``appliedIndex``.
    ///
    /// - Parameter halt: called once, on the applier's thread, when history cannot be written and more waits for it than
    ///   memory may hold: the process must end in order. The log holds everything that is not in the files. Without one
    ///   it traps.
    /// - Throws: ``StoreFault`` naming the file and what to do, for a damaged or unknown one.
    package static func open(
        folder: String,
        halt: @escaping @Sendable (StoreFault) -> Void = Store.trap
    ) throws(StoreFault) -> Store {
        let (disk, view): (StoreDisk, StoreView) = try StoreDisk.open(folder: folder)
        return Store(view, disk: disk, halt: halt)
    }

    /// What happens without a `halt`: an end that says why.
    package static let trap: @Sendable (StoreFault) -> Void = { fatalError("the store stops: \($0)") }

    /// Flushes history and a checkpoint of the state as it is now, reads the checkpoint back, and returns its
    /// revision.
    ///
    /// Apply and readers go on meanwhile.
    package func checkpoint() throws(StoreFault) -> Revision { try checkpoint { _ in } }

    func checkpoint(_ step: @Sendable (StoreDisk.Step) -> Void) throws(StoreFault) -> Revision {
        guard let disk else { return 0 }
        let revision: Revision = try disk.checkpoint({ view }, step)
        historyHolds(upTo: disk.historyLast)
        return revision
    }

    /// Flushes what waits for history; returns up to where it goes.
    package func flushHistory() throws(StoreFault) -> Revision {
        guard let disk else { return 0 }
        let revision: Revision = try disk.flushHistory()
        historyHolds(upTo: revision)
        return revision
    }

    /// Log entries below this index are no longer needed by this member: a checkpoint that was flushed and read back,
    /// and flushed history, both hold them.
    ///
    /// 0 for a store without files.
    package var safeToCompactBelow: Revision { disk?.safeToCompactBelow ?? 0 }

    /// The disk has no space, and so much waits in memory to be written there that no more entries should come.
    ///
    /// Whoever brings entries holds them back while this is true; it ends with the next write that succeeds.
    package var waitsForSpace: Bool { disk?.waitsForSpace ?? false }

    /// Why the files are behind, if they are: the last attempt to write them failed.
    package var diskFault: StoreFault? { disk?.fault }

    /// What happened in the past; nil for a store without files.
    package var history: HistoryReader? { disk?.reader }

    /// A record as it was right after `revision`.
    package func pastRecord(_ key: RecordKey, at revision: Revision) throws(StoreFault) -> Record? {
        // Taken before the flush, so history covers all that it shows.
        let now: StoreView = view
        guard let disk else { return nil }
        _ = try flushHistory()
        switch try disk.reader.record(key, at: revision) {
        case .was(let record): return record
        case .unchanged:
            // A snapshot was installed meanwhile: history no longer reaches back to that view.
            guard now.revision + 1 >= disk.lowestRevision else { return try pastRecord(key, at: revision) }
            return now.get(key)
        }
    }

    /// Forgets history below a revision; watches and time travel end there.
    package func cutHistory(below revision: Revision) throws(StoreFault) { try disk?.cutHistory(below: revision) }

    /// Writes a checkpoint and copies it to `path`, in one file: the backup, and what a new peer gets as `state.db`
    /// in its folder.
    ///
    /// Returns the revision that it holds.
    package func snapshot(to path: String) throws(StoreFault) -> Revision {
        _ = try checkpoint()
        return try disk?.copyState(to: path) ?? 0
    }

    /// Sees to it that what waits for the disk stays bounded.
    func relieve(_ pressure: StoreDisk.Pressure) {
        switch pressure {
        case .none: return
        case .worthwhile:
            disk?.inBackground { [weak self] in
                // A failure is kept in `diskFault`, and the log keeps everything until it is mended.
                _ = try? self?.checkpoint()
            }
        case .full:
            do {
                _ = try flushHistory()
            } catch {
                // Going on would lose history or fill the memory; the log holds all of it.
                if disk?.beginHalting() ?? false { halt(error) }
            }
        }
    }
}
