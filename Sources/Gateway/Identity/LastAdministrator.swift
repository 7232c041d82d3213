import Model
import Store
import StoreFormat

/// Keeps the last active administrator from being taken away.
enum LastAdministrator {
    /// Somebody must be left who can let others in again: the result holds only while that account is as it is now, so
    /// that two administrators cannot take each other away at the same moment.
    static func kept(
        without resource: Resource,
        _ exchange: Exchange
    ) throws(Problem) -> Precondition {
        for record in exchange.view.records(.account, Array("kind=admin".utf8))
        where record.key.number != resource.number {
            guard Identify.account(record.key.number, exchange.view)?.isActive ?? false else { continue }
            return .revision(record.key, record.revision)
        }
        throw Problem(
            status: 405,
            code: "LastAdminAccount",
            message: "The last active administrator cannot be taken away."
        )
    }
}
