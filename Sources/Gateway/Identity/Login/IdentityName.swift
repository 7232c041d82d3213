import JSON
import Model
import RBAC
import Store
import StoreFormat

/// What a person or a group is called, here or at a provider: `<type>:<id>`.
///
/// Accounts are `rancher_id:1a7`; as the id of a resource `1i!` stands before it (contract A18).
struct IdentityName: Hashable, Sendable {
    static let account: String = "rancher_id"

    var type: String
    var id: String

    init(type: String, id: String) {
        self.type = type
        self.id = id
    }

    init(account number: UInt64) {
        self.init(type: Self.account, id: ResourceID(number: number).rendered("a"))
    }

    /// With or without the `1i!`; nil without a type or an id.
    init?(_ text: String) {
        let plain: Substring = text.hasPrefix("1i!") ? text.dropFirst(3) : text[...]
        guard let colon: Substring.Index = plain.firstIndex(of: ":"), colon > plain.startIndex,
            plain.index(after: colon) < plain.endIndex
        else { return nil }
        self.init(type: String(plain[..<colon]), id: String(plain[plain.index(after: colon)...]))
    }

    var text: String { "\(type):\(id)" }

    /// The number of the account that it is, written as `1a7` or `7`.
    var accountNumber: UInt64? {
        guard type == Self.account else { return nil }
        if let number = UInt64(id) { return number }
        guard let id = ResourceID(id), id.cluster == nil else { return nil }
        return id.number
    }

    /// Everything that an account is called: itself, and what its provider calls it.
    static func all(of number: UInt64, _ account: AccountRecord) -> [IdentityName] {
        var names: [IdentityName] = [IdentityName(account: number)]
        if let type: String = account.text("externalIdType"), let id: String = account.text("externalId"),
            !type.isEmpty, !id.isEmpty
        {
            names.append(IdentityName(type: type, id: id))
        }
        return names
    }
}
