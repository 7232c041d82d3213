import Limits
import StoreFormat

/// The tickets of one request: a row of sequences of one session, one for each attempt to commit.
///
/// An attempt that was refused because somebody else was faster is planned anew, and its answer stays stored under its
/// ticket; so the next attempt needs the next one. Two nodes that run the same request go along the same row: the first
/// ticket whose stored answer is a commit is the request's answer on both, and no later one is ever used. So
/// however many nodes try, the change is made once.
struct RequestTickets: Hashable, Sendable {
    /// One for each attempt, one to make sure that nothing more will happen.
    static let rowLength: UInt64 = UInt64(Limits.conflictRetries) + 2

    let session: SessionID
    let first: UInt64
    let answeredBelow: UInt64
    /// Given by another node, whose session it is.
    let isForeign: Bool
    private var used: UInt64 = 0

    init(session: SessionID, first: UInt64, answeredBelow: UInt64) {
        self.session = session
        self.first = first
        self.answeredBelow = answeredBelow
        isForeign = false
    }

    /// The next ticket of the row; nil when all were used.
    mutating func next() -> SessionTicket? {
        guard used < Self.rowLength else { return nil }
        defer { used += 1 }
        return SessionTicket(session: session, sequence: first + used, answeredBelow: answeredBelow)
    }

    // MARK: Between nodes

    /// `<session>-<session>-<first>-<answered below>`, in hexadecimal.
    var text: String {
        [session.high, session.low, first, answeredBelow].map { String($0, radix: 16) }.joined(separator: "-")
    }

    init?(foreign text: String) {
        let numbers: [UInt64] = text.split(separator: "-", omittingEmptySubsequences: false).compactMap {
            UInt64($0, radix: 16)
        }
        guard numbers.count == 4, text.utf8.count(where: { $0 == UInt8(ascii: "-") }) == 3, numbers[2] > 0,
            numbers[2] <= UInt64.max - Self.rowLength, (1...numbers[2]).contains(numbers[3])
        else { return nil }
        session = SessionID(high: numbers[0], low: numbers[1])
        first = numbers[2]
        answeredBelow = numbers[3]
        isForeign = true
    }
}
