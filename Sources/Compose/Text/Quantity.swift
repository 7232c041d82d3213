/// Sizes and durations as compose files write them.
enum Quantity {
    /// Bytes of `64m`, `1.5g`, `512 KB` or a plain number; nil when the text is none, negative or too large.
    ///
    /// Units are powers of 1024: b, k, m, g, t, each with or without a `b` behind it.
    static func bytes(_ text: String) -> Int64? {
        var rest: Substring = text.lowercased()[...]
        let number: Substring = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        rest = rest.dropFirst(number.count).drop { $0 == " " }
        guard let shift: Int = shifts[String(rest)] else { return nil }
        if let whole = Int64(number) {
            let (bytes, overflow): (Int64, Bool) = whole.multipliedReportingOverflow(by: 1 << shift)
            return overflow ? nil : bytes
        }
        guard number.first != ".", number.last != ".", let value = Double(number) else { return nil }
        let bytes: Double = value * Double(Int64(1) << shift)
        return bytes < 9e18 ? Int64(bytes) : nil
    }

    private static let shifts: [String: Int] = [
        "": 0, "b": 0, "k": 10, "kb": 10, "m": 20, "mb": 20, "g": 30, "gb": 30, "t": 40, "tb": 40,
    ]

    /// Whole seconds, rounded up, of `90`, `1m30s`, `1.5s` or `500ms`; nil when the text is no duration.
    static func seconds(_ text: String) -> Int64? {
        if let seconds = Int64(text) { return seconds >= 0 ? seconds : nil }
        var rest: Substring = text[...]
        var total: Double = 0
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let number: Substring = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            rest = rest.dropFirst(number.count)
            let unit: Substring = rest.prefix { $0.isLetter }
            rest = rest.dropFirst(unit.count)
            guard let value = Double(number), let factor: Double = factors[String(unit)] else { return nil }
            total += value * factor
        }
        return total < 9e15 ? Int64(total.rounded(.up)) : nil
    }

    private static let factors: [String: Double] = ["h": 3600, "m": 60, "s": 1, "ms": 1e-3, "us": 1e-6, "ns": 1e-9]
}
