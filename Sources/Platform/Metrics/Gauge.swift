import Synchronization

/// A number that goes up and down, such as open connections; any thread may change it.
package final class Gauge: Sendable {
    /// The bits of a `Double`.
    private let bits = Atomic<UInt64>(0)

    package init() {}

    package var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }

    package func set(_ value: Double) {
        bits.store(value.bitPattern, ordering: .relaxed)
    }

    /// Adds `amount`, which may be negative.
    package func add(_ amount: Double = 1) {
        var old: UInt64 = bits.load(ordering: .relaxed)
        while true {
            let new: UInt64 = (Double(bitPattern: old) + amount).bitPattern
            let result: (exchanged: Bool, original: UInt64) = bits.weakCompareExchange(
                expected: old,
                desired: new,
                ordering: .relaxed
            )
            if result.exchanged { return }
            old = result.original
        }
    }
}
