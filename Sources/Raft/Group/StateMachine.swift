package import RaftCore

/// What the log's commands are applied to.
///
/// Called in order, on the group's own thread.
package protocol StateMachine: AnyObject, Sendable {
    /// What a command comes to; handed to whoever proposed it here.
    associatedtype Outcome: Sendable

    /// Up to here everything was applied and will still be there after a crash. Read once, at the start: the group
    /// applies what follows.
    var appliedIndex: LogIndex { get }

    /// Runs a command. Total: it may refuse, equally on every member, but never fails for local reasons. Must not block.
    func apply(index: LogIndex, term: Term, version: UInt8, payload: [UInt8]) -> Outcome

    /// An entry that is no command (a new leader's first, a change of members) was passed.
    func pass(index: LogIndex, term: Term)
}
