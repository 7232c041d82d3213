import JSON
import Model
import Store
import StoreFormat

/// A key whose halves an administrator chooses, and that is there already: scripts make theirs each time they start, since
/// they cannot see whether a secret is the one they would choose.
///
/// Only the very same key of the same account counts; another secret, or another account's, is taken (`NotUnique`).
enum RepeatedKey {
    /// - Parameters:
    ///   - values: the validated body: it has halves only where the caller may choose them.
    ///   - exchange: of the request that would make the key.
    static func find(_ values: JSONObject, _ exchange: Exchange) -> Resource? {
        guard let publicValue: String = values["publicValue"]?.string,
            let secret: String = values["secretValue"]?.string, exchange.rights.administersAccounts,
            let holder: RecordKey = exchange.view.holder(Array("credential/\(publicValue)".utf8)),
            let record: Record = exchange.view.get(holder), let found = Resource(record, in: exchange.view),
            found.definition.name == "apiKey", !found.isRemoved
        else { return nil }
        let own: UInt64? = exchange.projectNumber ?? exchange.caller.accountNumber
        let owner: UInt64? = values["accountId"]?.int.flatMap { UInt64(exactly: $0) } ?? own
        let credential = CredentialRecord(fields: found.stored)
        guard let owner, credential.accountID == owner,
            (values["expires"]?.int).map({ $0 == credential.expires }) ?? true,
            case .right = KeyHash.verdict(
                secret,
                of: publicValue,
                credential.secretHash,
                exchange.policy.identityKeys
            )
        else { return nil }
        return found
    }
}
