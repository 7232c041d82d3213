import JSON
import Model
import StoreFormat

/// Moves a host through its states (contract O6).
///
/// Registration makes it; this takes it from there.
package enum HostController {
    package static func plan(_ number: UInt64, in state: some StateReading, _ context: ControlContext) -> Plan {
        guard let host = HostView(number, in: state), !host.isGone else { return Plan() }
        switch host.host.record.state {
        case "activating", "updating-active": return moved(host, to: "active", context)
        case "deactivating" where host.host.record.isEvacuating: return evacuation(of: host, in: state, context)
        case "deactivating", "updating-inactive": return moved(host, to: "inactive", context)
        case "removing": return removal(of: host, in: state, context)
        default: return Plan()
        }
    }

    private static func moved(_ host: HostView, to next: String, _ context: ControlContext) -> Plan {
        var plan = Plan()
        var draft = Draft(context)
        var record: HostRecord = host.host.record
        record.state = next
        draft.rewrite(host.host, to: record)
        plan.propose(draft)
        return plan
    }

    /// Its containers, but those of the system, are ordered to go; then it rests (contract O6).
    ///
    /// It does not wait for them to be gone: what they are replaced by is made elsewhere, since it takes no new ones.
    private static func evacuation(of host: HostView, in state: some StateReading, _ context: ControlContext) -> Plan {
        let going: [Stored<InstanceRecord>] = state.all(.instance, "hostId", host.number)
            .filter { $0.record.removed == nil && $0.record.goal != .removed && !$0.record.isSystem }
        var plan = Plan()
        var draft = Draft(context)
        draft.builds(on: host.host)
        guard going.isEmpty else {
            draft.order(.removed, going)
            plan.propose(draft)
            return plan
        }
        // A placement that came between shows in the reservations; then this is refused and planned again.
        draft.builds(on: host.reservationKey, host.reservation?.revision)
        var record: HostRecord = host.host.record
        record.state = "inactive"
        record.isEvacuating = false
        draft.rewrite(host.host, to: record)
        plan.propose(draft)
        return plan
    }

    /// Its containers are ordered to go.
    ///
    /// A host that cannot answer is taken out of the books without waiting:
    /// that is what its user asked for.
    private static func removal(of host: HostView, in state: some StateReading, _ context: ControlContext) -> Plan {
        var plan = Plan()
        var draft = Draft(context)
        let present: [Stored<InstanceRecord>] = state.all(.instance, "hostId", host.number)
            .filter { $0.record.removed == nil }
        guard !present.isEmpty else {
            finish(host, in: state, context, &draft)
            plan.propose(draft)
            return plan
        }
        draft.builds(on: host.host)
        if host.isConnected {
            draft.order(.removed, present.filter { $0.record.goal != .removed })
            if draft.isEmpty { plan.notes.append("waits for \(present.count) containers to be gone") }
        } else {
            draft.finish(present, in: state, context)
        }
        plan.propose(draft)
        return plan
    }

    /// Removes the host itself, and revokes the keys that spoke for it.
    private static func finish(
        _ host: HostView,
        in state: some StateReading,
        _ context: ControlContext,
        _ draft: inout Draft
    ) {
        // A placement that came between shows in the reservations; then this is refused and planned again.
        draft.builds(on: host.reservationKey, host.reservation?.revision)
        let credentials: [Stored<CredentialRecord>] = state.all(.credential, "hostId", host.number)
        draft.revoke(credentials, context)
        var record: HostRecord = host.host.record
        record.state = "removed"
        record.removed = context.time
        draft.rewrite(host.host, to: record)
    }
}

extension Draft {
    /// Ends credentials that still live.
    mutating func revoke(_ credentials: [Stored<CredentialRecord>], _ context: ControlContext) {
        for credential in credentials where credential.record.removed == nil {
            var record: CredentialRecord = credential.record
            record.state = "removed"
            record.removed = context.time
            rewrite(credential, to: record)
            // A request that was allowed on the strength of it must not commit after this.
            touchPolicy(PolicySubject.credential(credential.number))
        }
    }
}
