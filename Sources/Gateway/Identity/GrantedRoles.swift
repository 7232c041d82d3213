import Glibc
import JSON
import Model
import RBAC
import Store
import StoreFormat

/// The roles that were made at run time, as bindings that RBAC decides by.
///
/// Found by the terms of the bindings' subjects, so that what a caller costs depends on its own bindings only.
struct GrantedRoles {
    private let view: StoreView
    /// Milliseconds since 1970.
    private let time: Int64
    /// Records as they would be, for what-if: nil for one that would be gone.
    private let changed: [RecordKey: JSONObject?]

    init(_ view: StoreView, at time: Int64?, changed: [RecordKey: JSONObject?] = [:]) {
        self.view = view
        self.time = time ?? Self.now()
        self.changed = changed
    }

    /// For callers whose moment is not known: the clock of this node.
    private static func now() -> Int64 {
        var moment = timespec()
        clock_gettime(CLOCK_REALTIME, &moment)
        return Int64(moment.tv_sec) * 1_000 + Int64(moment.tv_nsec) / 1_000_000
    }

    /// Gives the subject what bindings and memberships in such roles give it.
    func complete(_ subject: inout Subject) {
        var found: [Binding] = []
        var roles: [UInt64: Role?] = [:]
        var places: Set<BindingScope> = []
        func add(_ number: UInt64, to pattern: SubjectPattern, in scope: BindingScope, binding: UInt64?) {
            let role: Role? = roles[number] ?? self.role(number)
            roles[number] = .some(role)
            guard let role else { return }
            found.append(Binding(role, to: pattern, in: scope, number: binding ?? 0))
            // Whoever has something in an environment may go in, and find its way.
            if role.rules.contains(where: { $0.effect == .allow }), let place: BindingScope = Self.place(of: scope),
                places.insert(place).inserted
            {
                found.append(Binding(StaticRoles.visitor, to: pattern, in: place))
            }
        }
        for (name, pattern) in Self.names(subject) {
            for (number, record) in bindings(of: name) where record.isActive {
                guard let role: UInt64 = record.roleID, let scope: BindingScope = scope(record) else { continue }
                if let expires: Int64 = record.expires {
                    guard expires > time else { continue }
                    subject.validUntil = min(subject.validUntil ?? .max, expires)
                }
                add(role, to: pattern, in: scope, binding: number)
            }
        }
        for membership in subject.memberships {
            guard let account: UInt64 = subject.accountID, let number: UInt64 = Self.role(named: membership.role)
            else { continue }
            add(number, to: .account(account), in: .environment(membership.projectID), binding: nil)
        }
        subject.granted = found
    }

    /// The number in a membership's `role:1ar7`.
    static func role(named text: String) -> UInt64? {
        guard text.hasPrefix("role:") else { return nil }
        return ResourceID(String(text.dropFirst("role:".count)))?.number
    }

    private static func names(_ subject: Subject) -> [(String, SubjectPattern)] {
        var names: [(String, SubjectPattern)] = []
        if let number: UInt64 = subject.accountID, subject.kind != .registration, subject.kind != .hostAgent {
            names.append((AccessRoleBindingRecord.accountName(number), .account(number)))
        }
        if let number: UInt64 = subject.credentialID, subject.kind != .registration, subject.kind != .hostAgent {
            names.append((AccessRoleBindingRecord.credentialName(number), .credential(number)))
        }
        for identity in subject.identities.sorted() {
            names.append((AccessRoleBindingRecord.outsideName(identity), .outside(identity)))
        }
        return names
    }

