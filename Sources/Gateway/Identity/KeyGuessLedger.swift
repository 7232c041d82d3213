import Limits

/// Which wrong secrets were shown for which keys, and from where: from it follows who has to wait before the next.
///
/// Whoever guesses waits; nobody else does. An address that has not failed with a key itself never waits for what others try
/// with it, and one from which the key was right does not wait for what is tried there with other keys. So a key cannot be
/// taken from its owner by guessing at it from elsewhere, and many addresses together get no more than one guess each for
/// nothing. The same wrong secret again is no further guess: a program that holds a key that was removed asks for years.
/// Bounded in memory, as ``FailureTable`` is.
struct KeyGuessLedger: Sendable {
    /// A key, as it was named, and a network that it was shown from.
    struct Pair: Hashable, Sendable {
        var key: String
        var address: String

        /// What is too long to be an access key is cut.
        init(_ key: String, _ address: String) {
            self.key = String(key.prefix(256))
            self.address = GuessLedger.network(address)
        }
    }

    private(set) var keys = FailureTable<String>(free: Limits.guessesOfKey, longest: Limits.guessKeyWaitMilliseconds)
    private(set) var pairs = FailureTable<Pair>(free: Limits.guessesOfKey, longest: Limits.guessKeyWaitMilliseconds)
    private(set) var addresses = FailureTable<String>(
        free: Limits.guessesOfKeysOfAddress,
        longest: Limits.guessKeysAddressWaitMilliseconds
    )
    /// Where keys were right, and when.
    private(set) var known: [Pair: Int64] = [:]
    /// Digests of what was tried, and when.
    private(set) var tried: [Int: Int64] = [:]

    /// How many milliseconds the attempt comes too early; 0 when it may be made.
    func wait(_ pair: Pair, at now: Int64) -> Int64 {
        let ofKey: Int64 = pairs.failures(pair, at: now) == nil ? 0 : keys.wait(pair.key, at: now)
        return max(ofKey, known[pair] == nil ? addresses.wait(pair.address, at: now) : 0)
    }

    /// - Parameter guess: a digest of key and secret.
    /// - Returns: how many guesses came from this network; nil when this was none.
    mutating func failed(_ pair: Pair, guess: Int, at now: Int64) -> Int? {
        let before: Int64? = tried[guess]
        if before == nil, tried.count >= Limits.guessersKnown { tried.forgetOlderHalf { $0 } }
        tried[guess] = now
        if let before, now - before < Limits.guessMemoryMilliseconds { return nil }
        keys.add(pair.key, at: now)
        pairs.add(pair, at: now)
        return addresses.add(pair.address, at: now)
    }

    /// Nothing is forgiven by it: whoever has one good key may try others.
    mutating func succeeded(_ pair: Pair, at now: Int64) {
        if known.count >= Limits.guessersKnown, known[pair] == nil { known.forgetOlderHalf { $0 } }
        known[pair] = now
    }
}
