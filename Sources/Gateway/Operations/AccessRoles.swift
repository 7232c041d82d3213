import JSON
import Limits
import Model
import RBAC
import Store
import StoreFormat

/// Making and changing roles: what is wrong with them is said at the door, and nobody gives what they do not have.
enum AccessRoles {
    static func isAbout(_ table: Table?) -> Bool {
        switch table {
        case .some(.roleTemplate), .some(.accessRole), .some(.accessRoleBinding): true
        default: false
        }
    }

    /// Completes a new one and writes it.
    static func complete(
        _ fields: inout JSONObject,
        _ change: inout PlannedChange,
        _ definition: ResourceDefinition,
        _ exchange: Exchange
    ) throws(Problem) {
        guard let table: Table = definition.table else { throw .fault }
        fields["state"] = "active"
        if table == .roleTemplate {
            fields["builtin"] = false
        } else {
            if let own: UInt64 = exchange.projectNumber {
                let named: UInt64? = fields["projectId"]?.int.flatMap { UInt64(exactly: $0) }
                guard named == nil || named == own else {
                    throw .validation(
                        .invalidReference,
                        field: "projectId",
                        message: "The request is in another environment."
                    )
                }
                // Inside an environment only what spans all of them is of none.
                let isWide: Bool = ["cluster", "federation"].contains(fields["scopeType"]?.string ?? "")
                if !isWide { fields["projectId"] = JSONValue(own) }
            }
            if table == .accessRoleBinding { try BindingScopes.complete(&fields, exchange) }
        }
        try check(nil, fields, table, key: nil, &change, exchange)
        let scope: UInt64 = fields["projectId"]?.int.flatMap { UInt64(exactly: $0) } ?? 0
        change.writes.append(RecordWriting.put(table, .created(0), fields, scope: .known(scope)))
    }

    /// Judges what a role or binding is to become, and adds what must be written and hold with it.
    ///
    /// - Parameters:
    ///   - before: what it is; nil for a new one.
    ///   - after: what it is to be.
    static func check(
        _ before: JSONObject?,
        _ after: JSONObject,
        _ table: Table,
        key: RecordKey?,
        _ change: inout PlannedChange,
        _ exchange: Exchange
    ) throws(Problem) {
        if before?["builtin"]?.bool == true
            || key.map({ BuiltInTemplates.record($0.number) != nil && $0.table == .roleTemplate })
                ?? false
        {
            throw .methodNotAllowed("A built-in template cannot be changed.")
        }
        let isActive: Bool = after["state"]?.string == "active" && after["removed"]?.int == nil
        if isActive { try RoleValidation.check(after, table, key, exchange) }
        // A record that is not there yet stands under a number that none has.
        let own: RecordKey = key ?? RecordKey(table, .max)
        let then = GrantedRoles(exchange.view, at: exchange.time, changed: [own: .some(after)])
        let now = GrantedRoles(exchange.view, at: exchange.time)
        try guardEscalation(before, isActive ? after : nil, table, own, now, then, exchange)
        try OwnerGuard.check(before, after, own, then, &change, exchange)
        for subject in touched(before, after, table) where !change.writes.contains(.touchPolicy(subject: subject)) {
            change.writes.append(.touchPolicy(subject: subject))
        }
    }

    /// Whose rights the change changes.
    private static func touched(_ before: JSONObject?, _ after: JSONObject, _ table: Table) -> [Template] {
        guard table == .accessRoleBinding else { return [Template(bytes: PolicySubject.accessRoles)] }
        let subjects: [JSONValue] = [before, after].compactMap(\.self).flatMap { $0["subjects"]?.array ?? [] }
        return subjects.compactMap { AccessSubject.identity($0) }.map { identity in
            switch identity {
            case .account(let number): Template(bytes: PolicySubject.account(number))
            case .credential(let number): Template(bytes: PolicySubject.credential(number))
            case .outside: Template(bytes: PolicySubject.accessRoles)
            }
        }
    }

    // MARK: Escalation

