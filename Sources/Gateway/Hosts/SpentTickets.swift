import Limits
import Synchronization

/// The tokens of streams that were used on this node and could be tried again, because they have not expired.
///
/// A stream is served by the owner of its environment, so a token opens one stream, except when the owner changes within
/// the minute for which it is good.
final class SpentTickets: Sendable {
    private let spent = Mutex<[String: Int64]>([:])

    /// Marks the ticket as used; false when it was before, or too many are remembered to be sure.
    func spend(_ ticket: StreamTicket, now: Int64) -> Bool {
        spent.withLock { spent in
            if spent.count >= Limits.streamTickets { spent = spent.filter { $0.value > now } }
            guard spent.count < Limits.streamTickets, spent[ticket.nonce] == nil else { return false }
            spent[ticket.nonce] = ticket.expires
            return true
        }
    }
}
