import JSON
import Model

/// What a service makes its instances from (contract O13).
struct InstanceBlueprint {
    var service: Stored<ServiceRecord>
    var stackName: String
    /// The environment's own uuid; empty when its account is not known here.
    var environmentUUID: String

    init(_ service: Stored<ServiceRecord>, in state: some StateReading) {
        self.service = service
        let stack: Stored<StackRecord>? = service.record.stackID.flatMap { state.read(.stack, $0) }
        let account: Stored<AccountRecord>? = service.record.accountID.flatMap { state.read(.account, $0) }
        stackName = stack?.record.name ?? ""
        environmentUUID = account?.record.uuid ?? ""
    }

    func name(_ index: Int) -> String { "\(stackName)-\(service.record.name)-\(index)" }

    /// A new instance; its host is added by whoever places it.
    func instance(
        index: Int,
        createIndex: Int,
        requestedHost: UInt64?,
        time: Int64,
        uuids: inout UUIDSource
    ) -> InstanceRecord {
        var fields: JSONObject = service.record.launchConfig
        // Services restart their instances themselves; an engine that did so too would work against them.
        fields["restartPolicy"] = nil
        fields["count"] = nil
        var record = InstanceRecord(fields: fields)
        record.kind = "container"
        record.name = name(index)
        record.uuid = uuids.next()
        record.accountID = service.record.accountID
        record.creatorID = service.record.creatorID
        record.created = time
        record.goal = .running
        record.generation = 1
        record.fields["stackId"] = service.record.fields["stackId"]
        record.fields["serviceId"] = JSONValue(service.number)
        record.fields["serviceIndex"] = JSONValue(index)
        record.fields["createIndex"] = JSONValue(createIndex)
        let unit: String = uuids.next()
        record.fields["deploymentUnitUuid"] = .string(unit)
        if let requestedHost { record.fields["requestedHostId"] = JSONValue(requestedHost) }
        if service.record.isSystem { record.fields["system"] = true }
        record.fields["labels"] = labels(
            of: record,
            unit: unit,
            globalHost: service.record.isGlobal ? requestedHost : nil
        )
        return record
    }

    /// What the launch configuration says, with the platform's own labels over it, keys ascending.
    private func labels(of record: InstanceRecord, unit: String, globalHost: UInt64?) -> JSONValue {
        var merged: [String: String] = [:]
        for (key, value) in service.record.labels.sorted(by: { $0.key < $1.key }) {
            let lowered: String = key.lowercased()
            merged[lowered.hasPrefix("io.rancher") ? lowered : key] = value
        }
        let fullName: String = "\(stackName)/\(service.record.name)"
        merged[LaunchLabels.stackName] = stackName
        merged[LaunchLabels.stackServiceName] = fullName
        merged["io.rancher.project.name"] = stackName
        merged["io.rancher.project_service.name"] = fullName
        merged[LaunchLabels.deploymentUnit] = unit
        merged[LaunchLabels.launchConfigName] = LaunchLabels.primary
        merged[LaunchLabels.containerUUID] = record.uuid
        merged[LaunchLabels.containerName] = record.name
        if !environmentUUID.isEmpty { merged["io.rancher.environment.uuid"] = environmentUUID }
        if service.record.isSystem { merged[LaunchLabels.system] = "true" }
        if let globalHost { merged["io.rancher.service.requested.host.id"] = String(globalHost) }
        var object = JSONObject()
        for (key, value) in merged.sorted(by: { $0.key < $1.key }) { object.append(key, .string(value)) }
        return .object(object)
    }
}