    /// Every right that the change gives, be it by allowing or by denying no more, is one that the caller has.
    private static func guardEscalation(
        _ before: JSONObject?,
        _ after: JSONObject?,
        _ table: Table,
        _ key: RecordKey,
        _ now: GrantedRoles,
        _ then: GrantedRoles,
        _ exchange: Exchange
    ) throws(Problem) {
        let verb: Verb = table == .accessRoleBinding ? .bind : .escalate
        let given: [Rule] = (after.map { rules($0, key, table, then) } ?? []).filter { $0.effect == .allow }
        var missing: [Escalation.Missing] = exchange.rights.missing(given, in: place(after ?? before ?? [:], table))
        if missing.isEmpty, let before, rules(before, key, table, now).contains(where: { $0.effect == .deny }) {
            missing = try restored(key, after ?? [:], now, then, exchange)
        }
        guard !missing.isEmpty, !mayGoBeyond(verb, after ?? before ?? [:], table, exchange) else { return }
        throw escalation(missing, table == .accessRoleBinding ? "give or take this role" : "write this role")
    }

    /// What somebody would have again because it is denied no more, and the caller does not have.
    private static func restored(
        _ key: RecordKey,
        _ after: JSONObject,
        _ now: GrantedRoles,
        _ then: GrantedRoles,
        _ exchange: Exchange
    ) throws(Problem) -> [Escalation.Missing] {
        let affected: [AccessPreviews.Affected] = AccessPreviews.affected([key: .some(after)], now, then, exchange)
        guard affected.count <= Limits.previewSubjects else {
            throw .validation(
                .maxLimitExceeded,
                field: "subjects",
                message:
                    "This changes the rights of more than \(Limits.previewSubjects) subjects; take it from some of them first."
            )
        }
        var missing: [Escalation.Missing] = []
        for one in affected {
            var project: UInt64?
            if case .environment(let number) = one.scope { project = number }
            let own: Rights = exchange.caller.rights(in: project)
            for change in AccessPreviews.differences(one, now, then, exchange)
            where change.isGain && !own.canEver(change.verb, change.type) {
                let lack = Escalation.Missing(verb: change.verb, type: change.type, fields: [])
                if !missing.contains(lack) { missing.append(lack) }
            }
        }
        return Array(missing.prefix(5))
    }

    static func escalation(_ missing: [Escalation.Missing], _ what: String) -> Problem {
        Problem(
            status: 403,
            code: "PrivilegeEscalation",
            message: "You may not \(what): it allows what you may not do yourself, such as "
                + "\(missing.map(\.description).joined(separator: "; ")).",
            detail: "Whoever has these rights can do it, or somebody with the verb action:escalate (for roles) or "
                + "action:bind (for bindings) on accessRole."
        )
    }

    private static func mayGoBeyond(_ verb: Verb, _ fields: JSONObject, _ table: Table, _ exchange: Exchange) -> Bool {
        let project: UInt64? = fields["projectId"]?.int.flatMap { UInt64(exactly: $0) }
        let type: String = table == .roleTemplate ? "roleTemplate" : "accessRole"
        return exchange.rights.decide(verb, type, AccessObject(type, environment: project, members: fields)).isAllowed
    }

    private static func rules(_ fields: JSONObject, _ key: RecordKey, _ table: Table, _ roles: GrantedRoles) -> [Rule] {
        switch table {
        case .accessRole: return roles.role(key.number)?.rules ?? []
        case .roleTemplate:
            var seen: Set<UInt64> = []
            return roles.rules(ofTemplate: key.number, &seen)
        default: return AccessRoleBindingRecord(fields: fields).roleID.flatMap { roles.role($0) }?.rules ?? []
        }
    }

    private static func place(_ fields: JSONObject, _ table: Table) -> Escalation.Place {
        guard table != .roleTemplate, let project: UInt64 = fields["projectId"]?.int.flatMap({ UInt64(exactly: $0) })
        else { return .everywhere }
        return .environment(project)
    }
}
