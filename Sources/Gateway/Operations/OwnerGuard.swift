import JSON
import Model
import RBAC
import Store
import StoreFormat

/// Keeps a way back: whatever is denied, somebody is left who can take the denial away again.
enum OwnerGuard {
    static func check(
        _ before: JSONObject?,
        _ after: JSONObject,
        _ key: RecordKey,
        _ then: GrantedRoles,
        _ change: inout PlannedChange,
        _ exchange: Exchange
    ) throws(Problem) {
        for place in places(after, key, then, exchange) {
            switch place {
            case .environment(let project):
                guard let owner: UInt64 = keeper(of: project, then, exchange) else {
                    // One that nobody owned before is the administrators' to look after.
                    guard keeper(of: project, GrantedRoles(exchange.view, at: exchange.time), exchange) != nil else {
                        continue
                    }
                    throw lastOwner("environment \(ResourceID(number: project).rendered("a"))")
                }
                keep(owner, &change, exchange)
            case .everywhere:
                guard let admin: UInt64 = administrator(then, exchange) else { throw lastOwner("cluster") }
                keep(admin, &change, exchange)
            }
        }
    }

    private static func lastOwner(_ what: String) -> Problem {
        Problem(
            status: 422,
            code: "LastOwner",
            message: "Nobody would be left who owns the \(what) and could take this denial away again.",
            fieldName: "subjects"
        )
    }

    /// The result holds only while the rights of whoever is left are as they are now.
    private static func keep(_ account: UInt64, _ change: inout PlannedChange, _ exchange: Exchange) {
        change.preconditions.append(
            .policyUnchanged(subject: PolicySubject.account(account), since: exchange.view.revision)
        )
    }

    /// Where something would be denied by what changes.
    private static func places(
        _ after: JSONObject,
        _ key: RecordKey,
        _ then: GrantedRoles,
        _ exchange: Exchange
    ) -> Set<Escalation.Place> {
        var places: Set<Escalation.Place> = []
        func add(_ binding: AccessRoleBindingRecord) {
            guard binding.isActive, let role: UInt64 = binding.roleID,
                then.role(role)?.rules.contains(where: { $0.effect == .deny }) ?? false,
                let scope: BindingScope = then.scope(binding)
            else { return }
            switch scope {
            case .environment(let number): places.insert(.environment(number))
            case .everywhere: places.insert(.everywhere)
            default: break
            }
        }
        func addBindings(ofRole number: UInt64) {
            for record in exchange.view.records(.accessRoleBinding, RecordWriting.term("accessRoleId", number)) {
                if let binding = try? AccessRoleBindingRecord(document: record.document) { add(binding) }
            }
        }
        switch key.table {
        case .accessRoleBinding: add(AccessRoleBindingRecord(fields: after))
        case .accessRole: addBindings(ofRole: key.number)
        default:
            // Any role may be behind a template, by way of others.
            for record in exchange.view.records(in: .accessRole) {
                guard let role = try? AccessRoleRecord(document: record.document), role.templateID != nil else {
                    continue
                }
                addBindings(ofRole: record.key.number)
            }
        }
        return places
    }

    /// An owner who can still change the environment's members and bindings.
    private static func keeper(of project: UInt64, _ roles: GrantedRoles, _ exchange: Exchange) -> UInt64? {
        for record in exchange.view.records(.projectMember, RecordWriting.term("projectId", project)) {
            guard let member = try? ProjectMemberRecord(document: record.document), member.removed == nil,
                member.role == StaticRoles.owner.name, let number: UInt64 = member.memberAccountID
            else { continue }
            let object = AccessObject(
                "accessRoleBinding",
                number: .max,
                environment: project,
                members: ["projectId": JSONValue(project)]
            )
            if can(number, .environment(project), object, roles, exchange) { return number }
        }
        return nil
    }

    private static func administrator(_ roles: GrantedRoles, _ exchange: Exchange) -> UInt64? {
        exchange.view.numbers(.account, Array("kind=admin".utf8)).first {
            can($0, .cluster, AccessObject("accessRoleBinding", number: .max), roles, exchange)
        }
    }

    private static func can(
        _ account: UInt64,
        _ scope: AccessScope,
        _ object: AccessObject,
        _ roles: GrantedRoles,
        _ exchange: Exchange
    ) -> Bool {
        guard let record: AccountRecord = Identify.account(account, exchange.view), record.isActive else {
            return false
        }
        var subject: Subject = Subjects.make(record, account, nil, nil, in: exchange.view, at: exchange.time)
        roles.complete(&subject)
        let bindings: [Binding] = Binding.standing(of: subject)
        return [Verb.get, .update, .delete].allSatisfy {
            RBAC.decide(AccessRequest(subject, $0, object.type, in: scope, object: object), bindings: bindings)
                .isAllowed
        }
    }
}
