package import HostProtocol
import JSON
import Model
package import StoreFormat

/// What a host's frames write: observed records, and only where something changed.
///
/// Pure: each function gives the transaction to propose, fenced by the epoch; nil when there is nothing to write.
package enum HostReports {
    /// The writes for some observations of `host`.
    ///
    /// A host speaks only for instances that are placed on it.
    package static func writes(
        _ observations: [Observation],
        host: UInt64,
        scope: UInt64,
        epoch: UInt64,
        time: Int64,
        in view: some RecordReading
    ) -> Transaction? {
        var transaction = Transaction(
            time: time,
            actor: "1h\(host)",
            requestID: "report",
            preconditions: [.epoch(scope: scope, epoch)]
        )
        for observation in observations {
            guard let record: Record = view.get(RecordKey(.instance, observation.number)),
                let instance = try? InstanceRecord(document: record.document), instance.uuid == observation.uuid,
                instance.hostID == host, instance.removed == nil
            else { continue }
            let key = RecordKey(.instanceObserved, observation.number)
            let before: Record? = view.get(key)
            let known: InstanceObservation? = before.flatMap { try? InstanceObservation(document: $0.document) }
            let fields: JSONObject = merged(observation, known?.fields ?? [:], time: time)
            guard fields != known?.fields else { continue }
            transaction.preconditions.append(before.map { .revision(key, $0.revision) } ?? .absent(key))
            transaction.writes.append(
                RecordWriting.put(
                    .instanceObserved,
                    .known(observation.number),
                    fields,
                    scope: .known(record.scope)
                )
            )
        }
        return transaction.writes.isEmpty ? nil : transaction
    }

    private static func merged(_ observation: Observation, _ before: JSONObject, time: Int64) -> JSONObject {
        var fields: JSONObject = before
        fields["condition"] = .string(observation.condition.rawValue)
        fields["generation"] = JSONValue(observation.generation)
        fields["externalId"] = JSONValue(observation.externalID)
        fields["message"] = JSONValue(observation.message)
        fields["exitCode"] = JSONValue(observation.exitCode)
        fields["startCount"] = JSONValue(observation.startCount)
        fields["primaryIpAddress"] = JSONValue(observation.primaryIPAddress)
        if observation.condition == .running, before["firstRunning"]?.int == nil { fields["firstRunning"] = .int(time) }
        return fields
    }

    /// What the host says of itself, with the state of its agent.
    package static func facts(
        _ facts: HostFacts,
        host: UInt64,
        scope: UInt64,
        epoch: UInt64,
        time: Int64,
        in view: some RecordReading
    ) -> Transaction? {
        observe(host: host, scope: scope, epoch: epoch, time: time, in: view) { fields in
            var labels = JSONObject()
            for (key, value) in facts.labels.sorted(by: { $0.key < $1.key }) { labels.append(key, .string(value)) }
            fields["agentState"] = "active"
            fields["awaySince"] = nil
            fields["agentIpAddress"] = .string(facts.address)
            fields["hostname"] = .string(facts.hostname)
            fields["runtime"] = .string(facts.runtime)
            fields["agentVersion"] = .string(facts.agentVersion)
            fields["labels"] = .object(labels)
            fields["memory"] = JSONValue(facts.memory)
            fields["milliCpu"] = JSONValue(facts.milliCPU)
            fields["localStorageMb"] = JSONValue(facts.localStorageMB)
            fields["info"] = .object(facts.info)
        }
    }

    /// Whether a host that is connected is shown as such.
    ///
    /// A word of its absence whose fate nobody knew may be written after the host's own: the leader that took it was gone when it was
    /// asked. Then the host's facts are to be written once more.
    package static func isShownActive(_ host: UInt64, in view: some RecordReading) -> Bool {
        guard let record: Record = view.get(RecordKey(.hostObserved, host)) else { return false }
        return (try? HostObservation(document: record.document))?.agentState == "active"
    }

    /// How the host's agent is.
    package static func agentState(
        _ state: String,
        host: UInt64,
        scope: UInt64,
        epoch: UInt64,
        time: Int64,
        in view: some RecordReading
    ) -> Transaction? {
        observe(host: host, scope: scope, epoch: epoch, time: time, in: view) { fields in
            fields["agentState"] = .string(state)
            // Kept through `reconnecting` and `disconnected`, and from owner to owner: how many vanished together shows in it.
            if state == "active" {
                fields["awaySince"] = nil
            } else if fields["awaySince"]?.int == nil {
                fields["awaySince"] = .int(time)
            }
        }
    }

    /// Containers that carry the host's label and that nobody here knows: kept by the host, shown to people.
    package static func orphans(
        _ orphans: [Orphan],
        host: UInt64,
        scope: UInt64,
        epoch: UInt64,
        time: Int64,
        in view: some RecordReading
    ) -> Transaction? {
        observe(host: host, scope: scope, epoch: epoch, time: time, in: view) { fields in
            fields["orphans"] = orphans.isEmpty ? nil : .array(orphans.map(\.json))
        }
    }

    private static func observe(
        host: UInt64,
        scope: UInt64,
        epoch: UInt64,
        time: Int64,
        in view: some RecordReading,
        _ change: (inout JSONObject) -> Void
    ) -> Transaction? {
        guard let record: Record = view.get(RecordKey(.host, host)) else { return nil }
        let key = RecordKey(.hostObserved, host)
        let before: Record? = view.get(key)
        let known: JSONObject = before.flatMap { try? HostObservation(document: $0.document) }?.fields ?? [:]
        var fields: JSONObject = known
        change(&fields)
        guard fields != known || before == nil else { return nil }
        return Transaction(
            time: time,
            actor: "1h\(host)",
            requestID: "report",
            preconditions: [
                .epoch(scope: scope, epoch), before.map { .revision(key, $0.revision) } ?? .absent(key),
            ],
            writes: [RecordWriting.put(.hostObserved, .known(host), fields, scope: .known(record.scope))]
        )
    }
}
