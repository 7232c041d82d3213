import Model
import RBAC
import Store
import StoreFormat

/// Makes the subject that rules speak of out of stored accounts, credentials and memberships.
enum Subjects {
    static func make(
        _ account: AccountRecord,
        _ number: UInt64,
        _ credential: CredentialRecord?,
        _ credentialNumber: UInt64?,
        identities: [String] = [],
        in view: StoreView,
        at time: Int64? = nil
    ) -> Subject {
        let names: Set<String> = Set(IdentityName.all(of: number, account).dropFirst().map(\.text) + identities)
        var subject: Subject = kind(account, number, credential, credentialNumber, names, in: view)
        subject.identities = names
        subject.policy = RolePolicy(view)
        GrantedRoles(view, at: time).complete(&subject)
        return subject
    }

    private static func kind(
        _ account: AccountRecord,
        _ number: UInt64,
        _ credential: CredentialRecord?,
        _ credentialNumber: UInt64?,
        _ identities: Set<String>,
        in view: StoreView
    ) -> Subject {
        if let credential, credential.kind == "agentApiKey" {
            return Subject(
                .hostAgent,
                accountID: number,
                credentialID: credentialNumber,
                hostID: credential.hostID
            )
        }
        switch account.kind {
        case "superadmin": return Subject(.superadmin, accountID: number, credentialID: credentialNumber)
        case "admin": return Subject(.admin, accountID: number, credentialID: credentialNumber)
        case "readAdmin": return Subject(.readAdmin, accountID: number, credentialID: credentialNumber)
        case "service": return Subject(.service, accountID: number, credentialID: credentialNumber)
        case "project":
            var subject = Subject(.project, accountID: number, credentialID: credentialNumber)
            subject.limitedTo = credential?.text("limitedTo")
            return subject
        case "user":
            return Subject(
                .user,
                accountID: number,
                memberships: memberships(of: number, identities, view),
                credentialID: credentialNumber
            )
        case "agent", "registeredAgent", "agentRegister":
            return Subject(.agent, accountID: number, credentialID: credentialNumber)
        case "token": return Subject(.token, accountID: number, credentialID: credentialNumber)
        default: return .anonymous
        }
    }

    static func registration(project: UInt64, credential: UInt64) -> Subject {
        Subject(.registration, accountID: project, credentialID: credential)
    }

    /// In an environment that is not active only its owners have a place (contract A18); they may still look at one that
    /// was removed, until it is purged.
    private static func memberships(
        of number: UInt64,
        _ identities: Set<String>,
        _ view: StoreView
    ) -> [Subject.Membership] {
        var found: [Record] = view.records(.projectMember, RecordWriting.term("memberId", number))
        for name in identities.sorted() { found += view.records(.projectMember, Array("identity=\(name)".utf8)) }
        return found.compactMap { record in
            guard let member = try? ProjectMemberRecord(document: record.document),
                let project: UInt64 = member.projectID
            else { return nil }
            if let removed: Int64 = member.removed {
                // Members go with their environment in one change; who was taken off the list before went alone.
                guard member.role == "owner", Identify.account(project, view)?.removed == removed else { return nil }
                return Subject.Membership(projectID: project, role: "readonly")
            }
            guard member.role == "owner" || Identify.account(project, view)?.isActive == true else { return nil }
            return Subject.Membership(projectID: project, role: member.role)
        }
    }
}
