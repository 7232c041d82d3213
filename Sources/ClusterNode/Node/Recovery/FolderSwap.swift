import Glibc

/// Puts what was made anew in the place of a node's log and state, so that a crash at any moment leaves the old node, or the
/// new one, or a folder that refuses to start and says how to go on.
///
/// The new parts lie in `recovered/` until then; the old ones are kept in a folder beside them for somebody to look at.
struct FolderSwap: Sendable {
    let folder: DataFolder

    /// The data folder within the data folder in which the new parts are made.
    var fresh: DataFolder { DataFolder("\(folder.path)/recovered") }
    private var marker: String { "\(fresh.path)/ready" }

    /// The new parts are complete: from now on only ``finish()`` leads on.
    var isReady: Bool { RawFile.exists(marker) }

    /// - Parameter kept: the name of the folder for the old parts.
    func ready(keepingOldIn kept: String) throws(NodeFault) { try DataFolder.write(Array(kept.utf8), to: marker) }

    /// Does what is left to be done; returns where the old parts are.
    @discardableResult
    func finish() throws(NodeFault) -> String {
        let name = String(decoding: try DataFolder.read(marker), as: UTF8.self)
        let kept: String = "\(folder.path)/\(name)"
        guard mkdir(kept, 0o700) == 0 || errno == EEXIST else { throw RawFile.fault("make the folder", kept) }
        // Without its node.json the folder starts no node.
        try keep("node.json", in: kept)
        for part in ["log", "state"] {
            try keep(part, in: kept)
            try place(part)
        }
        try place("node.json")
        try RawFile.flush(folder: folder.path)
        unlink(marker)
        discard()
        return kept
    }

    /// Removes new parts that are not complete.
    func discard() {
        guard !isReady else { return }
        for part in ["log", "state", "snapshots"] { DataFolder.remove("\(fresh.path)/\(part)") }
        DataFolder.remove(fresh.path)
    }

    /// As long as the new part waits, what has its name is the old one.
    private func keep(_ part: String, in kept: String) throws(NodeFault) {
        guard RawFile.exists("\(fresh.path)/\(part)"), RawFile.exists("\(folder.path)/\(part)") else { return }
        try RawFile.rename("\(folder.path)/\(part)", to: "\(kept)/\(part)")
        try RawFile.flush(folder: folder.path)
        try RawFile.flush(folder: kept)
    }

    private func place(_ part: String) throws(NodeFault) {
        guard RawFile.exists("\(fresh.path)/\(part)") else { return }
        try RawFile.rename("\(fresh.path)/\(part)", to: "\(folder.path)/\(part)")
        try RawFile.flush(folder: folder.path)
    }
}
