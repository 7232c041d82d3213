import Limits

/// Which of the addresses that a server tells of an agent may use.
enum ServerList {
    /// Those of the scheme that was given, each once.
    ///
    /// An address that means this very machine is left out unless the agent was told to look here: over plain HTTP it would hand
    /// the host's key to whoever listens.
    static func usable(_ addresses: [String], beside given: [ServerURL]) -> [ServerURL] {
        var found: [ServerURL] = []
        for address in addresses.prefix(Limits.hostServers) {
            guard let url = try? ServerURL(address), url.isSecure == given.first?.isSecure,
                !url.isAnywhere, !url.isLoopback || given.contains(where: \.isLoopback), !found.contains(url)
            else { continue }
            found.append(url)
        }
        return found
    }
}