    /// Those that name a subject, by number.
    private func bindings(of name: String) -> [(UInt64, AccessRoleBindingRecord)] {
        let term: [UInt8] = AccessRoleBindingRecord.term(name)
        var found: [(UInt64, AccessRoleBindingRecord)] = view.records(.accessRoleBinding, term).compactMap { record in
            guard changed[record.key] == nil, let binding = try? AccessRoleBindingRecord(document: record.document)
            else { return nil }
            return (record.key.number, binding)
        }
        for (key, fields) in changed where key.table == .accessRoleBinding {
            guard let fields else { continue }
            let binding = AccessRoleBindingRecord(fields: fields)
            if binding.names.contains(name) { found.append((key.number, binding)) }
        }
        return found.sorted { $0.0 < $1.0 }
    }

    // MARK: Roles

    /// The role of that number; nil when there is none, or it gives nothing now.
    func role(_ number: UInt64) -> Role? {
        guard let record: AccessRoleRecord = record(.accessRole, number), record.isActive else { return nil }
        var rules: [Rule] = []
        if let template: UInt64 = record.templateID {
            var seen: Set<UInt64> = []
            rules = self.rules(ofTemplate: template, &seen)
        }
        rules += AccessRuleReader.roleRules(record.rules)
        let id: String = ResourceID(number: number).rendered("ar")
        // What it says is part of what it is: nothing that was made of an older text of it is taken for this one.
        var role = Role(
            "\(record.name) (\(id))",
            id: "\(id)\n\(rules.map(\.description).joined(separator: "\n"))",
            rules: rules
        )
        role.number = number
        return role
    }

    /// Inherited ones first; each template once.
    func rules(ofTemplate number: UInt64, _ seen: inout Set<UInt64>) -> [Rule] {
        guard seen.insert(number).inserted else { return [] }
        if let role: Role = BuiltInTemplates.role(number) { return role.rules }
        guard let record: AccessRoleRecord = record(.roleTemplate, number), record.isActive else { return [] }
        var rules: [Rule] = []
        for inherited in record.inherited { rules += self.rules(ofTemplate: inherited, &seen) }
        return rules + AccessRuleReader.roleRules(record.rules)
    }

    private func record(_ table: Table, _ number: UInt64) -> AccessRoleRecord? {
        let key = RecordKey(table, number)
        if let fields: JSONObject? = changed[key] { return fields.map { AccessRoleRecord(fields: $0) } }
        return view.get(key).flatMap { try? AccessRoleRecord(document: $0.document) }
    }

    // MARK: Scopes

    /// Where a binding counts; nil when what it names is not there any more.
    func scope(_ record: AccessRoleBindingRecord) -> BindingScope? {
        switch record.scopeType {
        case "federation": return .everywhere(federation: true)
        case "cluster": return .everywhere(federation: false)
        case "environment": return record.projectID.map { .environment($0) }
        case "stack":
            guard let stack: UInt64 = record.scopeNumber, let project: UInt64 = record.projectID else { return nil }
            return .stack(stack, environment: project)
        case "object":
            guard let number: UInt64 = record.scopeNumber, let type: String = record.scopeObjectType else { return nil }
            return .object(type: type, number: number, environment: record.projectID)
        default: return nil
        }
    }

    private static func place(of scope: BindingScope) -> BindingScope? {
        switch scope {
        case .environment(let number), .stack(_, let number), .object(_, _, .some(let number)): .environment(number)
        case .everywhere, .anyEnvironment: .anyEnvironment
        case .cluster, .object(_, _, nil): nil
        }
    }
}

extension RolePolicy {
    /// As the settings are now.
    init(_ view: StoreView) {
        var policy: RolePolicy = .standard
        if let text: String = ActiveSettings.value(Self.infrastructureSetting, view) {
            policy.infrastructure = Self.names(text)
        }
        if let text: String = ActiveSettings.value(Self.restrictedExecSetting, view) {
            policy.allowsRestrictedExec = text.lowercased() == "true"
        }
        for role in MembershipRoles.names {
            guard let text: String = ActiveSettings.value(Self.prioritySetting(role), view), let number = Int(text)
            else { continue }
            policy.priorities[role] = number
        }
        self = policy
    }
}
