/// Figures of both sides over the rounds of one case, ours first.
struct Pairing {
    private(set) var values: [[Double]] = [[], []]
    private(set) var results: [[LoadResult]] = [[], []]

    mutating func add(_ value: Double, of side: Int, _ result: LoadResult? = nil) {
        values[side].append(value)
        if let result { results[side].append(result) }
    }

    /// The medians over the rounds, and what each side cost.
    func item(_ name: String, _ unit: String, peerName: String?, notes: [String] = []) -> BenchCase {
        BenchCase(
            name: name,
            unit: unit,
            ours: Statistics.median(values[0]) ?? .nan,
            peer: Statistics.median(values[1]),
            peerName: values[1].isEmpty ? nil : peerName,
            notes: costs(peerName) + [spread(unit)] + notes
        )
    }

    private func spread(_ unit: String) -> String {
        let words: [String] = zip(["ours", "peer"], values).filter { !$0.1.isEmpty }.map { name, values in
            "\(name) " + values.map(Statistics.text).joined(separator: ", ")
        }
        return "each round, in \(unit): " + words.joined(separator: "; ")
    }

    private func costs(_ peerName: String?) -> [String] {
        zip(["ours", peerName ?? "peer"], results).filter { !$0.1.isEmpty }.map { name, results in
            func median(_ value: (LoadResult) -> Double) -> String {
                Statistics.text(Statistics.median(results.map(value)) ?? .nan)
            }
            return "\(name): \(median(\.serverMicros)) µs of processor a request on all servers; p99 "
                + "\(median { Statistics.percentile($0.latencies, 99) ?? .nan }) ms; the load generator took "
                + "\(median(\.generatorMicros)) µs a request, \(median { $0.generatorShare * 100 }) % of a processor"
        }
    }
}
