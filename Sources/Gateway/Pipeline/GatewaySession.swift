import Bytes
import Crypto
import EventLoop
import HTTP
import Limits
import StoreFormat
import Synchronization

/// The gateway's session in the replicated state: numbers every change that leaves this process, so that trying one
/// again, here or on another node, can never make it twice.
package final class GatewaySession: Sendable {
    private let proposer: any Proposing
    private let now: @Sendable () -> Int64
    private let state = Mutex(State())

    private struct State {
        var session: SessionID?
        var next: UInt64 = 1
        /// The first sequence of each row that was handed out and whose request has no answer yet.
        var open: Set<UInt64> = []
        /// The one opening of a session that everybody waits for.
        var opening: Task<Result<SessionID, ProposalFault>, Never>?
    }

    init(proposer: any Proposing, now: @escaping @Sendable () -> Int64) {
        self.proposer = proposer
        self.now = now
    }

    // MARK: Tickets

    /// Tickets for one request, opening a session if there is none; give them back with ``end(_:)``.
    ///
    /// When as many requests are under way as a session may have, this one waits for its turn.
    ///
    /// - Throws: `busy` when its turn does not come in time.
    func begin(on loop: EventLoop, before deadline: Deadline) async throws(ProposalFault) -> RequestTickets {
        var patience = Patience(on: loop, until: deadline)
        while true {
            let session: SessionID = try await self.session(loop, deadline)
            let tickets: RequestTickets?? = state.withLock { state in
                guard state.session == session else { return .none }
                guard state.open.count < Limits.sessionOutstanding else { return .some(nil) }
                let first: UInt64 = state.next
                state.next += RequestTickets.rowLength
                state.open.insert(first)
                return RequestTickets(
                    session: session,
                    first: first,
                    answeredBelow: state.open.min() ?? first
                )
            }
            guard let tickets else { continue }  // the session was lost meanwhile
            if let tickets { return tickets }
            guard await patience.wait() else { throw .busy }
        }
    }

    /// The request has its answer: should one of its tickets yet come to be applied, nothing happens.
    func end(_ tickets: RequestTickets) {
        state.withLock { state in
            // A sequence of an earlier session says nothing about the same number in this one.
            if !tickets.isForeign, state.session == tickets.session { state.open.remove(tickets.first) }
        }
    }

    /// The session is no longer in the state: the next request opens another.
    func forget(_ session: SessionID) {
        state.withLock { state in
            if state.session == session { state = State() }
        }
    }

    // MARK: Proposing

    /// Proposes the exchange's next attempt and waits for the answer.
    ///
    /// As long as it is not known what became of it, it is proposed again under the same ticket: if an earlier
    /// attempt was carried out, a later one gets its answer and changes nothing.
    func propose(
        _ transaction: Transaction,
        for exchange: inout Exchange
    ) async throws(ProposalFault) -> TransactionOutcome {
        var transaction: Transaction = transaction
        // A session that was evicted is opened anew, once.
        for _ in 0..<2 {
            if exchange.tickets == nil {
                exchange.tickets = try await begin(on: exchange.connection.loop, before: exchange.deadline)
            }
            guard let tickets: RequestTickets = exchange.tickets, let ticket = exchange.tickets?.next() else {
                throw .busy
            }
            transaction.ticket = ticket
            let (outcome, wasLost): (TransactionOutcome, Bool) = try await persistently(transaction, exchange)
            guard case .refused(.sessionExpired) = outcome else { return outcome }
            // An attempt whose answer was lost, or another node's, may have run before the session went away: it must
            // not run under another one.
            guard !wasLost, !exchange.mayRunElsewhere else { break }
            // Otherwise the refused ticket never ran.
            guard !tickets.isForeign else {
                exchange.isUntouched = true
                break
            }
            forget(tickets.session)
            exchange.tickets = nil
        }
        throw .unknown("the session was lost")
    }

    /// Makes sure that nothing more will be made under the request's tickets: uses them up.
    ///
    /// - Returns: a commit when another node was faster; nil when nothing was made, and nothing will be.
    func settle(_ exchange: inout Exchange) async throws(ProposalFault) -> TransactionOutcome? {
        while let ticket: SessionTicket = exchange.tickets?.next() {
            let nothing = Transaction(
                ticket: ticket,
                time: now(),
                actor: "system",
                requestID: exchange.id,
                // No scope gets so far: this is always refused, in a way that nobody plans anew.
                preconditions: [.epoch(scope: 0, .max)]
            )
            let outcome: TransactionOutcome = try await persistently(nothing, exchange).outcome
            switch outcome {
            case .committed: return outcome
            case .refused(let refusal):
                // Whoever was refused because somebody was faster goes on to the next ticket; so does this.
                guard refusal.isMended(bySession: false) else { return nil }
            }
        }
        return nil
    }

    /// - Returns: also whether the answer of an attempt before the one that counts was lost.
    private func persistently(
        _ transaction: Transaction,
        _ exchange: Exchange
    ) async throws(ProposalFault) -> (outcome: TransactionOutcome, wasLost: Bool) {
        var lost: ProposalFault?
        var patience = Patience(on: exchange.connection.loop, until: exchange.deadline)
        while true {
            let isFirstLoss: Bool = lost == nil
            do throws(ProposalFault) {
                return (try await proposer.propose(transaction), lost != nil)
            } catch {
                switch error {
                case .unknown:
                    lost = lost ?? error
                    // However long the first attempt took, there is a second: most often it brings the answer.
                    if await !patience.wait(), !isFirstLoss { throw error }
                case .noLeader:
                    if await !patience.wait() { throw lost ?? error }
                case .busy:
                    guard lost != nil, await patience.wait() else { throw lost ?? error }
                case .stopping, .tooLarge: throw lost ?? error
                }
            }
        }
    }

    // MARK: The session

    private func session(_ loop: EventLoop, _ deadline: Deadline) async throws(ProposalFault) -> SessionID {
        if let session: SessionID = state.withLock({ $0.session }) { return session }
        let opening: Task<Result<SessionID, ProposalFault>, Never> = state.withLock { state in
            // Somebody may have been faster than this.
            if let session: SessionID = state.session { return Task { .success(session) } }
            if let opening = state.opening { return opening }
            let opening = Task(executorPreference: loop) { [self] in
                let result: Result<SessionID, ProposalFault> = await open(loop, deadline)
                opened(result)
                return result
            }
            state.opening = opening
            return opening
        }
        return try await opening.value.get()
    }

    private func opened(_ result: Result<SessionID, ProposalFault>) {
        state.withLock { state in
            state.opening = nil
            if case .success(let session) = result { state = State(session: session) }
        }
    }

    private func open(_ loop: EventLoop, _ deadline: Deadline) async -> Result<SessionID, ProposalFault> {
        var patience = Patience(on: loop, until: deadline)
        while true {
            // A nonce of its own each time: a lost attempt may yet open a session, which nobody will use.
            let nonce: UInt64 = SecureRandom.bytes(8).reduce(0) { $0 << 8 | UInt64($1) }
            do throws(ProposalFault) {
                let outcome: TransactionOutcome = try await proposer.propose(
                    Transaction(
                        time: now(),
                        actor: "system",
                        requestID: "session",
                        writes: [.openSession(nonce: nonce)]
                    )
                )
                guard case .committed(let revision, _) = outcome else {
                    return .failure(.unknown("no session could be opened"))
                }
                return .success(SessionID(opened: revision, nonce: nonce))
            } catch {
                switch error {
                // Nothing of the request itself has been proposed yet.
                case .unknown, .noLeader: if await !patience.wait() { return .failure(.noLeader) }
                case .busy, .stopping, .tooLarge: return .failure(error)
                }
            }
        }
    }
}
