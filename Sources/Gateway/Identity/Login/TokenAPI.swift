import Bytes
import Crypto
import HTTP
import JSON
import Limits
import Logging
import Model
import RBAC
import Store
import StoreFormat

/// `/token`: logging in, asking who is logged in and how one can, and logging out (contract A18).
///
/// Needs no credentials. The login itself is a record (``LoginTokenRecord``); the token that it is known by stands in the
/// answer to the POST and nowhere else.
enum TokenAPI {
    /// Whether a request is about the type `token`.
    static func isNamed(by path: APIPath) -> Bool {
        path.type.map { $0.lowercased() == "token" || $0.lowercased() == "tokens" } ?? false
    }

    static func answer(_ exchange: inout Exchange, _ gateway: Gateway) async throws(Problem) -> Answer {
        switch (exchange.method, exchange.path.id) {
        case ("GET", nil), ("HEAD", nil):
            return .document(
                status: 200,
                .object([
                    "type": "collection", "resourceType": "token",
                    "links": ["self": .string("\(exchange.links.root)/token")], "actions": [:],
                    "createTypes": [:], "data": [.object(try await current(exchange, gateway))],
                ])
            )
        case ("GET", _), ("HEAD", _): return .document(status: 200, .object(try await current(exchange, gateway)))
        case ("POST", nil): return try await login(&exchange, gateway)
        case ("DELETE", .some): return try await logout(&exchange, gateway)
        default: throw .methodNotAllowed("\(exchange.method) is not possible on a token.")
        }
    }

    // MARK: Who

    /// How one logs in here, and who the request's login says it is.
    private static func current(_ exchange: Exchange, _ gateway: Gateway) async throws(Problem) -> JSONObject {
        var document: JSONObject = mode(exchange)
        guard let shown = LoginToken.shown(in: exchange.request.headers, query: exchange.queryToken),
            let provider: String = exchange.policy.authProvider,
            let (_, record) = LoginToken.find(shown.text, exchange.policy, exchange.view, at: exchange.time),
            record.provider == provider, let number: UInt64 = record.accountID,
            let account: AccountRecord = Identify.account(number, exchange.view), account.isActive
        else { return document }
        describe(&document, account, number, record, exchange)
        return document
    }

    private static func mode(_ exchange: Exchange) -> JSONObject {
        let isOn: Bool = exchange.policy.isSecurityEnabled
        return [
            "id": nil, "type": "token", "baseType": "token",
            "links": ["self": .string("\(exchange.links.root)/token")], "actions": [:],
            "security": .bool(isOn), "enabled": .bool(isOn),
            "authProvider": .string(exchange.policy.authProvider ?? "none"), "redirectUrl": nil, "jwt": nil,
            "code": nil, "user": nil, "userIdentity": nil, "identities": [], "userType": nil, "accountId": nil,
            "originalLogin": nil,
        ]
    }

    private static func describe(
        _ document: inout JSONObject,
        _ account: AccountRecord,
        _ number: UInt64,
        _ record: LoginTokenRecord,
        _ exchange: Exchange
    ) {
        let own: JSONObject = Identities.document(of: number, account, exchange)
        let others: [JSONValue] = IdentityName.all(of: number, account).dropFirst().map {
            .object(Identities.document(of: $0, isPerson: true, exchange))
        }
        let groups: [JSONValue] = record.identities.compactMap { IdentityName($0) }.map {
            .object(Identities.document(of: $0, isPerson: false, exchange))
        }
        document["user"] = .string(record.login)
        document["originalLogin"] = .string(record.login)
        document["userIdentity"] = .object(own)
        document["identities"] = .array([.object(own)] + others + groups)
        document["userType"] = .string(account.kind)
        document["accountId"] = .string(ResourceID(number: number).rendered("a"))
    }

    // MARK: In

    private static func login(_ exchange: inout Exchange, _ gateway: Gateway) async throws(Problem) -> Answer {
        guard let provider: String = exchange.policy.authProvider else {
            throw Problem(
                status: 500,
                code: "NoAuthProvider",
                message: "Nobody can log in here: no provider is configured."
            )
        }
        let body: JSONObject = try exchange.body()
        guard let code: String = body["code"]?.string, code.utf8.count <= Limits.loginCodeBytes else {
            throw .forbidden("A login needs a code: <login>:<password> for local accounts.")
        }
        let vouched: Vouched
        do throws(Problem) {
            vouched = try await vouch(provider, code, exchange, gateway)
        } catch {
            // Neither the login nor the password: people type one for the other.
            gateway.logger.notice(
                "login refused",
                [
                    "audit": "login.refused", "request.id": .string(exchange.id),
                    "client.ip": .string(exchange.client.audited), "auth.provider": .string(provider),
                    "problem": .string(error.code),
                ]
            )
            throw error
        }
        let token: String = LoginToken.generate(&exchange.chance)
        guard let key: [UInt8] = exchange.policy.identityKeys.first else {
            throw .unavailable("The cluster was not founded yet.")
        }
        let uuids: [String] = (0..<3).map { _ in UUIDs.random(&exchange.chance) }
        let made = LoginMaking(vouched, provider: provider, digest: LoginToken.digest(token, key: key), uuids: uuids)
        let committed: Changing.Result? = try await Changing.commit(
            &exchange,
            gateway,
            about: .created(.loginToken, index: 0)
        ) { (current) throws(Problem) in try made.change(current) }
        guard let committed, let stored: Record = committed.view.get(committed.subject),
            let record = try? LoginTokenRecord(document: stored.document), let number: UInt64 = record.accountID,
            let account: AccountRecord = Identify.account(number, committed.view)
        else { throw .fault }
        var document: JSONObject = mode(exchange)
        describe(&document, account, number, record, exchange)
        document["jwt"] = .string(token)
        return .document(status: 201, .object(document))
    }

    private static func vouch(
        _ provider: String,
        _ code: String,
        _ exchange: Exchange,
        _ gateway: Gateway
    ) async throws(Problem) -> Vouched {
        switch provider {
        case LocalLogin.provider: return try await LocalLogin.vouch(code, exchange, gateway)
        default:
            throw Problem(
                status: 500,
                code: "NoAuthProvider",
                message: "The provider \(provider) is not one that this server knows."
            )
        }
    }

    // MARK: Out

    private static func logout(_ exchange: inout Exchange, _ gateway: Gateway) async throws(Problem) -> Answer {
        let none = Problem(status: 500, code: "JWTNotProvided", message: "The request shows no login that could end.")
        guard let shown = LoginToken.shown(in: exchange.request.headers, query: exchange.queryToken),
            let (number, _) = LoginToken.find(shown.text, exchange.policy, exchange.view, at: exchange.time)
        else { throw none }
        // The mark of the cookie is looked at here, since nobody was identified by it.
        if shown.isCookie { try CSRF.checkBody(exchange) }
        let time: Int64 = exchange.time
        _ = try await Changing.commit(&exchange, gateway) { (current) throws(Problem) in
            let key = RecordKey(.loginToken, number)
            guard let record: LoginTokenRecord = LoginToken.record(number, current.view, at: time) else { return nil }
            var change = PlannedChange(subject: .existing(key), verb: "remove", type: "token")
            change.writes = [.delete(.loginToken, .known(number))]
            change.actor = record.accountID
            return change
        }
        var response = HTTPResponse(status: 204)
        response.headers["Set-Cookie"] = "\(LoginToken.name)=;Path=/;Expires=Thu, 01 Jan 1970 00:00:00 GMT;"
        return .http(response)
    }
}
