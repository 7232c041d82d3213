import HTTP
import JSON
import Limits
import Model
import RBAC
import Store
import StoreFormat

/// `/identities`: who the caller is, and who else there is (contract A18).
enum Identities {
    static func answer(_ exchange: inout Exchange, _ gateway: Gateway) async throws(Problem) -> Answer {
        guard exchange.method == "GET" || exchange.method == "HEAD" else {
            throw .methodNotAllowed("Identities can be read only.")
        }
        if let id: String = exchange.path.id {
            guard let found: JSONObject = find(id, exchange) else { throw .notFound("There is no identity \(id).") }
            return .document(status: 200, .object(found))
        }
        let data: [JSONObject]
        if let name: String = exchange.query["name"] {
            data = search(exchange) { $0 == name }
        } else if let part: String = exchange.query["all"] {
            let wanted: String = part.lowercased()
            data = search(exchange) { $0.lowercased().contains(wanted) }
        } else {
            data = own(exchange)
        }
        return .document(
            status: 200,
            .object([
                "type": "collection", "resourceType": "identity",
                "links": ["self": .string("\(exchange.links.root)/identities")], "actions": [:],
                "data": .array(data.map { .object($0) }),
            ])
        )
    }

    /// The types of identities that a provider speaks of.
    static func types(of provider: String) -> [String] { [] }

    private static func own(_ exchange: Exchange) -> [JSONObject] {
        guard let number: UInt64 = exchange.caller.accountNumber, let account = exchange.caller.account else {
            return []
        }
        var documents: [JSONObject] = [document(of: number, account, exchange)]
        for name in IdentityName.all(of: number, account).dropFirst() {
            documents.append(document(of: name, isPerson: true, exchange))
        }
        if let token: UInt64 = exchange.caller.tokenNumber,
            let record: LoginTokenRecord = LoginToken.record(token, exchange.view, at: exchange.time)
        {
            documents += record.identities.compactMap { IdentityName($0) }.map {
                document(of: $0, isPerson: false, exchange)
            }
        }
        return documents
    }

    private static func find(_ id: String, _ exchange: Exchange) -> JSONObject? {
        guard let name = IdentityName(id) else { return nil }
        guard name.type == IdentityName.account else {
            guard exchange.policy.authProvider.map({ types(of: $0).contains(name.type) }) ?? false else { return nil }
            return document(of: name, isPerson: false, exchange)
        }
        guard let number: UInt64 = name.accountNumber, let account: AccountRecord = person(number, exchange.view) else {
            return nil
        }
        return document(of: number, account, exchange)
    }

    /// People whose name or login is right; bounded.
    private static func search(_ exchange: Exchange, _ isRight: (String) -> Bool) -> [JSONObject] {
        var found: [JSONObject] = []
        exchange.view.forEachRecord(in: .account) { record in
            guard let account: AccountRecord = person(record.key.number, exchange.view) else { return true }
            let names: [String] = [account.name] + logins(of: record.key.number, exchange.view)
            if names.contains(where: isRight) { found.append(document(of: record.key.number, account, exchange)) }
            return found.count < Limits.identitiesFound
        }
        return found
    }

    /// Those that can be members of something: not environments, and not the system's own.
    private static func person(_ number: UInt64, _ view: StoreView) -> AccountRecord? {
        guard let account: AccountRecord = Identify.account(number, view), account.isActive,
            !["project", "system", "superadmin", "agent", "registeredAgent", "service", "token"].contains(account.kind)
        else { return nil }
        return account
    }

    private static func logins(of number: UInt64, _ view: StoreView) -> [String] {
        view.records(.credential, RecordWriting.term("accountId", number)).compactMap { record in
            guard let credential = try? CredentialRecord(document: record.document), credential.isActive,
                credential.kind == CredentialRecord.password
            else { return nil }
            return credential.publicValue
        }
    }

    // MARK: Documents

    static func document(of number: UInt64, _ account: AccountRecord, _ exchange: Exchange) -> JSONObject {
        var document: JSONObject = document(of: IdentityName(account: number), isPerson: true, exchange)
        document["name"] = .string(account.name)
        document["login"] = .string(logins(of: number, exchange.view).first ?? account.name)
        return document
    }

    static func document(of name: IdentityName, isPerson: Bool, _ exchange: Exchange) -> JSONObject {
        let id = "1i!\(name.text)"
        return [
            "id": .string(id), "type": "identity", "baseType": "identity",
            "links": ["self": .string("\(exchange.links.root)/identities/\(id)")], "actions": [:],
            "externalId": .string(name.id), "externalIdType": .string(name.type), "name": .string(name.id),
            "login": .string(name.id), "profilePicture": nil, "profileUrl": nil, "user": .bool(isPerson), "role": nil,
            "projectId": nil, "all": nil,
        ]
    }
}
