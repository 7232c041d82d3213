import Bytes
import Limits
import Model

/// What a controller may know besides the state: nothing else goes into its decision.
package struct ControlContext: Sendable {
    /// The environment whose owner runs the controller.
    package var scope: UInt64
    /// The epoch under which it acts; every transaction carries it as a precondition.
    package var epoch: UInt64
    /// Milliseconds since 1970.
    package var time: Int64
    /// Where new uuids come from; a fresh seed for each run.
    package var uuids: UUIDSource
    package var requestID: String
    /// Removed records are deleted when they are older than this.
    package var purgeAgeMilliseconds: Int64
    /// What every node of the cluster can read; see ``FeatureGate``.
    package var clusterLevel: Int

    package init(
        scope: UInt64,
        epoch: UInt64,
        time: Int64,
        uuids: UUIDSource,
        requestID: String,
        purgeAgeMilliseconds: Int64 = Limits.removedPurgeSeconds * 1_000,
        clusterLevel: Int = FeatureGate.firstLevel
    ) {
        self.scope = scope
        self.epoch = epoch
        self.time = time
        self.uuids = uuids
        self.requestID = requestID
        self.purgeAgeMilliseconds = purgeAgeMilliseconds
        self.clusterLevel = clusterLevel
    }
}

/// Uuids (version 4 in form) out of a seed: the same seed gives the same ones in the same order.
///
/// Invariant: the seed is 128 fresh random bits, so that no two runs of any node ever give the same uuid.
package struct UUIDSource: Sendable {
    private var high: UInt64
    private var low: UInt64

    package init(seed: (high: UInt64, low: UInt64)) {
        high = seed.high
        low = seed.low
    }

    package mutating func next() -> String {
        high &+= 0x9E37_79B9_7F4A_7C15
        low &+= 0xD1B5_4A32_D192_ED03
        let halves: [UInt64] = [
            (UUIDSource.mixed(high) & 0xFFFF_FFFF_FFFF_0FFF) | 0x4000,
            (UUIDSource.mixed(low) & 0x3FFF_FFFF_FFFF_FFFF) | 0x8000_0000_0000_0000,
        ]
        let bytes: [UInt8] = halves.flatMap { half in
            (0..<8).map { UInt8(truncatingIfNeeded: half >> (56 - UInt64($0) * 8)) }
        }
        let hex: String = Hex.encode(bytes)
        var text: String = ""
        for (index, character) in hex.enumerated() {
            if index == 8 || index == 12 || index == 16 || index == 20 { text.append("-") }
            text.append(character)
        }
        return text
    }

    /// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): a bijection, so distinct counters stay distinct.
    private static func mixed(_ value: UInt64) -> UInt64 {
        var mix: UInt64 = value
        mix = (mix ^ (mix >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mix = (mix ^ (mix >> 27)) &* 0x94D0_49BB_1331_11EB
        return mix ^ (mix >> 31)
    }
}
