package import JSON

/// A host, as wanted.
///
/// States: `registering`, `active`, `inactive`, `activating`, `deactivating`, `removing`, `removed`.
package struct HostRecord: ResourceRecord {
    package var fields: JSONObject
    package init(fields: JSONObject) { self.fields = fields }

    package var hostname: String { text("hostname") ?? "" }
    /// What users put on it; what the agent reports stands in ``HostObservation``.
    package var labels: [String: String] { textMap("labels") }
    /// Members that say how much there is of something: what users say outweighs what the agent reports.
    package static let totals: [String] = ["memory", "milliCpu", "localStorageMb"]
    /// Whether its containers, but those of the system, are to go before it rests.
    package var isEvacuating: Bool {
        get { flag("evacuating") }
        set { fields["evacuating"] = newValue ? true : nil }
    }
    /// The name that people see: `name`, else the host's own.
    package var displayName: String { name.isEmpty ? hostname : name }
}

/// A host, as its agent reports it.
package struct HostObservation: RecordDocument {
    package var fields: JSONObject
    package init(fields: JSONObject = [:]) { self.fields = fields }

    /// `active`, `reconnecting`, `disconnected`.
    package var agentState: String? {
        get { text("agentState") }
        set { fields["agentState"] = JSONValue(newValue) }
    }
    /// When it was first found silent, in milliseconds since 1970; nil while its agent is connected.
    package var awaySince: Int64? { number("awaySince") }
    /// Where the host's published ports answer.
    package var agentIPAddress: String? { text("agentIpAddress") }
    package var labels: [String: String] { textMap("labels") }
    /// `docker` or `simulated`.
    package var runtime: String? { text("runtime") }
}

/// What is promised away on a host.
///
/// Placements are proposed with its revision as a precondition, so two of them can never promise the same port.
package struct HostReservation: RecordDocument {
    package var fields: JSONObject
    package init(fields: JSONObject = [:]) { self.fields = fields }

    /// Canonical host port (`0.0.0.0:8080/tcp`) to the instance that holds it.
    package var ports: [String: UInt64] {
        get {
            var result: [String: UInt64] = [:]
            for (port, holder) in fields["ports"]?.object ?? [:] {
                if let number: Int64 = holder.int { result[port] = UInt64(number) }
            }
            return result
        }
        set {
            var object = JSONObject()
            for (port, holder) in newValue.sorted(by: { $0.key < $1.key }) { object.append(port, JSONValue(holder)) }
            fields["ports"] = .object(object)
        }
    }

    /// The instances placed here and not yet gone, ascending.
    package var instances: [UInt64] {
        get { fields["instances"]?.array?.compactMap { $0.int.flatMap { UInt64(exactly: $0) } } ?? [] }
        set { fields["instances"] = .array(newValue.sorted().map { JSONValue($0) }) }
    }
}
