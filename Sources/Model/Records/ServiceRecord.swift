package import JSON

/// A service, as wanted: how many instances of which launch configuration.
///
/// States: `registering`, `inactive`, `activating`, `active`, `updating-active`, `updating-inactive`, `deactivating`,
/// `removing`, `removed`. Controllers move it from the transitional ones; users' actions move it into them.
package struct ServiceRecord: ResourceRecord {
    package var fields: JSONObject
    package init(fields: JSONObject) { self.fields = fields }

    package var stackID: UInt64? { reference("stackId") }
    package var scale: Int {
        get { Int(number("scale") ?? 1) }
        set { fields["scale"] = JSONValue(newValue) }
    }
    package var launchConfig: JSONObject { fields["launchConfig"]?.object ?? [:] }
    /// Labels of the launch configuration.
    package var labels: [String: String] { LaunchLabels.of(launchConfig) }
    /// One instance on every host that qualifies, instead of `scale`.
    package var isGlobal: Bool { labels[LaunchLabels.global]?.lowercased() == "true" }
    package var startsOnCreate: Bool { flag("startOnCreate") }
    package var isSystem: Bool { flag("system") }
    /// The last index handed out to an instance; only grows.
    package var createIndex: Int {
        get { Int(number("createIndex") ?? 0) }
        set { fields["createIndex"] = JSONValue(newValue) }
    }
}

/// What is computed about a service from its instances.
package struct ServiceObservation: RecordDocument {
    package var fields: JSONObject
    package init(fields: JSONObject = [:]) { self.fields = fields }

    package var healthState: String? {
        get { text("healthState") }
        set { fields["healthState"] = JSONValue(newValue) }
    }
    package var currentScale: Int {
        get { Int(number("currentScale") ?? 0) }
        set { fields["currentScale"] = JSONValue(newValue) }
    }
    /// Why the service is not where it should be, in words for its user; nil when nothing stands in the way.
    ///
    /// While this is set the API shows `transitioning: error` with it.
    package var problem: String? {
        get { text("problem") }
        set { fields["problem"] = JSONValue(newValue) }
    }
    /// The placement explanation behind ``problem``, as `explain` shows it: an array of
    /// `{"host": number, "reason": text}`; nil when the last placement succeeded.
    package var placement: JSONValue? {
        get { fields["placement"] }
        set { fields["placement"] = newValue }
    }
}

/// The labels of a launch configuration that change what Drover does (contract O13).
package enum LaunchLabels {
    package static let global: String = "io.rancher.scheduler.global"
    package static let affinityPrefix: String = "io.rancher.scheduler.affinity:"
    package static let startOnce: String = "io.rancher.container.start_once"
    package static let pullImage: String = "io.rancher.container.pull_image"
    package static let requestedIP: String = "io.rancher.container.requested_ip"
    package static let stackName: String = "io.rancher.stack.name"
    package static let stackServiceName: String = "io.rancher.stack_service.name"
    package static let deploymentUnit: String = "io.rancher.service.deployment.unit"
    package static let launchConfigName: String = "io.rancher.service.launch.config"
    package static let containerUUID: String = "io.rancher.container.uuid"
    package static let containerName: String = "io.rancher.container.name"
    package static let system: String = "io.rancher.container.system"
    package static let sidekicks: String = "io.rancher.sidekicks"
    /// The name of a service's main launch configuration, as a label value.
    package static let primary: String = "io.rancher.service.primary.launch.config"

    package static func of(_ launchConfig: JSONObject) -> [String: String] {
        guard let object: JSONObject = launchConfig["labels"]?.object else { return [:] }
        var labels: [String: String] = [:]
        for (key, value) in object {
            if let text: String = value.string { labels[key] = text }
        }
        return labels
    }
}
