/// What one member says to another.
package struct Message: Hashable, Sendable {
    package let group: GroupIdentity
    package let from: MemberID
    package let to: MemberID
    /// The sender's term; in a pre-vote the term it would have.
    package let term: Term
    package let body: Body

    package init(group: GroupIdentity, from: MemberID, to: MemberID, term: Term, body: Body) {
        self.group = group
        self.from = from
        self.to = to
        self.term = term
        self.body = body
    }

    package enum Body: Hashable, Sendable {
        case preVoteRequest(VoteRequest)
        case preVoteReply(granted: Bool)
        case voteRequest(VoteRequest)
        case voteReply(granted: Bool)
        case append(AppendRequest)
        /// Everything up to `match` is on the sender's disk and equal to the leader's log.
        case appendAccepted(match: LogIndex)
        case appendRejected(AppendRejection)
        /// What is committed and, as far as the leader knows, on the receiver's disk. The term lets a member that has
        /// just started see that its log agrees up to there.
        case heartbeat(commit: LogPosition, round: UInt64)
        case heartbeatReply(round: UInt64)
        /// "Your term is over": the term of the message says by what.
        case outdated
        /// A transfer: become a candidate at once.
        case campaignNow
        case readRequest(ids: [UInt64])
        case readReply(ids: [UInt64], index: LogIndex)
        case readRefused(ids: [UInt64])
    }

    /// Only a leader says such things.
    var isFromLeader: Bool {
        switch body {
        case .append, .heartbeat, .campaignNow: true
        default: false
        }
    }
}

package struct VoteRequest: Hashable, Sendable {
    package let last: LogPosition
    /// The leader itself asked for this election, so voters do not protect it.
    package let isTransfer: Bool

    package init(last: LogPosition, isTransfer: Bool = false) {
        self.last = last
        self.isTransfer = isTransfer
    }
}

package struct AppendRequest: Hashable, Sendable {
    /// The entry before the first of `entries`.
    package let previous: LogPosition
    package let entries: [LogEntry]
    package let commit: LogIndex
    /// The sender's own count of such requests in this term; a rejection names it.
    package let number: UInt64

    package init(previous: LogPosition, entries: [LogEntry], commit: LogIndex, number: UInt64 = 0) {
        self.previous = previous
        self.entries = entries
        self.commit = commit
        self.number = number
    }
}

package struct AppendRejection: Hashable, Sendable {
    /// The `previous.index` that did not fit.
    package let previousIndex: LogIndex
    /// Where the two logs may agree, at best.
    package let hint: LogPosition
    /// The number of the request: tells an answer to a new question from a late copy of an old answer.
    package let number: UInt64

    package init(previousIndex: LogIndex, hint: LogPosition, number: UInt64 = 0) {
        self.previousIndex = previousIndex
        self.hint = hint
        self.number = number
    }
}
