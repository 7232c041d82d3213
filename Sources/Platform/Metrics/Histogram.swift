/// How often values fell below fixed bounds, such as the seconds that requests took.
package final class Histogram: Sendable {
    /// Bounds for durations in seconds, from half a millisecond to ten seconds.
    package static let seconds: [Double] = [
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    ]

    /// Upper bounds, inclusive, ascending; one more bucket takes all that is above the last.
    package let bounds: [Double]
    private let buckets: [Counter]
    private let total = Gauge()

    package init(bounds: [Double] = Histogram.seconds) {
        precondition(bounds.allSatisfy(\.isFinite), "histogram bounds are finite: \(bounds)")
        precondition(zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 }, "histogram bounds ascend: \(bounds)")
        self.bounds = bounds
        buckets = (0...bounds.count).map { _ in Counter() }
    }

    /// Counts one value; one that is no number is not counted, because it would spoil the sum for ever.
    package func observe(_ value: Double) {
        guard !value.isNaN else { return }
        var low: Int = 0
        var high: Int = bounds.count
        while low < high {
            let middle: Int = (low + high) / 2
            if value <= bounds[middle] { high = middle } else { low = middle + 1 }
        }
        buckets[low].add()
        total.add(value)
    }

    package var sum: Double { total.value }

    /// Values at or below each bound, then all values: so the last number is the count.
    package var cumulative: [UInt64] {
        var running: UInt64 = 0
        return buckets.map { bucket in
            running += bucket.value
            return running
        }
    }
}
