extension Binding {
    /// What a subject holds: by what it is, by its memberships, and by the bindings that name it.
    package static func standing(of subject: Subject) -> [Binding] { builtIn(of: subject) + subject.granted }

    private static func builtIn(of subject: Subject) -> [Binding] {
        let (kind, policy): (Subject.Kind, RolePolicy) = (subject.kind, subject.policy)
        func here(_ role: Role, _ kind: Subject.Kind) -> Binding { Binding(role, to: .kind(kind), in: .cluster) }
        switch kind {
        case .superadmin:
            return [
                here(StaticRoles.superadmin, kind),
                Binding(StaticRoles.superadmin, to: .kind(kind), in: .anyEnvironment),
            ]
        case .admin:
            return [
                here(StaticRoles.admin, kind),
                Binding(
                    policy.infrastructure.contains("admin")
                        ? StaticRoles.owner : InfrastructureGuard.apply(policy, to: StaticRoles.owner),
                    to: .kind(kind),
                    in: .anyEnvironment
                ),
            ]
        case .readAdmin:
            return [
                here(StaticRoles.readAdmin, kind), Binding(StaticRoles.readonly, to: .kind(kind), in: .anyEnvironment),
            ]
        case .service:
            return [
                here(StaticRoles.service, kind), Binding(StaticRoles.service, to: .kind(kind), in: .anyEnvironment),
            ]
        case .user:
            guard let account: UInt64 = subject.accountID else { return [] }
            return [here(StaticRoles.user, kind)]
                + memberships(subject).compactMap { membership in
                    StaticRoles.membershipRole(membership.role, policy).map {
                        Binding($0, to: .account(account), in: .environment(membership.projectID))
                    }
                }
        case .project:
            let role: Role? = subject.limitedTo.map { StaticRoles.membershipRole($0, policy) } ?? StaticRoles.projectKey
            return inside(subject, role, policy)
        case .environment: return inside(subject, StaticRoles.environment, policy)
        case .projectadmin: return inside(subject, StaticRoles.projectadmin, policy)
        case .agent: return [here(StaticRoles.agent, kind)]
        case .hostAgent: return [here(StaticRoles.hostAgent, kind)]
        case .registration: return [here(StaticRoles.registration, kind)]
        case .token: return [here(StaticRoles.token, kind)]
        case .anonymous: return []
        }
    }

    private static func inside(_ subject: Subject, _ role: Role?, _ policy: RolePolicy) -> [Binding] {
        guard let account: UInt64 = subject.accountID, let role else { return [] }
        return [Binding(InfrastructureGuard.apply(policy, to: role), to: .account(account), in: .environment(account))]
    }

    /// One for each environment: of several the one that counts most.
    private static func memberships(_ subject: Subject) -> [Subject.Membership] {
        guard subject.memberships.count > 1 else { return subject.memberships }
        var best: [UInt64: Subject.Membership] = [:]
        var order: [UInt64] = []
        for membership in subject.memberships {
            guard let known: Subject.Membership = best[membership.projectID] else {
                order.append(membership.projectID)
                best[membership.projectID] = membership
                continue
            }
            if subject.policy.priority(membership.role) < subject.policy.priority(known.role) {
                best[membership.projectID] = membership
            }
        }
        return order.compactMap { best[$0] }
    }
}
