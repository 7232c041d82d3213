/// A number that grows with every election; at most one leader exists in each.
package typealias Term = UInt64

/// A place in the log; the first entry has index 1.
package typealias LogIndex = UInt64

/// One member of a group, for ever: an id that was removed is never given again.
///
/// Shape: any number but 0.
package struct MemberID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let number: UInt64

    package init(_ number: UInt64) {
        precondition(number != 0, "member id 0 is kept for \"none\"")
        self.number = number
    }

    package static func < (left: MemberID, right: MemberID) -> Bool { left.number < right.number }

    package var description: String { "\(number)" }
}

/// Which group a message or a data folder belongs to.
///
/// The incarnation changes when a cluster is restored or recovered, so that members of its past are refused.
package struct GroupIdentity: Hashable, Sendable, CustomStringConvertible {
    package let cluster: UInt64
    package let incarnation: UInt64

    package init(cluster: UInt64, incarnation: UInt64) {
        self.cluster = cluster
        self.incarnation = incarnation
    }

    package var description: String { "\(cluster)/\(incarnation)" }
}

/// The highest term a member has seen, and whom it voted for in that term.
///
/// Invariant: it is on the disk before any message that rests on it leaves the member.
package struct Ballot: Hashable, Sendable, CustomStringConvertible {
    package var term: Term
    package var vote: MemberID?

    package init(term: Term = 0, vote: MemberID? = nil) {
        self.term = term
        self.vote = vote
    }

    package var description: String {
        guard let vote else { return "term=\(term)" }
        return "term=\(term) vote=\(vote)"
    }
}

/// A place in the log together with the term of the entry there: it names one entry and, with it, all before.
package struct LogPosition: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let index: LogIndex
    package let term: Term

    package init(index: LogIndex, term: Term) {
        self.index = index
        self.term = term
    }

    /// Before the first entry.
    package static let start: LogPosition = LogPosition(index: 0, term: 0)

    /// A log that ends at the greater position is the more up to date one (Raft dissertation, section 3.6.1).
    package static func < (left: LogPosition, right: LogPosition) -> Bool {
        (left.term, left.index) < (right.term, right.index)
    }

    package var description: String { "\(term)/\(index)" }
}
