import Limits

/// Who has failed to log in, how often and when: from it follows how long the next attempt has to wait.
///
/// A login waits seconds at most, so that nobody can shut somebody else out; an address, which is the guesser's own, up to a
/// minute. An address from which a login succeeded before does not wait for what others try with that login. Bounded
/// in memory: those whose last failure is longest ago are forgotten first.
struct GuessLedger: Sendable {
    private(set) var logins = FailureTable<String>(
        free: Limits.guessesOfLogin,
        longest: Limits.guessLoginWaitMilliseconds
    )
    private(set) var addresses = FailureTable<String>(
        free: Limits.guessesOfAddress,
        longest: Limits.guessAddressWaitMilliseconds
    )
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
        return max(logins.wait(Self.plain(login), at: now), addresses.wait(network, at: now))
    }

    mutating func failed(_ login: String, from address: String, at now: Int64) {
        let network: String = Self.network(address)
        // Whoever knew the password once and now fails is treated like everybody from the first failures on.
        let pair = Pair(login: Self.plain(login), address: network)
        let ofLogin: Int = logins.add(pair.login, at: now)
        let ofAddress: Int = addresses.add(network, at: now)
        if min(ofLogin, ofAddress) > Limits.guessesOfLogin { known[pair] = nil }
    }

    mutating func succeeded(_ login: String, from address: String, at now: Int64) {
        let pair = Pair(login: Self.plain(login), address: Self.network(address))
        logins.forget(pair.login)
        addresses.forget(pair.address)
        if known.count >= Limits.guessersKnown, known[pair] == nil { known.forgetOlderHalf { $0 } }
        known[pair] = now
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
