internal import RaftCore
internal import RaftLog

/// What reaches a group's thread.
enum GroupJob<Outcome: Sendable>: Sendable {
    typealias ProposeResult = Result<Applied<Outcome>, ProposeError>
    typealias ReadResult = Result<LogIndex, ReadError>

    case propose(version: UInt8, payload: [UInt8], CheckedContinuation<ProposeResult, Never>)
    case read(CheckedContinuation<ReadResult, Never>)
    case awaitLeader(CheckedContinuation<ReadResult, Never>)
    case changeMembers(
        voters: [MemberID],
        learners: [MemberID],
        CheckedContinuation<ConfigurationRefusal?, Never>
    )
    case transfer(to: MemberID)
    /// Wait until this entry is applied here.
    case awaitApplied(LogIndex, CheckedContinuation<ReadResult, Never>)
    /// Hand leadership to somebody; answered with whether this member does not lead any more.
    case stepDown(CheckedContinuation<Bool, Never>)
    case peerGone(MemberID)
    case snapshotMade(MemberID, Result<SnapshotDesk.Made, SnapshotFailure>)
    case snapshotSent(MemberID, LogPosition, SnapshotOutcome)
    /// A received snapshot lies there, verified.
    case install(SnapshotAbout, CheckedContinuation<SnapshotReply, Never>)
    /// The state machine was replaced by it, or was not.
    case replaced(SnapshotAbout, Result<Void, SnapshotFailure>, CheckedContinuation<SnapshotReply, Never>)
    case message(Message)
    case disk(LogWriter.Completion)
    case note(Observation)
    case compact(through: LogIndex)
    case stop
}
