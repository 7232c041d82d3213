import Limits

/// Stops the re-creation of containers when many hosts of a scope vanish at once.
///
/// One host that falls silent has failed. A third of them within a minute is more likely the network, a switch, or this node
/// itself; to start everything anew on the rest would overload them and double what still runs. The brake is a
/// function of the hosts' records, so that every owner comes to the same, also one that has just taken over. It ends by
/// itself when hosts are back, and when an operator says that they are really gone: by removing or deactivating them.
///
/// Small scopes: one host alone never pulls the brake, else no scope of three hosts or fewer could ever replace one. Two of
/// two or three do. A scope with one host has nowhere to create anything else.
package struct VanishingBrake: Hashable, Sendable {
    package struct Host: Hashable, Sendable {
        /// When it was first found silent, in milliseconds since 1970; nil for one that is here.
        package var awaySince: Int64?
        /// An operator has said that it is not to come back: it is being removed, or inactive.
        package var isGivenUp: Bool

        package init(awaySince: Int64?, isGivenUp: Bool = false) {
            self.awaySince = awaySince
            self.isGivenUp = isGivenUp
        }
    }

    /// How many went within one window, at the worst.
    package var vanished: Int
    /// Of how many that are not given up.
    package var hosts: Int

    /// Nil while nothing is wrong.
    package init?(_ hosts: [Host]) {
        let counted: [Host] = hosts.filter { !$0.isGivenUp }
        let times: [Int64] = counted.compactMap(\.awaySince).sorted()
        var worst: Int = 0
        var start: Int = 0
        for end in times.indices {
            while times[end] - times[start] > Limits.brakeWindowMilliseconds { start += 1 }
            worst = max(worst, end - start + 1)
        }
        guard worst >= Limits.brakeHosts, worst * 100 > counted.count * Limits.brakePercent else { return nil }
        vanished = worst
        self.hosts = counted.count
    }

    /// Why nothing is created elsewhere, for people.
    package var reason: String {
        """
        \(vanished) of \(hosts) hosts vanished within a minute: what was on them is not created elsewhere until they are \
        back, or are deactivated or removed
        """
    }
}
