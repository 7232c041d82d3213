package import JSON

/// What is wanted of a container on its host.
package enum InstanceGoal: String, Sendable, Hashable, CaseIterable {
    case running
    case stopped
    /// The order to remove it: the tombstone that an agent needs before it deletes anything.
    case removed
}

/// A container, as wanted: what to run, where, and whether it should run, rest or go.
///
/// All members of its launch configuration stand beside these, under their API names.
package struct InstanceRecord: ResourceRecord {
    package var fields: JSONObject
    package init(fields: JSONObject) { self.fields = fields }

    package var stackID: UInt64? { reference("stackId") }
    /// nil for a container that no service made.
    package var serviceID: UInt64? { reference("serviceId") }
    package var hostID: UInt64? {
        get { reference("hostId") }
        set { fields["hostId"] = newValue.map { JSONValue($0) } ?? .null }
    }
    package var requestedHostID: UInt64? { reference("requestedHostId") }
    package var goal: InstanceGoal {
        get { text("goal").flatMap { InstanceGoal(rawValue: $0) } ?? .running }
        set { fields["goal"] = .string(newValue.rawValue) }
    }
    /// Grows with every order to start (again): a report about an older start says nothing about this one.
    ///
    /// From 1.
    package var generation: Int64 {
        get { number("generation") ?? 1 }
        set { fields["generation"] = .int(newValue) }
    }
    /// The name's number, reused when an instance is replaced: `web-app-3` has 3.
    package var serviceIndex: Int { Int(number("serviceIndex") ?? 0) }
    /// The how-manieth instance its service ever made; decides who goes first when scaling down.
    package var createIndex: Int { Int(number("createIndex") ?? 0) }
    package var labels: [String: String] { textMap("labels") }
    package var imageUUID: String { text("imageUuid") ?? "" }
    /// Port specifications as in the API, `[ip:][public:]private[/protocol]`.
    package var ports: [String] { texts("ports") }
    /// Why it could not be placed or made, when no agent can say it; shown as the state `error`.
    package var failure: String? {
        get { text("failure") }
        set { fields["failure"] = JSONValue(newValue) }
    }
    /// Whether somebody who knows that it is removed has said so; its state is stored nowhere else.
    package var isPurged: Bool { text("state") == "purged" }
    package var isSystem: Bool { flag("system") }
}

/// What a container is doing, as its host's agent says.
package enum InstanceCondition: String, Sendable, Hashable, CaseIterable {
    case pulling, creating, starting, running, stopping, stopped
    /// The agent tried and could not; ``InstanceObservation/message`` says what.
    case error
    /// The tombstone was carried out, or there never was a container.
    case gone
}

/// A container, as its host reports it.
package struct InstanceObservation: RecordDocument {
    package var fields: JSONObject
    package init(fields: JSONObject = [:]) { self.fields = fields }

    package var condition: InstanceCondition? {
        get { text("condition").flatMap { InstanceCondition(rawValue: $0) } }
        set { fields["condition"] = JSONValue(newValue?.rawValue) }
    }
    /// The order that this report is about: see ``InstanceRecord/generation``.
    package var generation: Int64 {
        get { number("generation") ?? 0 }
        set { fields["generation"] = .int(newValue) }
    }
    /// The runtime's own id of the container.
    package var externalID: String? {
        get { text("externalId") }
        set { fields["externalId"] = JSONValue(newValue) }
    }
    package var message: String? {
        get { text("message") }
        set { fields["message"] = JSONValue(newValue) }
    }
    package var exitCode: Int64? { number("exitCode") }
    package var primaryIPAddress: String? { text("primaryIpAddress") }
    package var startCount: Int64 { number("startCount") ?? 0 }
}
