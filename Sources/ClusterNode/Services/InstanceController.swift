import JSON
import Model
import Network
import Scheduler
import StoreFormat

/// Places standalone containers, and ends the removal of every container.
package enum InstanceController {
    package static func plan(_ number: UInt64, in state: some StateReading, _ context: ControlContext) -> Plan {
        guard let view = InstanceView(number, in: state), view.record.removed == nil else { return Plan() }
        if view.record.goal == .removed { return removal(of: view, in: state, context) }
        let isUnplaced: Bool = view.record.hostID == nil && view.record.serviceID == nil
        // One that could not be placed stays in `error` until its user acts (contract O16).
        if isUnplaced, view.record.goal == .running, view.record.failure == nil {
            return placement(of: view, in: state, context)
        }
        return Plan()
    }

    /// When nothing is left of it, its place and ports are given back in the same step.
    private static func removal(
        of view: InstanceView,
        in state: some StateReading,
        _ context: ControlContext
    ) -> Plan {
        var plan = Plan()
        guard view.isGone(in: state) else {
            plan.notes.append("waits for the host to report that \(view.record.name) is gone")
            return plan
        }
        var draft = Draft(context)
        draft.finish([view.instance], in: state, context)
        plan.propose(draft)
        return plan
    }

    private static func placement(
        of view: InstanceView,
        in state: some StateReading,
        _ context: ControlContext
    ) -> Plan {
        var plan = Plan()
        let hosts = HostViews(of: view.record.accountID ?? context.scope, in: state)
        let published = PublishedPorts(view.record.ports)
        var draft = Draft(context)
        var record: InstanceRecord = view.record
        if let text: String = published.unreadable.first {
            record.failure = "the port specification \(text) cannot be read"
            draft.rewrite(view.instance, to: record)
            plan.propose(draft)
            return plan
        }
        let request: PlacementRequest = request(for: view.record, published)
        guard let placement: Placement = Scheduler.place([request], on: hosts.candidates()).first else { return plan }
        switch placement.outcome {
        case .host(let number):
            guard let host: HostView = hosts[number] else { return plan }
            record.hostID = number
            draft.rewrite(view.instance, to: record)
            draft.reserve(
                on: host,
                [HostClaim(instance: .known(view.number), ports: published.ports.map(\.canonical))]
            )
            plan.notes.append("places \(record.name) on host \(number)")
        case .refused(let refusal):
            // A host that only lost touch may be the one: an answer now would be about the network, not the request.
            guard !placement.verdicts.contains(where: { isReturning($0) }) else {
                plan.notes.append("waits for a host to reconnect: \(refusal)")
                return plan
            }
            record.failure = refusal.description
            draft.rewrite(view.instance, to: record)
        }
        plan.propose(draft)
        return plan
    }

    static func request(for record: InstanceRecord, _ published: PublishedPorts) -> PlacementRequest {
        PlacementRequest(
            unit: record.name,
            affinity: Affinity(record.labels),
            ports: published.ports,
            requestedHost: record.requestedHostID
        )
    }

    private static func isReturning(_ verdict: HostVerdict) -> Bool {
        verdict.reasons == [.obstacle(.agentAway(state: "reconnecting"))]
    }
}

extension Draft {
    /// Marks instances as removed and gives back what they held; each host's reservations are rewritten once.
    ///
    /// What does not fit is left for the next run.
    mutating func finish(
        _ instances: [Stored<InstanceRecord>],
        in state: some StateReading,
        _ context: ControlContext
    ) {
        var byHost: [UInt64: [UInt64]] = [:]
        for instance in instances where !isFull {
            var record: InstanceRecord = instance.record
            record.goal = .removed
            record.removed = context.time
            rewrite(instance, to: record)
            if let host: UInt64 = record.hostID { byHost[host, default: []].append(instance.number) }
        }
        for (host, gone) in byHost.sorted(by: { $0.key < $1.key }) {
            guard let stored: Stored<HostReservation> = state.read(.hostReservation, host) else { continue }
            let going: Set<UInt64> = Set(gone)
            var reservation: HostReservation = stored.record
            reservation.instances = reservation.instances.filter { !going.contains($0) }
            reservation.ports = reservation.ports.filter { !going.contains($0.value) }
            if reservation != stored.record { rewrite(stored, to: reservation) }
        }
    }
}
