/// Who asks: what identification made of a request's credential.
package struct Subject: Hashable, Sendable, CustomStringConvertible {
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        /// The servers themselves, by their internal account.
        case superadmin
        /// An account that administers the cluster.
        case admin
        /// An account that sees what an administrator sees, and changes nothing.
        case readAdmin
        case user
        /// An environment itself, by one of its API keys.
        case project
        /// A controller outside of the servers.
        case service
        /// A container that acts for its environment (`io.rancher.container.agent.role` = `environment`).
        case environment
        /// The same, trusted with the environment's secrets (`environmentAdmin`).
        case projectadmin
        /// An account of the original's agents (`agent`, `registeredAgent`, `agentRegister`).
        case agent
        /// A host, by its own key.
        case hostAgent
        /// Somebody with a registration token.
        case registration
        /// Somebody who is about to log in.
        case token
        case anonymous
    }

    /// A role that an account has in an environment.
    package struct Membership: Hashable, Sendable {
        package var projectID: UInt64
        /// The role's name, such as `owner`.
        package var role: String

        package init(projectID: UInt64, role: String) {
            self.projectID = projectID
            self.role = role
        }
    }

    package var kind: Kind
    /// The account, or for ``Kind/project`` the environment; nil for nobody.
    package var accountID: UInt64?
    package var memberships: [Membership]
    package var credentialID: UInt64?
    /// For ``Kind/hostAgent``.
    package var hostID: UInt64?
    /// Who the caller is besides its account: `type:id` of users and groups of outside directories, such as
    /// `openid_group:devs`.
    package var identities: Set<String> = []
    /// For ``Kind/project``: the role that the key is limited to; nil for all that an environment's key may do.
    package var limitedTo: String?
    /// The bindings made at run time that name this subject.
    package var granted: [Binding] = []
    /// The settings that static roles depend on.
    package var policy: RolePolicy = .standard
    /// Milliseconds since 1970: when the first of ``granted`` ends; nil for never.
    package var validUntil: Int64?

    package init(
        _ kind: Kind,
        accountID: UInt64? = nil,
        memberships: [Membership] = [],
        credentialID: UInt64? = nil,
        hostID: UInt64? = nil
    ) {
        self.kind = kind
        self.accountID = accountID
        self.memberships = memberships
        self.credentialID = credentialID
        self.hostID = hostID
    }

    package static let anonymous = Subject(.anonymous)

    /// Whether an identity, as roles and stacks name one, is this subject.
    package func isNamed(by identity: AccessIdentity) -> Bool {
        switch identity {
        case .account(let number): accountID == number
        case .credential(let number): credentialID == number
        case .outside(let text): identities.contains(text)
        }
    }

    package var description: String {
        switch kind {
        case .hostAgent: hostID.map { "host 1h\($0)" } ?? "a host"
        case .anonymous: "anonymous"
        default: accountID.map { "\(kind.rawValue) 1a\($0)" } ?? kind.rawValue
        }
    }
}

/// Somebody whom a binding or a shared stack names: never by a name, which can be given to somebody else.
package enum AccessIdentity: Hashable, Sendable, CustomStringConvertible {
    case account(UInt64)
    case credential(UInt64)
    /// `type:id` of a user or group of an outside directory.
    case outside(String)

    package var description: String {
        switch self {
        case .account(let number): "1a\(number)"
        case .credential(let number): "key 1c\(number)"
        case .outside(let text): text
        }
    }
}
