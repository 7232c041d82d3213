internal import Compose
internal import JSON

/// What `up` would do, worked out before it does any of it.
struct UpPlan {
    enum Step {
        case create
        /// Set these members; `changes` say so to a person. `activate` starts a service that was stopped.
        case update(members: JSONObject, activate: Bool, changes: [String])
        case unchanged
        /// What runs cannot be changed in place.
        case needsUpgrade(differences: [String])
    }

    var stackName: String
    /// Nil when it is to be created.
    var stack: JSONObject?
    var steps: [(service: ComposeService, step: Step)]
    /// Services of the stack that the files do not have.
    var others: [String]
    /// What is there, by name in lower case.
    var existing: [String: JSONObject]

    init(stackName: String, stack: JSONObject?, existing: [JSONObject], wanted: [ComposeService]) {
        self.stackName = stackName
        self.stack = stack
        var byName: [String: JSONObject] = [:]
        for service in existing { byName[service.displayName.lowercased()] = service }
        self.existing = byName
        steps = wanted.map { ($0, Self.step($0, byName[$0.name.lowercased()])) }
        let names: Set<String> = Set(wanted.map { $0.name.lowercased() })
        others = existing.filter { !names.contains($0.displayName.lowercased()) }.map(\.displayName).sorted()
    }

    private static func step(_ wanted: ComposeService, _ stored: JSONObject?) -> Step {
        // One that is being removed makes room for a new one.
        guard let stored, stored.state != "removing", stored.state != "removed" else { return .create }
        let differences: [String] = LaunchDifferences.between(
            stored: stored["launchConfig"]?.object ?? JSONObject(),
            wanted: wanted.service["launchConfig"]?.object ?? JSONObject()
        )
        if !differences.isEmpty { return .needsUpgrade(differences: differences) }

        var members = JSONObject()
        var changes: [String] = []
        if wanted.saysScale, let scale: JSONValue = wanted.service["scale"], scale != stored["scale"] {
            members["scale"] = scale
            changes.append(
                "scale \(stored["scale"]?.int.map { "\($0)" } ?? "none") → \(scale.int.map { "\($0)" } ?? "")"
            )
        }
        let metadata: JSONValue? = wanted.service["metadata"]
        if !LaunchDifferences.isSameMetadata(stored: stored["metadata"], wanted: metadata) {
            members["metadata"] = metadata ?? [:]
            changes.append("metadata")
        }
        let activate: Bool = stored.state == "inactive"
        if activate { changes.append("start") }
        return changes.isEmpty ? .unchanged : .update(members: members, activate: activate, changes: changes)
    }

    var changesNothing: Bool {
        guard stack != nil else { return false }
        return steps.allSatisfy {
            if case .unchanged = $0.step { true } else { false }
        }
    }

    /// What cannot be done, one line for each service.
    var obstacles: [String] {
        steps.compactMap { service, step in
            guard case .needsUpgrade(let differences) = step else { return nil }
            return "\(service.name) runs with another configuration and needs an upgrade, which is not built yet: "
                + differences.joined(separator: "; ")
        }
    }
}
