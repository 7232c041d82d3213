import Limits

/// Weighted rendezvous hashing (Thaler, Ravishankar 1998): every pair of scope and node has a score, and the highest wins.
///
/// A node that comes or goes changes the winner only where it is the winner itself. A weight of `w` is `w` draws, of which
/// the best counts: exactly proportional for whole weights, and without floating point, whose last digit may differ
/// from machine to machine.
enum Rendezvous {
    static func score(_ scope: UInt64, _ node: OwnershipView.Node) -> UInt64 {
        let name: UInt64 = hash(node.name)
        var best: UInt64 = 0
        for draw in 0..<UInt64(weight(of: node)) {
            best = max(
                best,
                mixed(mixed(name &+ draw &* 0xD1B5_4A32_D192_ED03) ^ mixed(scope &+ 0x9E37_79B9_7F4A_7C15))
            )
        }
        return best
    }

    static func weight(of node: OwnershipView.Node) -> Int { min(max(node.weight, 1), Limits.ownershipWeight) }

    /// FNV-1a, 64 bits.
    private static func hash(_ name: String) -> UInt64 {
        name.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
    }

    /// The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
    private static func mixed(_ value: UInt64) -> UInt64 {
        var mix: UInt64 = value
        mix = (mix ^ (mix >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mix = (mix ^ (mix >> 27)) &* 0x94D0_49BB_1331_11EB
        return mix ^ (mix >> 31)
    }
}
