import Bytes
import Crypto
import Limits
import StoreFormat
import Synchronization

/// The gateway's session in the replicated state: numbers every change that leaves this process, so that trying one
/// again can never make it twice.
package final class GatewaySession: Sendable {
    private let proposer: any Proposing
    private let now: @Sendable () -> Int64
    private let state = Mutex(State())

    private struct State {
        var session: SessionID?
        var next: UInt64 = 1
        /// Sequences handed out and not yet answered.
        var open: Set<UInt64> = []
    }

    init(proposer: any Proposing, now: @escaping @Sendable () -> Int64) {
        self.proposer = proposer
        self.now = now
    }

    /// Proposes with a ticket of its own and waits for the answer.
    func propose(_ transaction: Transaction) async throws(ProposalFault) -> TransactionOutcome {
        var transaction: Transaction = transaction
        // A session that was evicted is opened anew, once: the refused ticket never ran.
        for _ in 0..<2 {
            let session: SessionID = try await self.session()
            let ticket: SessionTicket = try take(session)
            transaction.ticket = ticket
            defer { finish(ticket) }
            let outcome: TransactionOutcome
            do throws(ProposalFault) {
                outcome = try await proposer.propose(transaction)
            } catch {
                guard case .unknown = error else { throw error }
                return try await again(transaction, after: error)
            }
            guard case .refused(.sessionExpired) = outcome else { return outcome }
            state.withLock { if $0.session == session { $0 = State() } }
        }
        throw .unknown("the session was lost")
    }

    /// Once more under the same ticket: if the first attempt was carried out, this gets its answer and changes nothing.
    ///
    /// When it is still unknown after that, the ticket is given up: should the entry yet come to be applied, it finds its
    /// sequence confirmed and does nothing, or it did what it should before.
    private func again(
        _ transaction: Transaction,
        after fault: ProposalFault
    ) async throws(ProposalFault) -> TransactionOutcome {
        let outcome: TransactionOutcome
        do throws(ProposalFault) {
            outcome = try await proposer.propose(transaction)
        } catch {
            // Whatever this attempt met, the first one may still be under way.
            throw fault
        }
        // The session went away in between: the first attempt may have run, so it must not run under another one.
        if case .refused(.sessionExpired) = outcome { throw fault }
        return outcome
    }

    private func session() async throws(ProposalFault) -> SessionID {
        if let session: SessionID = state.withLock({ $0.session }) { return session }
        let nonce: UInt64 = SecureRandom.bytes(8).reduce(0) { $0 << 8 | UInt64($1) }
        let outcome: TransactionOutcome = try await proposer.propose(
            Transaction(time: now(), actor: "system", requestID: "session", writes: [.openSession(nonce: nonce)])
        )
        guard case .committed(let revision, _) = outcome else { throw .unknown("no session could be opened") }
        let opened = SessionID(opened: revision, nonce: nonce)
        // Two requests may have opened one each; the first one counts.
        return state.withLock { state in
            if let session: SessionID = state.session { return session }
            state = State(session: opened)
            return opened
        }
    }

    private func take(_ session: SessionID) throws(ProposalFault) -> SessionTicket {
        let ticket: SessionTicket? = state.withLock { state in
            guard state.open.count < Limits.sessionOutstanding else { return nil }
            let sequence: UInt64 = state.next
            state.next += 1
            state.open.insert(sequence)
            return SessionTicket(session: session, sequence: sequence, answeredBelow: state.open.min() ?? sequence)
        }
        guard let ticket else { throw .busy }
        return ticket
    }

    private func finish(_ ticket: SessionTicket) {
        state.withLock { state in
            // A sequence of an earlier session says nothing about the same number in this one.
            if state.session == ticket.session { state.open.remove(ticket.sequence) }
        }
    }
}
