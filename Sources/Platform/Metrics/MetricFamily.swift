/// A metric that is looked up when somebody asks, not counted as it happens: its name, and its values at one moment.
///
/// Without a value the name is shown all the same, so that whoever reads can tell what there could be.
package struct MetricFamily: Sendable {
    package enum Kind: String, Sendable { case counter, gauge }

    package let kind: Kind
    package let name: String
    package let help: String
    /// The names of the labels; each value gives theirs in this order.
    package let labels: [String]
    package private(set) var values: [(labels: [String], value: Double)] = []

    package init(_ kind: Kind, _ name: String, _ help: String, labels: [String]) {
        precondition(MetricsRegistry.isName(name, colons: true), "not the name of a metric: \(name)")
        precondition(labels.allSatisfy { MetricsRegistry.isName($0, colons: false) }, "\(name): bad label in \(labels)")
        self.kind = kind
        self.name = name
        self.help = help
        self.labels = labels
    }

    /// One value without labels; none when it is not known now.
    package init(_ kind: Kind, _ name: String, _ help: String, _ value: Double?) {
        self.init(kind, name, help, labels: [])
        if let value { add(value) }
    }

    /// Adds the value of one combination of labels, in the order of ``labels``.
    package mutating func add(_ value: Double, _ values: String...) {
        precondition(values.count == labels.count, "\(name) has the labels \(labels), not values for \(values.count)")
        self.values.append((values, value))
    }

    /// With a value for each element.
    package static func each<Element>(
        _ kind: Kind,
        _ name: String,
        _ help: String,
        label: String,
        _ elements: [Element],
        _ value: (Element) -> (String, Double?)
    ) -> MetricFamily {
        var family = MetricFamily(kind, name, help, labels: [label])
        for element in elements {
            let (text, number): (String, Double?) = value(element)
            if let number { family.add(number, text) }
        }
        return family
    }
}

/// What a metric is, without its values: a row of the list that operators read.
package struct MetricDescription: Hashable, Sendable {
    package let name: String
    /// `counter`, `gauge`, `histogram`.
    package let type: String
    /// Names, ascending.
    package let labels: [String]
    package let help: String
}
