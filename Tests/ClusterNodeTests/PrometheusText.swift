/// The Prometheus text format, version 0.0.4, read strictly: whatever a collector would stumble over is an error here.
struct PrometheusText {
    struct Sample {
        var name: String
        var labels: [String: String]
        var value: Double
    }

    struct Family {
        var help: String
        var type: String
        var samples: [Sample] = []
    }

    struct Fault: Error, CustomStringConvertible {
        var description: String
    }

    private(set) var families: [String: Family] = [:]

    init(_ text: String) throws {
        guard text.hasSuffix("\n") else { throw Fault(description: "the last line has no end") }
        var current: String?
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            if line.hasPrefix("# HELP ") {
                let parts: [Substring] = line.dropFirst(7).split(separator: " ", maxSplits: 1)
                guard parts.count == 2, families[String(parts[0])] == nil else {
                    throw Fault(description: "HELP: \(line)")
                }
                current = String(parts[0])
                families[String(parts[0])] = Family(help: String(parts[1]), type: "")
            } else if line.hasPrefix("# TYPE ") {
                let parts: [Substring] = line.dropFirst(7).split(separator: " ")
                guard parts.count == 2, String(parts[0]) == current,
                    ["counter", "gauge", "histogram"].contains(parts[1])
                else { throw Fault(description: "TYPE: \(line)") }
                families[String(parts[0])]?.type = String(parts[1])
            } else {
                guard let name: String = current, let family: Family = families[name] else {
                    throw Fault(description: "a sample without a family: \(line)")
                }
                let sample: Sample = try Self.sample(line)
                let names: [String] =
                    family.type == "histogram" ? ["\(name)_bucket", "\(name)_sum", "\(name)_count"] : [name]
                guard names.contains(sample.name) else { throw Fault(description: "\(line) stands below \(name)") }
                guard !family.samples.contains(where: { $0.name == sample.name && $0.labels == sample.labels }) else {
                    throw Fault(description: "twice: \(line)")
                }
                families[name]?.samples.append(sample)
            }
        }
        for (name, family) in families where family.type == "histogram" { try Self.check(name, family) }
    }

    /// Of one series; what `labels` does not name may be anything, but there must be one series only.
    func value(_ name: String, _ labels: [String: String] = [:]) -> Double? {
        let found: [Sample] = families.values.flatMap(\.samples).filter { sample in
            sample.name == name && labels.allSatisfy { sample.labels[$0.key] == $0.value }
        }
        return found.count == 1 ? found[0].value : nil
    }

    private static func sample(_ line: Substring) throws -> Sample {
        let name: Substring = line.prefix { $0 != "{" && $0 != " " }
        var rest: Substring = line.dropFirst(name.count)
        var labels: [String: String] = [:]
        if rest.first == "{" {
            rest = rest.dropFirst()
            while rest.first != "}" {
                let key: Substring = rest.prefix { $0 != "=" }
                rest = rest.dropFirst(key.count)
                guard rest.hasPrefix("=\""), !key.isEmpty else { throw Fault(description: "labels: \(line)") }
                rest = rest.dropFirst(2)
                var value: String = ""
                while let next: Character = rest.popFirst(), next != "\"" {
                    guard next == "\\" else {
                        value.append(next)
                        continue
                    }
                    switch rest.popFirst() {
                    case "n": value.append("\n")
                    case "\\": value.append("\\")
                    case "\"": value.append("\"")
                    default: throw Fault(description: "an escape: \(line)")
                    }
                }
                guard labels.updateValue(value, forKey: String(key)) == nil else {
                    throw Fault(description: "a label twice: \(line)")
                }
                if rest.first == "," { rest = rest.dropFirst() }
            }
            rest = rest.dropFirst()
        }
        guard rest.first == " ", let value: Double = number(rest.dropFirst()) else {
            throw Fault(description: "a value: \(line)")
        }
        return Sample(name: String(name), labels: labels, value: value)
    }

    private static func number(_ text: Substring) -> Double? {
        switch text {
        case "+Inf": .infinity
        case "-Inf": -.infinity
        case "NaN": .nan
        default: Double(text)
        }
    }

    /// Buckets ascend, the last one is `+Inf` and equals the count.
    private static func check(_ name: String, _ family: Family) throws {
        var series: [[String: String]: [(bound: Double, count: Double)]] = [:]
        for sample in family.samples where sample.name == "\(name)_bucket" {
            var labels: [String: String] = sample.labels
            guard let bound: Double = labels.removeValue(forKey: "le").flatMap({ number($0[...]) }) else {
                throw Fault(description: "\(name) has a bucket without a bound")
            }
            series[labels, default: []].append((bound, sample.value))
        }
        for (labels, buckets) in series {
            guard zip(buckets, buckets.dropFirst()).allSatisfy({ $0.bound < $1.bound && $0.count <= $1.count }),
                buckets.last?.bound == .infinity,
                family.samples.contains(where: {
                    $0.name == "\(name)_count" && $0.labels == labels && $0.value == buckets.last?.count
                }), family.samples.contains(where: { $0.name == "\(name)_sum" && $0.labels == labels })
            else { throw Fault(description: "\(name)\(labels) is no histogram") }
        }
    }
}
