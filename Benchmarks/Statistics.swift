/// What is made of repeated measurements.
package enum Statistics {
    /// The middle value, or the mean of the two in the middle; nil of nothing.
    package static func median(_ values: [Double]) -> Double? {
        guard !values.isEmpty else { return nil }
        let sorted: [Double] = values.sorted()
        let middle: Int = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }

    /// The smallest value that at least `percent` of the values do not exceed; nil of nothing.
    package static func percentile(_ values: [Double], _ percent: Double) -> Double? {
        guard !values.isEmpty else { return nil }
        let sorted: [Double] = values.sorted()
        let rank: Int = Int((percent / 100 * Double(sorted.count)).rounded(.up))
        return sorted[min(max(rank, 1), sorted.count) - 1]
    }

    /// As a person wants to read it: about three digits that count.
    package static func text(_ value: Double) -> String {
        guard value.isFinite, value.magnitude < 1e15 else { return "\(value)" }
        if value.magnitude >= 100 { return String(Int64(value.rounded())) }
        if value.magnitude >= 10 { return fixed(value, 1) }
        return fixed(value, value.magnitude >= 1 ? 2 : 3)
    }

    private static func fixed(_ value: Double, _ digits: Int) -> String {
        var scale: Double = 1
        for _ in 0..<digits { scale *= 10 }
        let whole = Int64((value.magnitude * scale).rounded())
        let fraction: String = String(whole % Int64(scale))
        let padded: String = String(repeating: "0", count: digits - fraction.count) + fraction
        return "\(value < 0 && whole != 0 ? "-" : "")\(whole / Int64(scale)).\(padded)"
    }
}
