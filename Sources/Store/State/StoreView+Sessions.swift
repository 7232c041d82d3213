import Limits
import StoreFormat

// Exactly once (Raft dissertation, section 6.3). A session is opened by an entry of its own and is
// named by that entry's revision, so its name can never be opened again. A ticket of a session that is
// not open, never was or was evicted, is refused and does not run. Within a session, a sequence either
// has its reply stored (that is the answer), or lies below `answeredBelow` (its reply is forgotten; it does
// not run), or has never run.
extension StoreView {
    enum Admission {
        case new
        case answered(TransactionOutcome)
    }

    mutating func admit(_ ticket: SessionTicket, at index: Revision) -> Admission {
        guard var session = sessions[ticket.session] else {
            return .answered(.refused(.sessionExpired(sequence: ticket.sequence)))
        }
        session.lastUsed = index
        if ticket.answeredBelow <= ticket.sequence, ticket.answeredBelow > session.answeredBelow {
            session.replies -= forget(ticket.session, from: session.answeredBelow, below: ticket.answeredBelow)
            session.answeredBelow = ticket.answeredBelow
        }
        sessions.set(ticket.session, session)
        guard ticket.sequence >= session.answeredBelow else {
            return .answered(.refused(.sessionExpired(sequence: ticket.sequence)))
        }
        if let reply = replies[ReplyKey(session: ticket.session, sequence: ticket.sequence)] {
            return .answered(reply)
        }
        return .new
    }

    /// Stores the reply.
    ///
    /// When there are too many the lowest goes, and with it the right of every sequence below it to run: a client
    /// that does not confirm loses answers, never runs twice.
    mutating func remember(_ outcome: TransactionOutcome, for ticket: SessionTicket) {
        // Opening a session in the same entry may have evicted this very one.
        guard var session = sessions[ticket.session] else { return }
        replies.set(ReplyKey(session: ticket.session, sequence: ticket.sequence), outcome)
        session.replies += 1
        while session.replies > Limits.sessionOutstanding {
            guard let lowest = firstReply(of: ticket.session) else { break }
            replies.remove(lowest)
            session.replies -= 1
            session.answeredBelow = lowest.sequence + 1
        }
        sessions.set(ticket.session, session)
    }

    mutating func open(_ id: SessionID, at index: Revision) {
        while sessions.count >= Limits.sessions, let oldest = leastRecentlyUsed() { evict(oldest) }
        sessions.set(id, Session(answeredBelow: 1, lastUsed: index, replies: 0))
    }

    /// Ordered by the log; sessions of one entry by their id.
    ///
    /// Looked for only when a session is opened.
    private func leastRecentlyUsed() -> SessionID? {
        var oldest: (id: SessionID, lastUsed: Revision)?
        sessions.forEach { id, session in
            if oldest.map({ session.lastUsed < $0.lastUsed }) ?? true { oldest = (id, session.lastUsed) }
            return true
        }
        return oldest?.id
    }

    private mutating func evict(_ id: SessionID) {
        _ = forget(id, from: 0, below: .max)
        sessions.remove(id)
    }

    private func firstReply(of session: SessionID) -> ReplyKey? {
        var first: ReplyKey?
        replies.forEach(from: ReplyKey(session: session, sequence: 0)) { key, _ in
            if key.session == session { first = key }
            return false
        }
        return first
    }

    /// Returns how many replies there were in the range.
    private mutating func forget(_ session: SessionID, from: UInt64, below: UInt64) -> Int {
        var keys: [ReplyKey] = []
        replies.forEach(from: ReplyKey(session: session, sequence: from)) { key, _ in
            guard key.session == session, key.sequence < below else { return false }
            keys.append(key)
            return true
        }
        for key in keys { replies.remove(key) }
        return keys.count
    }
}
