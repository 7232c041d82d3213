import JSON
import Limits
import Model
import RBAC
import Store
import StoreFormat

/// Who belongs to an environment: read from requests, and the action `setmembers` (contract A18).
enum ProjectMembers {
    static let setting: String = "setmembers"

    struct Entry: Hashable, Sendable {
        enum Who: Hashable, Sendable {
            case account(UInt64)
            /// `<type>:<id>` at the provider.
            case identity(String)
        }

        var who: Who
        var role: String
    }

    /// The members that a body names.
    ///
    /// - Throws: 400 for one without its three members, for an unknown identity, and without an owner; 422 for one named
    ///   twice, and for too many.
    static func read(
        _ members: [JSONValue],
        of project: UInt64? = nil,
        _ exchange: Exchange
    ) throws(Problem) -> [Entry] {
        guard members.count <= Limits.projectMembers else {
            throw .validation(
                .maxLimitExceeded,
                field: "members",
                message: "At most \(Limits.projectMembers) members at once."
            )
        }
        let malformed = Problem(
            status: 400,
            code: "InvalidFormat",
            message: "Member format invalid",
            detail:
                "Each member has externalId, externalIdType and role, which is role:<accessRole> or one of "
                + MembershipRoles.names.joined(separator: ", "),
            fieldName: "members"
        )
        var entries: [Entry] = []
        for member in members {
            guard let id: String = member["externalId"]?.string ?? member["externalId"]?.int.map({ String($0) }),
                let type: String = member["externalIdType"]?.string, let role: String = member["role"]?.string,
                GivenPower.isMembership(role, in: project, exchange.view)
            else { throw malformed }
            let who: Entry.Who = try known(IdentityName(type: type, id: id), exchange)
            guard !entries.contains(where: { $0.who == who }) else {
                throw .validation(.notUnique, field: "members", message: "\(id) is named twice.")
            }
            entries.append(Entry(who: who, role: role))
        }
        guard entries.contains(where: { $0.role == "owner" }) else {
            throw .badRequest("An environment needs an owner among its members.")
        }
        return entries
    }

    private static func known(_ name: IdentityName, _ exchange: Exchange) throws(Problem) -> Entry.Who {
        let unknown = Problem.badRequest("There is no identity \(name.text).")
        guard name.type == IdentityName.account else {
            // Whom a provider knows is not known here before they come.
            guard exchange.policy.authProvider.map({ Identities.types(of: $0).contains(name.type) }) ?? false,
                name.id.utf8.count <= 255, !name.id.isEmpty
            else { throw unknown }
            return .identity(name.text)
        }
        guard let number: UInt64 = name.accountNumber,
            let account: AccountRecord = Identify.account(number, exchange.view),
            account.removed == nil, !account.isProject
        else { throw unknown }
        return .account(number)
    }

    /// A new member's record.
    static func write(
        _ entry: Entry,
        _ index: Int,
        of project: NumberReference,
        _ exchange: Exchange
    ) -> Write {
        var fields: JSONObject = [
            "kind": "projectMember", "state": "active", "uuid": .string(UUIDs.random()), "created": .int(exchange.time),
            "removed": nil, "role": .string(entry.role),
        ]
        switch entry.who {
        case .account(let number): fields["memberId"] = JSONValue(number)
        case .identity(let name): fields["identity"] = .string(name)
        }
        return RecordWriting.put(
            .projectMember,
            .created(index),
            fields,
            references: ["projectId": project],
            scope: project
        )
    }

    static func touch(_ entry: Entry) -> Write? {
        guard case .account(let number) = entry.who else { return nil }
        return .touchPolicy(subject: Template(bytes: PolicySubject.account(number)))
    }

    // MARK: Replacing the list

    static func set(
        _ definition: ResourceDefinition,
        _ id: String,
        _ exchange: inout Exchange,
        _ gateway: Gateway
    ) async throws(Problem) -> Answer {
        let body: JSONObject = try exchange.body()
        _ = try await Changing.commit(&exchange, gateway) { (current) throws(Problem) in
            try plan(try Reading.resource(definition, id, current), body, current)
        }
        let resource: Resource = try Reading.resource(definition, id, exchange)
        let members: [JSONValue] = living(resource.number, exchange.view).compactMap { record, _ in
            Resource(record, in: exchange.view).map { .object(exchange.renderer.document($0)) }
        }
        return .document(
            status: 200,
            .object([
                "type": "setProjectMembersInput", "baseType": "setProjectMembersInput", "links": [:], "actions": [:],
                "members": .array(members),
            ])
        )
    }

