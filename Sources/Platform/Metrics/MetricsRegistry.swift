import Limits
import Synchronization

/// All metrics of a process, by name and labels.
///
/// Asking twice for a name and labels gives the same metric, so callers keep what they get and pay one atomic
/// addition for each event. A bad name, or one name for two kinds of metric or two sets of labels, is a bug and stops the process.
/// When a metric has `Limits.metricSeries` label combinations, all further ones share one series whose label
/// values are `other`.
package final class MetricsRegistry: Sendable {
    enum Metric: Sendable {
        case counter(Counter)
        case gauge(Gauge)
        case histogram(Histogram)
    }

    /// One name with all its label combinations.
    struct Family: Sendable {
        var help: String
        var type: String
        /// Names, ascending; every series has the same.
        var labels: [String]
        /// By rendered labels, such as `method="GET",status="200"`.
        var series: [String: Metric] = [:]
    }

    private let families = Mutex<[String: Family]>([:])

    package init() {}

    package func counter(_ name: String, help: String, labels: [String: String] = [:]) -> Counter {
        let metric: Metric = find(name, help, "counter", labels) { .counter(Counter()) }
        guard case .counter(let counter) = metric else { preconditionFailure("\(name) is no counter") }
        return counter
    }

    package func gauge(_ name: String, help: String, labels: [String: String] = [:]) -> Gauge {
        let metric: Metric = find(name, help, "gauge", labels) { .gauge(Gauge()) }
        guard case .gauge(let gauge) = metric else { preconditionFailure("\(name) is no gauge") }
        return gauge
    }

    package func histogram(
        _ name: String,
        help: String,
        labels: [String: String] = [:],
        bounds: [Double] = Histogram.seconds
    ) -> Histogram {
        precondition(labels["le"] == nil, "\(name): the label le belongs to the histogram's bounds")
        let metric: Metric = find(name, help, "histogram", labels) { .histogram(Histogram(bounds: bounds)) }
        guard case .histogram(let histogram) = metric else { preconditionFailure("\(name) is no histogram") }
        return histogram
    }

    /// The Prometheus text format, version 0.0.4: families by name, series by labels, both ascending.
    ///
    /// - Parameter looked: metrics that nobody counts, as they are now; their names are none of the registry's.
    package func render(adding looked: [MetricFamily] = []) -> String {
        // The copy is a snapshot: metrics that are made meanwhile wait for nobody.
        MetricsText.render(families.withLock { $0 }, looked)
    }

    /// What there is, by name.
    package func descriptions(adding looked: [MetricFamily] = []) -> [MetricDescription] {
        let counted: [MetricDescription] = families.withLock { $0 }.map { name, family in
            MetricDescription(name: name, type: family.type, labels: family.labels, help: family.help)
        }
        let added: [MetricDescription] = looked.map { family in
            MetricDescription(
                name: family.name,
                type: family.kind.rawValue,
                labels: family.labels.sorted(),
                help: family.help
            )
        }
        return (counted + added).sorted { $0.name < $1.name }
    }

    private func find(
        _ name: String,
        _ help: String,
        _ type: String,
        _ labels: [String: String],
        make: () -> Metric
    ) -> Metric {
        precondition(Self.isName(name, colons: true), "not the name of a metric: \(name)")
        precondition(labels.keys.allSatisfy { Self.isName($0, colons: false) }, "\(name): bad label in \(labels.keys)")
        let text: String = MetricsText.labels(labels)
        return families.withLock { families in
            let names: [String] = labels.keys.sorted()
            var family: Family = families[name] ?? Family(help: help, type: type, labels: names)
            precondition(family.type == type, "\(name) is a \(family.type), not a \(type)")
            precondition(family.labels == names, "\(name) has the labels \(family.labels), not \(names)")
            if let known: Metric = family.series[text] { return known }
            var key: String = text
            if family.series.count >= Limits.metricSeries {
                key = MetricsText.labels(labels.mapValues { _ in "other" })
                if let known: Metric = family.series[key] { return known }
            }
            let metric: Metric = make()
            // Out of the table while it changes, or its dictionary would be copied.
            families[name] = nil
            family.series[key] = metric
            families[name] = family
            return metric
        }
    }

    static func isName(_ name: String, colons: Bool) -> Bool {
        guard let first = name.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else {
            return false
        }
        guard !name.hasPrefix("__") else { return false }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                true
            case UInt8(ascii: ":"): colons
            default: false
            }
        }
    }
}

extension MetricsRegistry {
    /// The media type of what ``render(adding:)`` gives.
    package static let contentType: String = MetricsText.contentType
}
