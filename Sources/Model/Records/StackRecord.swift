package import JSON

/// A stack, as wanted.
///
/// States: contract O5: `activating`, `active`, `error`, `removing`, `removed`. They do not follow the services'.
package struct StackRecord: ResourceRecord {
    package var fields: JSONObject
    package init(fields: JSONObject) { self.fields = fields }

    package var isSystem: Bool { flag("system") }
}

/// What is computed about a stack: `healthState`.
package struct StackObservation: RecordDocument {
    package var fields: JSONObject
    package init(fields: JSONObject = [:]) { self.fields = fields }

    /// `healthy`, `initializing`, `degraded`, `unhealthy`, `started-once`.
    package var healthState: String? {
        get { text("healthState") }
        set { fields["healthState"] = JSONValue(newValue) }
    }
}
