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

    /// Takes whom to ask when there is no space for what comes next: he waits for some and returns true, or gives up.
    ///
    /// Without one, and when he gives up, ``write(_:)`` throws ``LogFault/full(path:)``; nothing was lost then.
    func whenFull(_ wait: @escaping () -> Bool)

    /// The log holds again all that it held; see ``LogContents/mending``.
    func finishMending() throws(LogFault)

    /// Marks the end as complete and releases the folder.
    func close() throws(LogFault)
}

extension LogStorage {
    /// For a storage that is never full.
    package func whenFull(_ wait: @escaping () -> Bool) {}

    /// For a storage that loses nothing.
    package func finishMending() throws(LogFault) {}
}