    private static func plan(
        _ resource: Resource,
        _ body: JSONObject,
        _ exchange: Exchange
    ) throws(Problem) -> PlannedChange? {
        guard resource.definition.name == "project", !resource.isRemoved else {
            throw .validation(.actionNotAvailable, field: "action", message: "Only an environment has members.")
        }
        let reason: String = try mayStart(resource, exchange)
        let wanted: [Entry] = try read(list(body), of: resource.number, exchange)
        let present: [(record: Record, member: ProjectMemberRecord)] = living(resource.number, exchange.view)
        var change = PlannedChange(subject: .existing(resource.record.key), verb: setting, type: "project")
        change.decision = reason
        change.request = ["members": .array(wanted.map { .string("\($0.who) \($0.role)") })]
        // The list is replaced as it is now: of two who replace it at once the second plans again.
        change.preconditions = [.revision(resource.record.key, resource.record.revision)]
        change.preconditions += present.map { .revision($0.record.key, $0.record.revision) }
        var touched: [Entry] = []
        for (record, member) in present {
            guard let who: Entry.Who = who(member) else { continue }
            let now: Entry? = wanted.first { $0.who == who }
            guard now?.role != member.role else { continue }
            var fields: JSONObject = member.fields
            if let now {
                fields["role"] = .string(now.role)
            } else {
                fields["state"] = "removed"
                fields["removed"] = .int(exchange.time)
            }
            change.writes.append(
                RecordWriting.put(.projectMember, .known(record.key.number), fields, scope: .known(record.scope))
            )
            touched.append(Entry(who: who, role: member.role))
        }
        for entry in wanted where !present.contains(where: { who($0.member) == entry.who }) {
            change.writes.append(write(entry, change.created, of: .known(resource.number), exchange))
            change.created += 1
            touched.append(entry)
        }
        guard !change.writes.isEmpty else { return nil }
        try checkOwners(wanted, present.map(\.member), resource, exchange)
        for entry in wanted
        where !present.contains(where: { who($0.member) == entry.who && $0.member.role == entry.role }) {
            try GivenPower.requireMembership(entry.role, in: resource.number, exchange)
        }
        change.writes += touched.compactMap { touch($0) }
        // Whoever is in the environment by a group, too.
        change.writes.append(.touchPolicy(subject: Template(bytes: PolicySubject.account(resource.number))))
        // Two who replace the list at once must meet: the environment's record is written as it is.
        change.writes.append(
            RecordWriting.put(.account, .known(resource.number), resource.stored, scope: .known(resource.record.scope))
        )
        return change
    }

    /// The new list: the action's one input, and it is required.
    private static func list(_ body: JSONObject) throws(Problem) -> [JSONValue] {
        let given: JSONValue = body["members"] ?? []
        guard !given.isNull else {
            throw .validation(.notNullable, field: "members", message: "members must not be null")
        }
        let members: [JSONValue] = given.array ?? [given]
        guard !members.isEmpty else {
            throw .validation(.missingRequired, field: "members", message: "members is required")
        }
        return members
    }

    /// The role by which the setting, and nothing else, lets the caller set the members of an environment; nil when it
    /// does not.
    static func settingRole(_ subject: Subject, _ project: UInt64, in view: StoreView) -> String? {
        subject.memberships.first {
            $0.projectID == project && AuthSettings.memberSettingRoles(view).contains($0.role)
        }?.role
    }

    /// Why the caller may set members: by its rights, or by a role that the setting names.
    private static func mayStart(_ resource: Resource, _ exchange: Exchange) throws(Problem) -> String {
        if let role: String = settingRole(exchange.caller.subject, resource.number, in: exchange.view) {
            return "\(AuthSettings.memberRoles) names \(role)"
        }
        let decision: Decision = exchange.rights.decide(.action(setting), resource, in: exchange.view)
        guard decision.isAllowed else {
            throw .validation(
                .actionNotAvailable,
                field: "action",
                message: "The action \(setting) is not yours to take."
            )
        }
        return decision.description
    }

    private static func checkOwners(
        _ wanted: [Entry],
        _ present: [ProjectMemberRecord],
        _ resource: Resource,
        _ exchange: Exchange
    ) throws(Problem) {
        let subject: Subject = exchange.caller.subject
        let isOwner: Bool =
            subject.kind == .admin
            || subject.memberships.contains { $0.projectID == resource.number && $0.role == "owner" }
        guard !isOwner else { return }
        let before: Set<Entry.Who> = Set(present.filter { $0.role == "owner" }.compactMap { who($0) })
        let after: Set<Entry.Who> = Set(wanted.filter { $0.role == "owner" }.map(\.who))
        guard before == after else {
            throw Problem(
                status: 400,
                code: "InvalidFormat",
                message: "Cannot change project owners",
                fieldName: "members"
            )
        }
    }

    private static func living(_ project: UInt64, _ view: StoreView) -> [(record: Record, member: ProjectMemberRecord)]
    {
        view.records(.projectMember, RecordWriting.term("projectId", project)).compactMap { record in
            guard let member = try? ProjectMemberRecord(document: record.document), member.removed == nil else {
                return nil
            }
            return (record, member)
        }
    }

    private static func who(_ member: ProjectMemberRecord) -> Entry.Who? {
        member.identity.map { .identity($0) } ?? member.memberAccountID.map { .account($0) }
    }
}
