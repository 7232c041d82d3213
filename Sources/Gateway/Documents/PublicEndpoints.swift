import JSON
import Model
import Store
import StoreFormat

/// Where the published ports of some instances answer: one entry per port and address (contract O17).
enum PublicEndpoints {
    static func of(_ instances: [Record], in view: StoreView) -> JSONValue {
        var endpoints: [JSONValue] = []
        var addresses: [UInt64: String] = [:]
        for record in instances {
            guard let instance = try? InstanceRecord(document: record.document), instance.goal == .running,
                let host: UInt64 = instance.hostID
            else { continue }
            let observed: Record? = view.get(RecordKey(.instanceObserved, record.key.number))
            let report: InstanceObservation? = observed.flatMap { try? InstanceObservation(document: $0.document) }
            guard InstanceState(desired: instance, observed: report).state == "running" else { continue }
            for text in instance.ports {
                guard let port = try? PortSpec(parsing: text), let published: UInt16 = port.publicPort else { continue }
                let address: String = own(port.ip) ?? addresses[host] ?? hostAddress(host, view)
                addresses[host] = own(port.ip) == nil ? address : addresses[host]
                endpoints.append(
                    .object([
                        "type": "publicEndpoint", "ipAddress": .string(address), "port": .int(Int64(published)),
                        "hostId": JSONValue(host), "instanceId": JSONValue(record.key.number),
                        "serviceId": instance.serviceID.map { JSONValue($0) } ?? .null,
                    ])
                )
            }
        }
        return .array(endpoints)
    }

    /// An address that the specification names itself; the wildcard names none.
    private static func own(_ address: String?) -> String? {
        address == nil || address == "0.0.0.0" || address?.isEmpty == true ? nil : address
    }

    private static func hostAddress(_ host: UInt64, _ view: StoreView) -> String {
        view.get(RecordKey(.hostObserved, host)).flatMap { try? HostObservation(document: $0.document) }?
            .agentIPAddress ?? ""
    }
}
