package import RaftCore

/// Where a member keeps its ballot and its log.
///
/// Used from one thread at a time.
///
/// The real one is ``FileLog``, the simulator's is ``MemoryLog``; both pass the same contract tests.
package protocol LogStorage: AnyObject {
    /// Everything that was written, read once at the start.
    func contents() -> LogContents

    /// Takes a change. A ballot is on the disk when this returns; everything else only after ``flush()``.
    func write(_ change: DiskWrite) throws(LogFault)

    /// Returns when everything written is on the disk. After it threw, nothing may be written any more.
    func flush() throws(LogFault)

    /// Gives back space below `index`, as far as that is easy. Never anything above it.
    func compact(through index: LogIndex) throws(LogFault)

    /// Marks the end as complete and releases the folder.
    func close() throws(LogFault)
}
