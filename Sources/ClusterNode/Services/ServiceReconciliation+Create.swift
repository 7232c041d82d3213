import JSON
import Limits
import Model
import Network
import Scheduler
import StoreFormat

// What is missing: how many, where, and what is said when there is no place.
extension ServiceReconciliation {
    /// Places and creates what is missing; false while something still is.
    mutating func createMissing() -> Bool {
        let targets: [UInt64?]
        if service.record.isGlobal {
            let candidates: [HostCandidate] = hosts.candidates()
            guard candidates.contains(where: { $0.obstacle == nil }) else {
                complain(PlacementRefusal.noHealthyHost.description)
                return false
            }
            let taken: Set<UInt64> = Set(kept.compactMap(\.record.hostID))
            targets = Scheduler.globalVerdicts(Affinity(service.record.labels), on: candidates)
                .filter { $0.fits && !taken.contains($0.host) }.map(\.host)
        } else {
            let requested: UInt64? = InstanceRecord(fields: service.record.launchConfig).requestedHostID
            targets = Array(repeating: requested, count: max(0, service.record.scale - kept.count))
        }
        guard !targets.isEmpty else { return true }
        create(Array(targets.prefix(Limits.placementBatch)))
        return false
    }

    private mutating func create(_ targets: [UInt64?]) {
        let published = PublishedPorts(InstanceRecord(fields: service.record.launchConfig).ports)
        guard published.unreadable.isEmpty else {
            complain("the port specification \(published.unreadable[0]) cannot be read; correct the service's ports")
            return
        }
        let blueprint = InstanceBlueprint(service, in: state)
        var free: [Int] = freeIndexes(targets.count).reversed()
        var uuids: UUIDSource = context.uuids
        // The platform's own labels count: `${stack_name}` in an affinity label stands for one of them.
        let sample: InstanceRecord = blueprint.instance(
            index: free.last ?? 1,
            createIndex: 0,
            requestedHost: nil,
            time: context.time,
            uuids: &uuids
        )
        let affinity = Affinity(sample.labels)
        let requests: [PlacementRequest] = zip(targets, free.reversed()).map { target, index in
            PlacementRequest(
                unit: blueprint.name(index),
                affinity: affinity,
                ports: published.ports,
                requestedHost: target
            )
        }
        let own: [UInt64] = kept.compactMap(\.record.hostID)
        let placements: [Placement] = Scheduler.place(requests, on: hosts.candidates(serviceHosts: own))

        var claims: [UInt64: [HostClaim]] = [:]
        var createIndex: Int = service.record.createIndex
        for placement in placements {
            guard let host: UInt64 = placement.host else { continue }
            guard !draft.isFull else { break }
            guard let index: Int = free.popLast() else { break }
            createIndex += 1
            var record: InstanceRecord = blueprint.instance(
                index: index,
                createIndex: createIndex,
                requestedHost: placement.request.requestedHost,
                time: context.time,
                uuids: &uuids
            )
            record.hostID = host
            if let before: InstanceRecord = predecessors[index], let cause: String = before.text("replacedBecause") {
                Backoff(of: before).write(to: &record)
                record.fields["lastFailure"] = .string(cause)
            }
            let number: NumberReference = draft.create(.instance, record)
            claims[host, default: []].append(HostClaim(instance: number, ports: published.ports.map(\.canonical)))
            plan.notes.append("creates \(record.name) on host \(host)")
        }
        for (host, claims) in claims.sorted(by: { $0.key < $1.key }) {
            if let view: HostView = hosts[host] { draft.reserve(on: view, claims) }
        }
        if createIndex > service.record.createIndex {
            var record: ServiceRecord = service.record
            record.createIndex = createIndex
            draft.rewrite(service, to: record)
        }
        explainRefusals(placements)
    }

    /// The lowest numbers from 1 that no kept instance has, ascending.
    private func freeIndexes(_ count: Int) -> [Int] {
        let used: Set<Int> = Set(kept.map(\.record.serviceIndex))
        var free: [Int] = []
        var index: Int = 1
        while free.count < count {
            if !used.contains(index) { free.append(index) }
            index += 1
        }
        return free
    }

    private mutating func explainRefusals(_ placements: [Placement]) {
        let refused: [Placement] = placements.filter { $0.refusal != nil }
        guard let first: Placement = refused.first, let refusal: PlacementRefusal = first.refusal else { return }
        // While an own instance is still going, its place and ports come free by themselves.
        for going in leaving where host(of: going)?.isConnected == true {
            plan.notes.append("waits for \(going.record.name) to be gone: \(refusal)")
            return
        }
        complain(refusal.description)
        let isForced: Bool = first.request.requestedHost != nil
        let verdicts: [HostVerdict] =
            isForced
            ? refused.flatMap { placement in
                placement.verdicts.filter { $0.host == placement.request.requestedHost }
            } : first.verdicts
        placement = verdicts.map { ["host": JSONValue($0.host), "reason": .string($0.summary)] }
    }
}
