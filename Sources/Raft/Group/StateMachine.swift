package import RaftCore

/// What the log's commands are applied to.
///
/// Called in order, on the group's own thread, but for ``install(from:)``, during which nothing else is called but
/// ``appliedIndex``.
package protocol StateMachine: AnyObject, Sendable {
    /// What a command comes to; handed to whoever proposed it here.
    associatedtype Outcome: Sendable

    /// Up to here everything was applied and will still be there after a crash. Read at the start, the group applies what
    /// follows; and after ``install(from:)``.
    var appliedIndex: LogIndex { get }

    /// Runs a command. Total: it may refuse, equally on every member, but never fails for local reasons. Must not block.
    func apply(index: LogIndex, term: Term, version: UInt8, payload: [UInt8]) -> Outcome

    /// An entry that is no command (a new leader's first, a change of members) was passed.
    func pass(index: LogIndex, term: Term)

    /// Writes the state to a file that does not exist yet, and returns the index of the last entry in it.
    ///
    /// Called on another thread, while apply goes on.
    func snapshot(to path: String) throws -> LogIndex

    /// Replaces the state by the snapshot in a file, whose bytes were verified; when it returns the disk has it.
    ///
    /// After a crash in the middle either the old state is there or the new one. What it throws means that the old state
    /// is in force. The file may be moved.
    func install(from path: String) throws
}
