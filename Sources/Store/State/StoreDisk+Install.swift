import Glibc
import StoreFormat
import Synchronization

// A snapshot takes the checkpoint's place. At every moment the folder holds the old one whole or the new one whole:
// the new one is written beside, read back and flushed; the old one's write-ahead log is emptied and removed before
// the rename, or it would be replayed into the new file.
extension StoreDisk {
    static let incoming: String = StateFile.name + ".incoming"

    /// Puts the snapshot on disk, then has `swap` put it in memory before anybody else may write to the files.
    ///
    /// - Throws: ``StoreFault``; everything is as it was before, unless ``mustRestart`` is set: then the files cannot be used
    ///   until the next start.
    func install(
        snapshot: String,
        above applied: Revision,
        _ step: @Sendable (Step) -> Void,
        swap: (StoreView) -> Void
    ) throws(StoreFault) -> Revision {
        try files.withLock { (files) throws(StoreFault) in
            let old: String = try openState(files).path
            let copy: String = "\(folder)/\(Self.incoming)"
            _ = try flush(&files)
            step(.historyFlushed)
            let view: StoreView = try StateFile.take(snapshot: snapshot, to: copy, above: applied)
            step(.snapshotCopied)
            do throws(StoreFault) {
                try openState(files).settle()
            } catch {
                StateFile.discard(copy)
                throw error
            }
            files.state = nil
            for suffix in ["-wal", "-shm"] { unlink(old + suffix) }
            step(.checkpointClosed)
            do throws(StoreFault) {
                try rename(copy, to: old)
                step(.snapshotRenamed)
                try flushFolder()
                step(.folderFlushed)
                let state: StateFile = try StateFile(path: old)
                try files.history.begin(after: view.revision)
                files.state = state
                step(.historyBegun)
            } catch {
                progress.withLock { progress in
                    progress.fault = error
                    progress.mustRestart = true
                }
                throw error
            }
            files.dirty = [:]
            files.checkpointed = view.revision
            let (floor, last): (Revision, Revision) = (files.history.floor, files.history.last)
            progress.withLock { progress in
                progress.historyFloor = floor
                progress.historyLast = last
                progress.checkpointed = view.revision
                progress.fault = nil
            }
            swap(view)
            return view.revision
        }
    }

    /// What waited for history was flushed: it goes on behind `revision`.
    func restartFeed(after revision: Revision) { feed.withLock { $0 = Feed(last: revision) } }

    private func rename(_ copy: String, to target: String) throws(StoreFault) {
        guard Glibc.rename(copy, target) == 0 else { throw broken("rename the snapshot to \(target)") }
    }

    private func flushFolder() throws(StoreFault) {
        let descriptor: Int32 = Glibc.open(folder, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw broken("open the folder \(folder)") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw broken("flush the folder \(folder)") }
    }

    private func broken(_ operation: String) -> StoreFault {
        StoreFault(
            file: folder,
            problem: "cannot \(operation): \(String(cString: strerror(errno)))",
            nextStep:
                "Make sure that the disk is sound and writable, and start this node again: the state there is whole."
        )
    }
}
