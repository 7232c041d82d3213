package import StoreFormat

/// The tables of the product. A number is part of every stored byte: never change or reuse one.
///
/// A resource is two records under one number: *desired* (what users and controllers want) and
/// *observed* (what agents report and what is computed from it), so that a health flip never
/// conflicts with a user's edit. A host has a third, its reservations.
extension Table {
    /// Accounts of every kind; an environment is the account kind `project`.
    package static let account = Table(rawValue: 1)
    package static let credential = Table(rawValue: 2)
    package static let projectMember = Table(rawValue: 3)
    package static let setting = Table(rawValue: 4)
    /// Keys of the cluster itself, and its level; never shown by the API.
    package static let clusterKeys = Table(rawValue: 5)
    /// Server nodes; a record's number is the member's id in the Raft group.
    package static let node = Table(rawValue: 6)
    /// What lets a node or a host in, once.
    package static let joinToken = Table(rawValue: 7)
    /// What people who have logged in show instead of a password.
    package static let loginToken = Table(rawValue: 9)
    package static let host = Table(rawValue: 10)
    package static let hostObserved = Table(rawValue: 11)
    package static let hostReservation = Table(rawValue: 12)
    package static let stack = Table(rawValue: 20)
    package static let stackObserved = Table(rawValue: 21)
    package static let service = Table(rawValue: 22)
    package static let serviceObserved = Table(rawValue: 23)
    package static let instance = Table(rawValue: 24)
    package static let instanceObserved = Table(rawValue: 25)
    package static let volume = Table(rawValue: 30)
    package static let volumeObserved = Table(rawValue: 31)
    /// Work too large for one transaction, advanced in batches by a controller.
    package static let operation = Table(rawValue: 40)
    /// What people's user interfaces remember for them.
    package static let userPreference = Table(rawValue: 50)
    package static let roleTemplate = Table(rawValue: 60)
    package static let accessRole = Table(rawValue: 61)
    package static let accessRoleBinding = Table(rawValue: 62)

    /// Whose records are deleted some time after the removal; others stay for good.
    ///
    /// Accounts stay: audit records name them.
    package static let purged: Set<Table> = [
        .instance, .service, .stack, .host, .volume, .credential, .projectMember, .userPreference,
    ]
}
