import Limits

/// Who has failed to log in, how often and when: from it follows how long the next attempt has to wait.
///
/// A login waits seconds at most, so that nobody can shut somebody else out; an address, which is the guesser's own, up to a
/// minute. An address from which a login succeeded before does not wait for what others try with that login. Bounded
/// in memory: those whose last failure is longest ago are forgotten first.
struct GuessLedger: Sendable {
    struct Failures: Hashable, Sendable {
        var count: Int
        /// Milliseconds since 1970.
        var last: Int64
    }

    private(set) var logins: [String: Failures] = [:]
    private(set) var addresses: [String: Failures] = [:]
    /// Logins that succeeded, with the address, and when.
    private(set) var known: [Pair: Int64] = [:]

    struct Pair: Hashable, Sendable {
        var login: String
        var address: String
    }

    /// How many milliseconds the attempt comes too early; 0 when it may be made.
    func wait(_ login: String, from address: String, at now: Int64) -> Int64 {
        let network: String = Self.network(address)
        if known[Pair(login: Self.plain(login), address: network)] != nil { return 0 }
        let ofLogin: Int64 = Self.wait(
            logins[Self.plain(login)],
            free: Limits.guessesOfLogin,
            atMost: Limits.guessLoginWaitMilliseconds,
            now
        )
        let ofAddress: Int64 = Self.wait(
            addresses[network],
            free: Limits.guessesOfAddress,
            atMost: Limits.guessAddressWaitMilliseconds,
            now
        )
        return max(ofLogin, ofAddress)
    }

    mutating func failed(_ login: String, from address: String, at now: Int64) {
        let network: String = Self.network(address)
        // Whoever knew the password once and now fails is treated like everybody from the first failures on.
        let pair = Pair(login: Self.plain(login), address: network)
        Self.count(Self.plain(login), in: &logins, now)
        Self.count(network, in: &addresses, now)
        if (logins[pair.login]?.count ?? 0) > Limits.guessesOfLogin
            && (addresses[network]?.count ?? 0) > Limits.guessesOfLogin
        {
            known[pair] = nil
        }
    }

    mutating func succeeded(_ login: String, from address: String, at now: Int64) {
        let pair = Pair(login: Self.plain(login), address: Self.network(address))
        logins[pair.login] = nil
        addresses[pair.address] = nil
        if known.count >= Limits.guessersKnown, known[pair] == nil {
            Self.shorten(&known) { $0 }
        }
        known[pair] = now
    }

    private static func wait(_ failures: Failures?, free: Int, atMost: Int64, _ now: Int64) -> Int64 {
        guard let failures, failures.count >= free, now - failures.last < Limits.guessMemoryMilliseconds else {
            return 0
        }
        let doublings: Int = min(failures.count - free, 20)
        let pause: Int64 = min(Limits.guessPauseMilliseconds << Int64(doublings), atMost)
        return min(max(0, failures.last + pause - now), atMost)
    }

    private static func count(_ key: String, in table: inout [String: Failures], _ now: Int64) {
        var failures: Failures = table[key] ?? Failures(count: 0, last: now)
        if now - failures.last >= Limits.guessMemoryMilliseconds { failures.count = 0 }
        failures.count += 1
        failures.last = now
        if table.count >= Limits.guessersKnown, table[key] == nil { shorten(&table) { $0.last } }
        table[key] = failures
    }

    /// Forgets the older half: so that a full table costs little each time.
    private static func shorten<Key, Value>(_ table: inout [Key: Value], by time: (Value) -> Int64) {
        let times: [Int64] = table.values.map(time).sorted()
        let middle: Int64 = times[times.count / 2]
        table = table.filter { time($0.value) > middle }
    }

    /// Logins are compared without regard to case; what is too long to be one is cut.
    private static func plain(_ login: String) -> String { String(login.prefix(256)).lowercased() }

    /// Whoever has an IPv6 address has the 64 bits behind it, too.
    static func network(_ address: String) -> String {
        guard address.contains(":") else { return address }
        // An IPv4 address in the clothes of IPv6.
        if address.lowercased().hasPrefix("::ffff:") { return String(address.dropFirst(7)) }
        var groups: [Substring] = []
        for half in address.split(separator: "%")[0].split(separator: ":", omittingEmptySubsequences: false) {
            if half.isEmpty { break }
            groups.append(half)
            if groups.count == 4 { break }
        }
        return groups.joined(separator: ":").lowercased() + "::/64"
    }
}
