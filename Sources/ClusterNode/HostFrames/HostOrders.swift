package import HostProtocol
import JSON
import Model
package import StoreFormat

/// What a host is to keep, out of the instances that are placed on it.
///
/// Pure: from records to the frames' `sync`. The agent's side of it is `DesiredSet` in `HostAgentCore`.
package enum HostOrders {
    /// One instance's order: to keep it, or to remove it.
    private enum Order {
        case keep(InstanceSpec)
        case remove(Tombstone)
    }

    /// nil once its removal is done, and for what is no instance.
    private static func order(_ record: Record) -> Order? {
        guard let instance = try? InstanceRecord(document: record.document), instance.removed == nil else { return nil }
        let generation = UInt64(max(0, instance.generation))
        switch instance.goal {
        case .removed:
            return .remove(
                Tombstone(
                    uuid: instance.uuid,
                    number: record.key.number,
                    generation: generation,
                    revision: record.revision
                )
            )
        case .running, .stopped:
            return .keep(
                InstanceSpec(
                    uuid: instance.uuid,
                    number: record.key.number,
                    name: instance.name,
                    goal: instance.goal == .running ? .running : .stopped,
                    generation: generation,
                    revision: record.revision,
                    launch: launch(instance)
                )
            )
        }
    }

    /// Everything that a host is to keep, as it stands in a view.
    package static func all(of host: UInt64, in view: some RecordReading) -> Sync {
        var sync = Sync(isFull: true, instances: [])
        for number in view.numbers(.instance, term: RecordWriting.term("hostId", host)) {
            add(view.get(RecordKey(.instance, number)).flatMap(order), to: &sync)
        }
        return sync
    }

    /// What has changed for a host with one revision.
    ///
    /// - Parameters:
    ///   - changed: the instances on the host that the revision changed, as it left them.
    ///   - since: the revision of the sync before this one on the same stream.
    package static func delta(_ changed: some Sequence<Record>, since: Revision) -> Sync {
        var sync = Sync(isFull: false, since: since, instances: [])
        for record in changed { add(order(record), to: &sync) }
        return sync
    }

    private static func add(_ order: Order?, to sync: inout Sync) {
        switch order {
        case .keep(let spec): sync.instances.append(spec)
        case .remove(let tombstone): sync.tombstones.append(tombstone)
        case nil: break
        }
    }

    /// The launch configuration: everything of the record that is not the control plane's own business.
    private static func launch(_ instance: InstanceRecord) -> JSONObject {
        var launch = JSONObject()
        for (key, value) in instance.fields where !own.contains(key) && !value.isNull { launch.append(key, value) }
        return launch
    }

    private static let own: Set<String> = [
        "accountId", "created", "createIndex", "creatorId", "deploymentUnitUuid", "description", "failure",
        "generation", "goal", "hostId", "kind", "lastFailure", "name", "removed", "requestedHostId", "restartFailures",
        "restartNotBefore", "serviceId", "serviceIndex", "stackId", "startOnCreate", "state", "system", "uuid",
    ]
}
