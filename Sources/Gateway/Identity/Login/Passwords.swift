import JSON
import Limits
import Model
import RBAC
import Store
import StoreFormat

/// What is particular to the type `password`: logins are unique without regard to case, and hashing takes a while.
enum Passwords {
    /// - Throws: 422 for what could not be typed into `<login>:<password>`, or is too short or too long.
    static func checkShape(_ login: String, _ password: String, field: String) throws(Problem) {
        guard !login.contains(":"), !login.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F })
        else {
            throw .validation(
                .invalidCharacters,
                field: "publicValue",
                message: "A login has neither colons nor control characters."
            )
        }
        try checkSecret(password, field: field)
    }

    static func checkSecret(_ password: String, field: String) throws(Problem) {
        guard password.utf8.count >= Limits.passwordMinimumBytes else {
            throw .validation(
                .minLengthExceeded,
                field: field,
                message: "A password has at least \(Limits.passwordMinimumBytes) bytes."
            )
        }
        guard password.utf8.count <= Limits.passwordBytes else {
            throw .validation(
                .maxLengthExceeded,
                field: field,
                message: "A password has at most \(Limits.passwordBytes) bytes."
            )
        }
    }

    /// Replaces a draft's password by its hash.
    static func hash(_ draft: inout Creating.Draft, _ exchange: Exchange, _ gateway: Gateway) async throws(Problem) {
        let (login, password): (String, String) = (
            draft.body["publicValue"]?.string ?? "", draft.body["secretValue"]?.string ?? ""
        )
        try checkShape(login, password, field: "secretValue")
        try await PasswordPolicy.check(password, field: "secretValue", exchange, gateway)
        draft.publicValue = login
        draft.secretHash = try await gateway.passwords.hash(password, from: exchange.client.peer)
    }

    static func complete(
        _ fields: inout JSONObject,
        _ draft: Creating.Draft,
        _ exchange: Exchange
    ) throws(Problem) {
        guard
            let owner: UInt64 = fields["accountId"]?.int.flatMap({ UInt64(exactly: $0) })
                ?? exchange.caller.accountNumber,
            let account: AccountRecord = Identify.account(owner, exchange.view), account.removed == nil,
            !account.isProject
        else { throw .validation(.invalidReference, field: "accountId", message: "A login is for somebody's account.") }
        guard exchange.view.holder(CredentialRecord.loginKey(draft.publicValue ?? "")) == nil else {
            throw .validation(.notUnique, field: "publicValue", message: "The login is taken.")
        }
        fields["accountId"] = JSONValue(owner)
        fields["secretValue"] = nil
        fields["secretHash"] = JSONValue(draft.secretHash)
        fields["state"] = "active"
    }

    /// Removes all passwords of an account.
    static func purge(of account: UInt64, _ change: inout PlannedChange, _ exchange: Exchange) {
        for record in exchange.view.records(.credential, RecordWriting.term("accountId", account)) {
            guard var credential = try? CredentialRecord(document: record.document), credential.removed == nil,
                credential.kind == CredentialRecord.password
            else { continue }
            credential.state = "removed"
            credential.removed = exchange.time
            change.preconditions.append(.revision(record.key, record.revision))
            change.writes.append(
                RecordWriting.put(
                    .credential,
                    .known(record.key.number),
                    credential.fields,
                    scope: .known(record.scope)
                )
            )
            change.writes.append(.touchPolicy(subject: Template(bytes: PolicySubject.credential(record.key.number))))
        }
    }

    static let changing: String = "changesecret"

    /// The action `changesecret`: its owner says the old secret, an administrator of accounts need not.
    ///
    /// Every login with the account ends, but the one that asked.
    static func change(
        _ definition: ResourceDefinition,
        _ id: String,
        _ body: JSONObject,
        _ exchange: inout Exchange,
        _ gateway: Gateway
    ) async throws(Problem) {
        let resource: Resource = try Reading.resource(definition, id, exchange)
        _ = try Authorisation.require(.action(changing), resource, exchange)
        let new: String = body["newSecret"]?.string ?? ""
        try checkSecret(new, field: "newSecret")
        let address: String = exchange.client.peer
        let (key, revision): (RecordKey, Revision) = (resource.record.key, resource.record.revision)
        if !exchange.rights.administersAccounts || body["oldSecret"]?.string != nil {
            let login: String = CredentialRecord(fields: resource.stored).publicValue
            let found: LocalLogin.Found? = try await LocalLogin.check(
                login,
                body["oldSecret"]?.string ?? "",
                from: address,
                exchange,
                gateway
            )
            guard found?.key == key else {
                throw Problem(status: 400, code: "InvalidOldPassword", message: "The old secret is wrong.")
            }
        }
        try await PasswordPolicy.check(new, field: "newSecret", exchange, gateway)
        let hash: String = try await gateway.passwords.hash(new, from: address)
        _ = try await Changing.commit(&exchange, gateway, about: .existing(key)) { (current) throws(Problem) in
            let resource: Resource = try Reading.resource(definition, id, current)
            let decision: Decision = try Authorisation.require(.action(changing), resource, current)
            guard resource.record.revision == revision else {
                throw .conflict("Somebody else has changed this login meanwhile; try again.")
            }
            var change = PlannedChange(subject: .existing(key), verb: changing, type: definition.name)
            change.decision = decision.description
            change.preconditions = [.revision(key, revision)]
            var fields: JSONObject = resource.stored
            fields["secretHash"] = .string(hash)
            change.writes = [
                RecordWriting.put(.credential, .known(key.number), fields, scope: .known(resource.record.scope)),
                .touchPolicy(subject: Template(bytes: PolicySubject.credential(key.number))),
            ]
            if let account: UInt64 = resource.accountID {
                change.writes += LoginMaking.ends(
                    of: account,
                    keeping: 0,
                    except: current.caller.tokenNumber,
                    current.view,
                    at: current.time
                )
            }
            return change
        }
    }
}
