import JSON
import Model
import Store
import StoreFormat

/// Whose account somebody is that a provider vouches for: found by the provider's name for the person, made with the first
/// login.
enum OpenIDAccounts {
    static func vouch(
        _ token: IDToken,
        _ settings: OpenIDSettings,
        _ exchange: inout Exchange,
        _ gateway: Gateway
    ) async throws(Problem) -> Vouched {
        let name = IdentityName(type: OpenIDLogin.person, id: token.subject)
        let groups: [String] = token.texts(settings.groupsClaim).map {
            IdentityName(type: OpenIDLogin.group, id: $0).text
        }
        let login: String = text(token, ["preferred_username", "email"]) ?? token.subject
        if try find(name, settings, exchange) == nil {
            try AccessMode.require(settings.accessMode, newcomer: [name.text] + groups, exchange)
            let display: String = text(token, ["name"]) ?? login
            try await make(name, display, settings, &exchange, gateway)
        }
        guard let number: UInt64 = try find(name, settings, exchange),
            let account: AccountRecord = Identify.account(number, exchange.view), account.isActive
        else { throw Problem(status: 403, code: "AuthError", message: "The account of this person is not active.") }
        try AccessMode.require(settings.accessMode, number, account, groups, exchange)
        return Vouched(account: number, login: login, identities: groups)
    }

    /// - Throws: 403 for an account that another issuer has vouched for under the same name: that is somebody else.
    private static func find(
        _ name: IdentityName,
        _ settings: OpenIDSettings,
        _ exchange: Exchange
    ) throws(Problem) -> UInt64? {
        guard let holder: RecordKey = exchange.view.holder(AccountRecord.identityKey(name.text)) else { return nil }
        let issuer: String? = Identify.account(holder.number, exchange.view)?.text("externalIssuer")
        guard issuer == nil || issuer == settings.issuer else {
            throw Problem(
                status: 403,
                code: "AuthError",
                message: "An account of another provider's has this name; an administrator has to remove it first."
            )
        }
        return holder.number
    }

    private static func make(
        _ name: IdentityName,
        _ display: String,
        _ settings: OpenIDSettings,
        _ exchange: inout Exchange,
        _ gateway: Gateway
    ) async throws(Problem) {
        let uuid: String = UUIDs.random(&exchange.chance)
        _ = try await Changing.commit(&exchange, gateway) { (current) throws(Problem) in
            // The same person may come by two ways at once.
            guard try find(name, settings, current) == nil else { return nil }
            var change = PlannedChange(subject: .created(.account, index: 0), verb: "create", type: "account")
            change.decision = "\(settings.issuer) vouches for \(name.id)"
            change.created = 1
            change.writes = [
                RecordWriting.put(
                    .account,
                    .created(0),
                    [
                        "name": .string(display), "kind": "user", "uuid": .string(uuid), "state": "active",
                        "created": .int(current.time), "description": nil, "removed": nil,
                        "externalId": .string(name.id), "externalIdType": .string(name.type),
                        "externalIssuer": .string(settings.issuer),
                    ],
                    scope: .known(0)
                )
            ]
            return change
        }
    }

    private static func text(_ token: IDToken, _ names: [String]) -> String? {
        names.lazy.compactMap { token.claims[$0]?.string }.map { String($0.prefix(255)) }.first { !$0.isEmpty }
    }
}

extension AccessMode {
    /// Whether somebody without an account yet may get one.
    ///
    /// - Throws: 403 `AuthError`.
    static func require(_ mode: String, newcomer names: [String], _ exchange: Exchange) throws(Problem) {
        if mode == "unrestricted" { return }
        let allowed: Set<String> = Set(AuthSettings.allowedIdentities(exchange.view))
        if names.contains(where: { allowed.contains($0) }) { return }
        if mode == "restricted" {
            for name in names {
                let places: [Record] = exchange.view.records(.projectMember, Array("identity=\(name)".utf8))
                if places.contains(where: { (try? ProjectMemberRecord(document: $0.document))?.removed == nil }) {
                    return
                }
            }
        }
        throw Problem(
            status: 403,
            code: "AuthError",
            message: "You are known, but not among those who may log in here."
        )
    }
}
