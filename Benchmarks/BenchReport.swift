package import JSON

/// One measured figure.
package struct BenchCase: Hashable, Sendable {
    /// Such as `put-100`.
    package var name: String
    /// Such as `ops/s`.
    package var unit: String
    package var ours: Double

    package init(name: String, unit: String, ours: Double) {
        self.name = name
        self.unit = unit
        self.ours = ours
    }
}

/// What a benchmark without a peer found, as `drover bench` prints it.
package struct BenchReport: Hashable, Sendable {
    package var benchmark: String
    package var cases: [BenchCase]

    package init(benchmark: String, cases: [BenchCase]) {
        self.benchmark = benchmark
        self.cases = cases
    }

    /// The peer's fields are null: nothing else was measured beside it.
    package func json() -> JSONValue {
        [
            "benchmark": .string(benchmark),
            "machine": .string(Machine.description),
            "cases": .array(
                cases.map { item in
                    [
                        "case": .string(item.name), "unit": .string(item.unit), "ours": .double(item.ours),
                        "peer": .null, "peerName": .null, "ratio": .null,
                    ]
                }
            ),
        ]
    }

    /// One case a line, for people.
    package func table() -> String {
        let width: Int = cases.map(\.name.count).max() ?? 0
        return cases.map { item in
            let name: String = item.name + String(repeating: " ", count: width - item.name.count)
            return "\(name)  \(Self.rounded(item.ours)) \(item.unit)\n"
        }.joined()
    }

    /// Four significant digits are more than a measurement is worth.
    private static func rounded(_ value: Double) -> String {
        guard value.isFinite, value.magnitude < 1e15 else { return "\(value)" }
        if value.magnitude >= 100 { return String(Int64(value.rounded())) }
        return String((value * 1000).rounded() / 1000)
    }
}
