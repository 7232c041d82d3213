import Model

/// What an instance's labels ask of its host (contract O15).
package struct Affinity: Hashable, Sendable {
    /// In the order of the labels' keys.
    package var rules: [HostLabelRule] = []
    /// Hard labels about other containers: nothing can satisfy them here, so a placement is refused with them.
    package var unsupported: [String] = []

    /// Reads the affinity labels of an instance.
    ///
    /// Shape: `io.rancher.scheduler.affinity:<field><suffix>` = comma-separated `key=value`, each a demand of its own;
    /// an item without a value part is ignored, as is any other field or suffix. `${stack_name}` and
    /// `${service_name}` stand for those of the instance.
    package init(_ labels: [String: String]) {
        for (name, text) in labels.sorted(by: { $0.key < $1.key }) {
            let key: String = name.lowercased()
            guard key.hasPrefix(LaunchLabels.affinityPrefix) else { continue }
            switch String(key.dropFirst(LaunchLabels.affinityPrefix.count)) {
            case "host_label": add(text, labels, isWanted: true, isHard: true)
            case "host_label_ne": add(text, labels, isWanted: false, isHard: true)
            case "host_label_soft": add(text, labels, isWanted: true, isHard: false)
            case "host_label_soft_ne": add(text, labels, isWanted: false, isHard: false)
            case "container", "container_ne", "container_label", "container_label_ne": unsupported.append(key)
            default: break
            }
        }
    }

    private mutating func add(_ text: String, _ labels: [String: String], isWanted: Bool, isHard: Bool) {
        for item in Affinity.resolved(text, labels).split(separator: ",") {
            let parts: [Substring] = item.split(separator: "=", omittingEmptySubsequences: false)
            guard parts.count >= 2 else { continue }
            let key: String = Affinity.trimmed(parts[0]).lowercased()
            let value: String = Affinity.trimmed(parts[1]).lowercased()
            guard !key.isEmpty, !value.isEmpty else { continue }
            rules.append(HostLabelRule(key: key, value: value, isWanted: isWanted, isHard: isHard))
        }
    }

    private static func resolved(_ text: String, _ labels: [String: String]) -> String {
        guard text.contains("${") else { return text }
        let stack: String = labels[LaunchLabels.stackName] ?? ""
        let full: String = labels[LaunchLabels.stackServiceName] ?? ""
        let service: Substring = full.hasPrefix("\(stack)/") ? full.dropFirst(stack.count + 1) : full[...]
        return text.replacing("${stack_name}", with: stack).replacing("${project_name}", with: stack)
            .replacing("${service_name}", with: service)
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var result: Substring = text.drop { $0 == " " }
        while result.last == " " { result.removeLast() }
        return result
    }
}
