/// Who asks: what identification made of a request's credential.
package struct Subject: Hashable, Sendable, CustomStringConvertible {
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        /// An account that administers the cluster.
        case admin
        case user
        /// An environment itself, by one of its API keys.
        case project
        /// A host, by its own key.
        case hostAgent
        /// Somebody with a registration token.
        case registration
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

    package var description: String {
        switch kind {
        case .hostAgent: hostID.map { "host 1h\($0)" } ?? "a host"
        case .anonymous: "anonymous"
        default: accountID.map { "\(kind.rawValue) 1a\($0)" } ?? kind.rawValue
        }
    }
}
