import HTTP
import JSON
import Limits
import Model
import Store
import StoreFormat

/// `userPreference`: what a user interface keeps for whoever uses it (contract A23).
enum UserPreferences {
    static let type: String = "userPreference"

    /// An account's own, under a name that none of its others has.
    static func complete(_ fields: inout JSONObject, _ exchange: Exchange) throws(Problem) {
        guard let owner: UInt64 = exchange.caller.accountNumber else {
            throw .forbidden("A preference needs an account, and the request has none.")
        }
        let name: String = fields["name"]?.string ?? ""
        guard name.isEmpty || exchange.view.holder(key(name, of: owner)) == nil else { throw taken }
        let known: [UInt64] = exchange.view.numbers(.userPreference, RecordWriting.term("accountId", owner))
        guard known.count < Limits.userPreferences else {
            throw .validation(
                .maxLimitExceeded,
                field: "name",
                message:
                    "An account has at most \(Limits.userPreferences) preferences; removed ones count for ten minutes more."
            )
        }
        fields["accountId"] = JSONValue(owner)
        fields["state"] = "active"
    }

    /// That no other preference of its account has the name that this one is to have.
    static func checkName(_ name: String, _ resource: Resource, _ exchange: Exchange) throws(Problem) {
        guard !name.isEmpty, let owner: UInt64 = resource.accountID,
            let holder: RecordKey = exchange.view.holder(key(name, of: owner)), holder != resource.record.key
        else { return }
        throw taken
    }

    /// Whether a list is of the caller's own only: everybody's is, but for those who see all accounts and ask for `all`.
    static func listsOwn(_ exchange: Exchange) -> Bool {
        !exchange.rights.seesAllAccounts || !["true", "1"].contains(exchange.query["all"]?.lowercased())
    }

    /// They go with their account.
    static func removal(of account: UInt64, _ view: StoreView) -> [Write] {
        view.numbers(.userPreference, RecordWriting.term("accountId", account)).map {
            .delete(.userPreference, .known($0))
        }
    }

    private static func key(_ name: String, of account: UInt64) -> [UInt8] {
        Array("userPreference/\(account)/\(name.lowercased())".utf8)
    }

    private static let taken = Problem.validation(
        .notUnique,
        field: "name",
        message: "There is a preference of that name; change it instead."
    )
}
