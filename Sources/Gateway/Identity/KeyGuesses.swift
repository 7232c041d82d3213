import HTTP
import JSON
import Limits
import Logging
import Metrics
import Synchronization

/// Slows down whoever tries secrets of keys; asked before a secret is compared, so that a right guess has to wait as well.
///
/// Only keys count: a login's token and a host's registration token are always generated, and cannot be guessed. While nobody
/// has failed lately it costs a request one load of an atomic. Each node counts for itself.
final class KeyGuesses: Sendable {
    private let ledger = Mutex(KeyGuessLedger())
    /// Milliseconds by ``Gateway/steady``; far in the past while nobody has failed.
    private let lastFailure = Atomic<Int64>(.min / 2)
    private let wrong: Counter
    private let refused: Counter

    init(_ metrics: MetricsRegistry) {
        wrong = metrics.counter(
            "drover_gateway_wrong_keys_total",
            help: "Requests with a key that is not good; the same one again counts once in a quarter of an hour"
        )
        refused = metrics.counter(
            "drover_gateway_guesses_refused_total",
            help:
                "Requests with a key that were refused (429) because too many wrong ones came from the same place lately"
        )
    }

    /// - Throws: 429 for a key that comes too soon after wrong ones.
    func check(_ header: String?, from address: String, at now: Int64) throws(Problem) {
        guard !isQuiet(now), let key: BasicCredentials = Self.key(header) else { return }
        let wait: Int64 = ledger.withLock { $0.wait(.init(key.user, address), at: now) }
        guard wait > 0 else { return }
        refused.add()
        throw .tooMany("Too many wrong keys came from this address lately; wait before the next.", wait)
    }

    /// The header's key was not good.
    ///
    /// - Returns: how many wrong ones came from there, when it is time to tell somebody: at the first wait, and each time
    ///   that they are twice as many.
    func failed(_ header: String?, from address: String, at now: Int64) -> Int? {
        guard let key: BasicCredentials = Self.key(header) else { return nil }
        lastFailure.store(now, ordering: .relaxed)
        // The hasher's seed is this process's own secret: what is kept tells nothing of what was tried.
        var hasher = Hasher()
        hasher.combine(key.user)
        hasher.combine(key.password)
        let guess: Int = hasher.finalize()
        let count: Int? = ledger.withLock { $0.failed(.init(key.user, address), guess: guess, at: now) }
        guard let count else { return nil }
        wrong.add()
        return count >= Limits.guessesOfKey && (count / Limits.guessesOfKey).nonzeroBitCount == 1
            && count % Limits.guessesOfKey == 0 ? count : nil
    }

    /// The header's key was good.
    ///
    /// - Parameter isNew: it was compared just now; else what is known is known for long.
    func succeeded(_ header: String?, from address: String, isNew: Bool, at now: Int64) {
        guard isNew || !isQuiet(now), let key: BasicCredentials = Self.key(header) else { return }
        ledger.withLock { $0.succeeded(.init(key.user, address), at: now) }
    }

    private func isQuiet(_ now: Int64) -> Bool {
        now - lastFailure.load(ordering: .relaxed) >= Limits.guessMemoryMilliseconds
    }

    private static func key(_ header: String?) -> BasicCredentials? {
        guard let header, let credentials = BasicCredentials(header: header),
            credentials.user != "registrationToken", !credentials.user.lowercased().hasPrefix("x-api-bearer")
        else { return nil }
        return credentials
    }
}
