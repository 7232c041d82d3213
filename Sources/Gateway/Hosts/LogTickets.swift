import Bytes
import Crypto
import Limits
import Synchronization

/// What a token opens, once.
struct LogTicket: Sendable {
    var instance: UInt64
    var host: UInt64
    var request: LogRequest
    /// Milliseconds since 1970.
    var expires: Int64
    /// The request that it was given to: whoever uses the token has that caller's rights, as long as they last.
    var exchange: Exchange
}

/// The tokens that were given out and not used yet.
final class LogTickets: Sendable {
    private let tickets = Mutex<[String: LogTicket]>([:])

    /// A new token for `ticket`; nil while too many are waiting.
    func add(_ ticket: LogTicket, now: Int64) -> String? {
        let token: String = Hex.encode(SecureRandom.bytes(24))
        return tickets.withLock { tickets in
            // Each keeps the view of its request: what expired goes at once, not when there is no more room.
            tickets = tickets.filter { $0.value.expires > now }
            guard tickets.count < Limits.logTickets else { return nil }
            tickets[token] = ticket
            return token
        }
    }

    func take(_ token: String, now: Int64) -> LogTicket? {
        guard let ticket: LogTicket = tickets.withLock({ $0.removeValue(forKey: token) }), ticket.expires > now else {
            return nil
        }
        return ticket
    }
}
