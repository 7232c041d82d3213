import JSON
import Model

/// Moves an environment through its states; its removal takes everything in it along.
package enum ProjectController {
    package static func plan(_ number: UInt64, in state: some StateReading, _ context: ControlContext) -> Plan {
        var plan = Plan()
        guard let account: Stored<AccountRecord> = state.read(.account, number), account.record.isProject,
            account.record.removed == nil
        else { return plan }
        var draft = Draft(context)
        switch account.record.state {
        case "registering", "activating", "updating-active":
            move(account, to: "active", &draft)
        case "deactivating", "updating-inactive":
            move(account, to: "inactive", &draft)
        case "removing":
            remove(account, in: state, context, &draft, &plan)
        default:
            break
        }
        plan.propose(draft)
        return plan
    }

    private static func move(_ account: Stored<AccountRecord>, to next: String, _ draft: inout Draft) {
        var record: AccountRecord = account.record
        record.state = next
        draft.rewrite(account, to: record)
    }

    private static func remove(
        _ account: Stored<AccountRecord>,
        in state: some StateReading,
        _ context: ControlContext,
        _ draft: inout Draft,
        _ plan: inout Plan
    ) {
        let stacks: [Stored<StackRecord>] = state.all(.stack, "accountId", account.number)
            .filter { $0.record.removed == nil }
        let instances: [Stored<InstanceRecord>] = state.all(.instance, "accountId", account.number)
            .filter { $0.record.removed == nil }
        let hosts: [Stored<HostRecord>] = state.all(.host, "accountId", account.number)
            .filter { $0.record.removed == nil }
        draft.builds(on: account)
        if stacks.isEmpty, instances.isEmpty, hosts.isEmpty {
            draft.revoke(state.all(.credential, "accountId", account.number), context)
            let members: [Stored<ProjectMemberRecord>] = state.all(.projectMember, "projectId", account.number)
            for member in members where member.record.removed == nil {
                var record: ProjectMemberRecord = member.record
                record.state = "removed"
                record.removed = context.time
                draft.rewrite(member, to: record)
            }
            var record: AccountRecord = account.record
            record.state = "removed"
            record.removed = context.time
            draft.rewrite(account, to: record)
            return
        }
        for stack in stacks where stack.record.state != "removing" && !draft.isFull {
            var record: StackRecord = stack.record
            record.state = "removing"
            draft.rewrite(stack, to: record)
        }
        let standalone: [Stored<InstanceRecord>] = instances.filter {
            $0.record.serviceID == nil && $0.record.stackID == nil && $0.record.goal != .removed
        }
        draft.order(.removed, standalone)
        // Hosts go at the same time: a container on a host that does not answer goes only with its host.
        for host in hosts where host.record.state != "removing" && !draft.isFull {
            var record: HostRecord = host.record
            record.state = "removing"
            draft.rewrite(host, to: record)
        }
        if draft.isEmpty {
            plan.notes.append(
                "waits for \(stacks.count) stacks, \(instances.count) containers and \(hosts.count) hosts to be gone"
            )
        }
    }
}
