import Glibc
package import StoreFormat

// States that begin from a snapshot and not from an empty log: a cluster that is restored from a backup, or recovered.
extension Store {
    /// What a snapshot file holds, read whole and compared with its digest; nothing is changed.
    ///
    /// - Throws: ``StoreFault`` for what is damaged, or of a format that this version does not know.
    package static func read(snapshot path: String) throws(StoreFault) -> StoreView {
        try StateFile.read(snapshot: path, above: 0)
    }

    /// Makes `folder` hold a state at a later revision, without the sessions of its past.
    ///
    /// The revisions between are gone for everybody: watches from below are told the lowest usable one, and a client that has
    /// seen more than the state holds never meets the same revision with another content.
    ///
    /// - Precondition: the folder holds no checkpoint, and `revision` lies above the view's.
    package static func plant(_ view: StoreView, in folder: String, at revision: Revision) throws(StoreFault) {
        precondition(revision > view.revision, "\(revision) does not lie above \(view.revision)")
        var planted: StoreView = view
        planted.voidSessions()
        planted.revision = revision
        var keys: Set<RecordKey> = []
        planted.records.forEach { key, _ in
            keys.insert(key)
            return true
        }
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else {
            throw StoreFault(
                file: folder,
                problem: "cannot make the folder: \(String(cString: strerror(errno)))",
                nextStep: "Make sure that the folder above it exists and is writable."
            )
        }
        let state: StateFile = try StateFile(path: "\(folder)/\(StateFile.name)")
        try state.write(planted, changed: keys) {}
        try state.settle()
    }
}

extension StoreView {
    /// Requests under a session of another incarnation are refused, and never answered from it.
    mutating func voidSessions() {
        sessions = OrderedTree()
        replies = OrderedTree()
    }
}
