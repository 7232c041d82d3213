import JSON
import Limits
import Model
import RBAC
import Store
import StoreFormat

/// `/localauthconfigs`: switches access control and local logins on and off (contract A18).
///
/// For administrators.
enum LocalAuthConfig {
    private static let type: String = LocalLogin.provider

    static func answer(_ exchange: inout Exchange, _ gateway: Gateway) async throws(Problem) -> Answer {
        switch (exchange.method, exchange.path.id) {
        case ("GET", nil), ("HEAD", nil):
            return .document(
                status: 200,
                .object([
                    "type": "collection", "resourceType": .string(type),
                    "links": ["self": .string("\(exchange.links.root)/localauthconfigs")], "actions": [:],
                    "data": [.object(document(exchange))],
                ])
            )
        case ("GET", _), ("HEAD", _): return .document(status: 200, .object(document(exchange)))
        case ("POST", nil): return try await set(&exchange, gateway)
        default: throw .methodNotAllowed("\(exchange.method) is not possible on a \(type).")
        }
    }

    /// Secrets are blank, also for whoever has just set them.
    private static func document(_ exchange: Exchange) -> JSONObject {
        let mode: String = ActiveSettings.value(AuthSettings.localMode, exchange.view) ?? "unrestricted"
        let isProvider: Bool = AuthSettings.provider(exchange.view) == LocalLogin.provider
        return [
            "id": .string(type), "type": .string(type), "baseType": .string(type),
            "links": ["self": .string("\(exchange.links.root)/localauthconfigs/\(type.lowercased())")], "actions": [:],
            "accessMode": .string(mode),
            "enabled": .bool(isProvider && ActiveSettings.isSecurityEnabled(exchange.view)),
            "name": nil, "username": nil, "password": nil,
        ]
    }

    private struct Wish {
        var name: String?
        var login: String
        var password: String
        var mode: String
        /// nil: off, and nobody can log in any more.
        var enabled: Bool?
    }

    private static func wish(_ exchange: Exchange) throws(Problem) -> Wish {
        guard let definition: ResourceDefinition = Schemas.definition(type) else { throw .fault }
        let values: JSONObject = try Creating.validated(definition, try exchange.body(), exchange)
        return Wish(
            name: values["name"]?.string,
            login: values["username"]?.string ?? "",
            password: values["password"]?.string ?? "",
            mode: values["accessMode"]?.string ?? "unrestricted",
            enabled: values["enabled"]?.bool
        )
    }

    private static func set(_ exchange: inout Exchange, _ gateway: Gateway) async throws(Problem) -> Answer {
        guard let definition: ResourceDefinition = Schemas.definition(type) else { throw .fault }
        try Authorisation.require(.post, of: definition, exchange)
        let wish: Wish = try wish(exchange)
        let login: Login? = wish.enabled == true ? try await self.login(wish, exchange, gateway) : nil
        let uuid: String = UUIDs.random(&exchange.chance)
        _ = try await Changing.commit(&exchange, gateway) { (current) throws(Problem) in
            let decision: Decision = current.rights.decide(.create, type)
            guard decision.isAllowed else {
                throw .forbidden("You may not set up how people log in.", detail: decision.description)
            }
            // The first setting that is written, made or changed.
            let setting: RecordKey? = current.view.holder(Array("setting/\(ActiveSettings.accessControl)".utf8))
            var change = PlannedChange(
                subject: setting.map { .existing($0) } ?? .created(.setting, index: 0),
                verb: "create",
                type: type
            )
            change.decision = decision.description
            change.request = [
                "enabled": wish.enabled.map { .bool($0) } ?? .null, "accessMode": .string(wish.mode),
                "username": .string(wish.login),
            ]
            AuthSettings.put(ActiveSettings.accessControl, wish.enabled == true ? "true" : "false", &change, current)
            if wish.enabled != false {
                AuthSettings.put(AuthSettings.provider, wish.enabled == true ? type : nil, &change, current)
            }
            if let login {
                AuthSettings.put(AuthSettings.localMode, wish.mode, &change, current)
                let account: UInt64 = try login.add(to: &change, wish.name, uuid, current)
                AuthSettings.put(AuthSettings.enabler, IdentityName(account: account).text, &change, current)
                adoptOrphans(account, &change, current)
            }
            change.writes.append(.touchPolicy(subject: Template(bytes: PolicySubject.accessControl)))
            return change
        }
        var answer: JSONObject = document(exchange)
        // What was done: whoever did it may be nobody from this moment on.
        answer["enabled"] = .bool(wish.enabled == true)
        if wish.enabled == true { answer["accessMode"] = .string(wish.mode) }
        return .document(status: 201, .object(answer))
    }

    // MARK: The login of whoever switches it on

    private struct Login {
        var login: String
        /// Whose password was right; nil for a login that is new.
        var known: LocalLogin.Found?
        var hash: String

