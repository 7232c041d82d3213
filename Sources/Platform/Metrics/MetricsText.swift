/// The Prometheus text exposition format, version 0.0.4.
enum MetricsText {
    /// What it is served as.
    static let contentType: String = "text/plain; version=0.0.4; charset=utf-8"

    static func render(_ families: [String: MetricsRegistry.Family], _ looked: [MetricFamily]) -> String {
        var blocks: [(name: String, text: String)] = families.map { ($0.key, block($0.key, $0.value)) }
        blocks += looked.map { ($0.name, block($0)) }
        blocks.sort { $0.name < $1.name }
        for (block, next) in zip(blocks, blocks.dropFirst()) {
            precondition(block.name != next.name, "two metrics have the name \(block.name)")
        }
        return blocks.map(\.text).joined()
    }

    private static func head(_ name: String, _ type: String, _ help: String) -> String {
        "# HELP \(name) \(escape(help, quotes: false))\n# TYPE \(name) \(type)\n"
    }

    private static func block(_ name: String, _ family: MetricsRegistry.Family) -> String {
        var text: String = head(name, family.type, family.help)
        for (labels, metric) in family.series.sorted(by: { $0.key < $1.key }) {
            switch metric {
            case .counter(let counter): line(name, labels, String(counter.value), to: &text)
            case .gauge(let gauge): line(name, labels, number(gauge.value), to: &text)
            case .histogram(let histogram): render(histogram, name, labels, to: &text)
            }
        }
        return text
    }

    private static func block(_ family: MetricFamily) -> String {
        var text: String = head(family.name, family.kind.rawValue, family.help)
        // A label combination that comes twice would make the whole page unreadable: the last one counts.
        var lines: [String: Double] = [:]
        for (values, value) in family.values {
            lines[labels(Dictionary(zip(family.labels, values)) { $1 })] = value
        }
        for (labels, value) in lines.sorted(by: { $0.key < $1.key }) {
            line(family.name, labels, number(value), to: &text)
        }
        return text
    }

    /// `a="1",b="2"`, keys ascending; empty without labels.
    static func labels(_ labels: [String: String]) -> String {
        labels.sorted { $0.key < $1.key }
            .map { "\($0.key)=\"\(escape($0.value, quotes: true))\"" }
            .joined(separator: ",")
    }

    private static func render(_ histogram: Histogram, _ name: String, _ labels: String, to text: inout String) {
        let cumulative: [UInt64] = histogram.cumulative
        let before: String = labels.isEmpty ? "" : labels + ","
        for (bound, count) in zip(histogram.bounds + [.infinity], cumulative) {
            line("\(name)_bucket", "\(before)le=\"\(number(bound))\"", String(count), to: &text)
        }
        line("\(name)_sum", labels, number(histogram.sum), to: &text)
        line("\(name)_count", labels, String(cumulative.last ?? 0), to: &text)
    }

    private static func line(_ name: String, _ labels: String, _ value: String, to text: inout String) {
        text += labels.isEmpty ? "\(name) \(value)\n" : "\(name){\(labels)} \(value)\n"
    }

    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if let whole = Int64(exactly: value) { return String(whole) }
        return value.description
    }

    private static func escape(_ text: String, quotes: Bool) -> String {
        var escaped: String = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\"" where quotes: escaped += "\\\""
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
