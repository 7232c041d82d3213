import Glibc
package import StoreFormat

extension Store {
    /// Restores the state as it is now into a scratch folder, as a restore of a backup would, and compares hashes.
    ///
    /// Costs a copy of the checkpoint on the disk and in memory. Blocks; whatever it made is removed.
    ///
    /// - Returns: the revision that was proven.
    /// - Throws: ``StoreFault`` for what could not be restored, or became another.
    package func rehearseRestore(in folder: String) throws(StoreFault) -> Revision {
        let copy: String = "\(folder)/rehearsal"
        let scratch: String = "\(folder)/rehearsed"
        func clean() {
            StateFile.discard(copy)
            StateFile.discard("\(scratch)/\(StateFile.name)")
            rmdir(scratch)
        }
        clean()
        defer { clean() }
        let revision: Revision = try snapshot(to: copy)
        var expected: StoreView = try Store.read(snapshot: copy)
        try Store.plant(expected, in: scratch, at: expected.revision + 1)
        expected.voidSessions()
        let found: StoreView = try StateFile(path: "\(scratch)/\(StateFile.name)").load()
        guard found.stateHash() == expected.stateHash() else {
            throw StoreFault(
                file: copy,
                problem: "what was restored from the checkpoint at \(revision) is another state",
                nextStep:
                    "Make a backup on another node with 'drover cluster backup', and look at this one's disk."
            )
        }
        return revision
    }
}
