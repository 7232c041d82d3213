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
    case message(Message)
    case disk(LogWriter.Completion)
    case compact(through: LogIndex)
    case stop
}