        /// - Returns: the account that enables access control.
        func add(to change: inout PlannedChange, _ name: String?, _ uuid: String, _ exchange: Exchange) throws(Problem)
            -> UInt64
        {
            if let known {
                guard exchange.view.get(known.key)?.revision == known.revision else { throw incorrect }
                change.preconditions.append(.revision(known.key, known.revision))
                try LocalAuthConfig.promote(known.account, nil, &change, exchange)
                return known.account
            }
            guard exchange.view.holder(CredentialRecord.loginKey(login)) == nil else { throw incorrect }
            let account: UInt64 = try firstAdministrator(exchange)
            try LocalAuthConfig.promote(account, name.flatMap { $0.isEmpty ? nil : $0 } ?? login, &change, exchange)
            Passwords.purge(of: account, &change, exchange)
            change.writes.append(
                RecordWriting.put(
                    .credential,
                    .created(change.created),
                    [
                        "name": nil, "description": nil, "kind": .string(CredentialRecord.password),
                        "uuid": .string(uuid), "state": "active", "created": .int(exchange.time), "removed": nil,
                        "accountId": JSONValue(account), "publicValue": .string(login), "secretHash": .string(hash),
                    ],
                    scope: .known(0)
                )
            )
            change.created += 1
            return account
        }

        private func firstAdministrator(_ exchange: Exchange) throws(Problem) -> UInt64 {
            for number in exchange.view.numbers(.account, Array("kind=admin".utf8)) {
                if Identify.account(number, exchange.view)?.isActive ?? false { return number }
            }
            throw .conflict("There is no active administrator who could get this login.")
        }
    }

    private static let incorrect = Problem(
        status: 401,
        code: "IncorrectPassword",
        message: "There is such a login already, and this is not its password."
    )

    private static func login(_ wish: Wish, _ exchange: Exchange, _ gateway: Gateway) async throws(Problem) -> Login {
        guard !wish.login.isEmpty else {
            throw .validation(.missingRequired, field: "username", message: "Whose login is it? Say a username.")
        }
        guard !wish.password.isEmpty else {
            throw .validation(.missingRequired, field: "password", message: "A login needs a password.")
        }
        let address: String = exchange.client.peer
        guard LocalLogin.find(wish.login, exchange.view) != nil else {
            try Passwords.checkShape(wish.login, wish.password, field: "password")
            try await PasswordPolicy.check(wish.password, field: "password", exchange, gateway)
            return Login(
                login: wish.login,
                known: nil,
                hash: try await gateway.passwords.hash(wish.password, from: address)
            )
        }
        let found: LocalLogin.Found? = try await LocalLogin.check(
            wish.login,
            wish.password,
            from: address,
            exchange,
            gateway
        )
        guard let found, Identify.account(found.account, exchange.view)?.isActive ?? false else { throw incorrect }
        return Login(login: wish.login, known: found, hash: found.hash)
    }

    /// Whoever switches access control on administers, or nobody could switch it off again.
    private static func promote(
        _ number: UInt64,
        _ name: String?,
        _ change: inout PlannedChange,
        _ exchange: Exchange
    ) throws(Problem) {
        guard let record: Record = exchange.view.get(RecordKey(.account, number)),
            var account = try? AccountRecord(document: record.document)
        else { throw .fault }
        change.preconditions.append(.revision(record.key, record.revision))
        guard account.kind != "admin" || (name != nil && name != account.name) else { return }
        account.kind = "admin"
        if let name { account.name = name }
        change.writes.append(
            RecordWriting.put(.account, .known(number), account.fields, scope: .known(record.scope))
        )
        change.writes.append(.touchPolicy(subject: Template(bytes: PolicySubject.account(number))))
    }

    /// Environments without a member would be nobody's: whoever switches access control on owns them.
    private static func adoptOrphans(_ account: UInt64, _ change: inout PlannedChange, _ exchange: Exchange) {
        var adopted: Int = 0
        for number in exchange.view.numbers(.account, Array("kind=project".utf8)) {
            guard adopted < Limits.adoptedProjects,
                let project: AccountRecord = Identify.account(number, exchange.view),
                project.removed == nil
            else { continue }
            let members: [Record] = exchange.view.records(.projectMember, RecordWriting.term("projectId", number))
            guard !members.contains(where: { (try? ProjectMemberRecord(document: $0.document))?.removed == nil }) else {
                continue
            }
            adopted += 1
            change.writes.append(
                RecordWriting.put(
                    .projectMember,
                    .created(change.created),
                    [
                        "kind": "projectMember", "state": "active", "uuid": .string(UUIDs.random()),
                        "created": .int(exchange.time), "removed": nil, "memberId": JSONValue(account), "role": "owner",
                        "projectId": JSONValue(number),
                    ],
                    scope: .known(number)
                )
            )
            change.created += 1
        }
        if adopted > 0 { change.writes.append(.touchPolicy(subject: Template(bytes: PolicySubject.account(account)))) }
    }
}
