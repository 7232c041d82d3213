package import JSON

/// One measured figure, and the peer's beside it where one was measured.
package struct BenchCase: Hashable, Sendable {
    /// Such as `put-100`.
    package var name: String
    /// Such as `ops/s`.
    package var unit: String
    package var ours: Double
    package var peer: Double?
    /// Such as `etcd 3.4.23`.
    package var peerName: String?
    /// What has to be known to read the figure: spread, processor time, what the load generator cost.
    package var notes: [String]

    package init(
        name: String,
        unit: String,
        ours: Double,
        peer: Double? = nil,
        peerName: String? = nil,
        notes: [String] = []
    ) {
        self.name = name
        self.unit = unit
        self.ours = ours
        self.peer = peer
        self.peerName = peerName
        self.notes = notes
    }

    /// Ours / peer.
    package var ratio: Double? {
        guard let peer, peer != 0 else { return nil }
        return ours / peer
    }
}

/// What a benchmark found, as `drover bench` prints it.
package struct BenchReport: Hashable, Sendable {
    package var benchmark: String
    package var cases: [BenchCase]
    /// What holds for all cases, such as a peer that is not installed.
    package var notes: [String]

    package init(benchmark: String, cases: [BenchCase], notes: [String] = []) {
        self.benchmark = benchmark
        self.cases = cases
        self.notes = notes
    }

    /// Where nothing was measured beside ours, the peer's fields are null.
    package func json() -> JSONValue {
        [
            "benchmark": .string(benchmark),
            "machine": .string(Machine.description),
            "cases": .array(cases.map(Self.json)),
            "notes": .array(notes.map { .string($0) }),
        ]
    }

    private static func json(_ item: BenchCase) -> JSONValue {
        [
            "case": .string(item.name), "unit": .string(item.unit), "ours": .double(item.ours),
            "peer": item.peer.map { .double($0) } ?? .null,
            "peerName": item.peerName.map { .string($0) } ?? .null,
            "ratio": item.ratio.map { .double($0) } ?? .null,
            "notes": .array(item.notes.map { .string($0) }),
        ]
    }

    /// One case a line with its notes below it, for people.
    package func table() -> String {
        var rows: [[String]] = [["case", "unit", "ours", "peer", "ratio", "peer is"]]
        for item in cases {
            rows.append([
                item.name, item.unit, Statistics.text(item.ours), item.peer.map(Statistics.text) ?? "-",
                item.ratio.map(Statistics.text) ?? "-", item.peerName ?? "-",
            ])
        }
        let widths: [Int] = (0..<6).map { column in rows.map { $0[column].count }.max() ?? 0 }
        var text: String = "\(benchmark) on \(Machine.description)\n"
        for (index, row) in rows.enumerated() {
            var line: String = ""
            for (column, cell) in row.enumerated() {
                let space = String(repeating: " ", count: widths[column] - cell.count)
                // Figures stand at the right of their column, words at the left.
                line += ((2...4).contains(column) ? space + cell : cell + space) + "  "
            }
            while line.last == " " { line.removeLast() }
            text += line + "\n"
            if index > 0 { for note in cases[index - 1].notes { text += "    \(note)\n" } }
        }
        for note in notes { text += "note: \(note)\n" }
        return text
    }
}
