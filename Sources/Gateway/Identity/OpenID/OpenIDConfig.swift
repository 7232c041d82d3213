import Certificates
import HTTP
import JSON
import Limits
import Model
import RBAC
import Store
import StoreFormat

/// `/openidconfigs`: the provider that people log in with, and access control with it.
///
/// For administrators. The provider is asked before anything is stored, so that what is stored can be used.
enum OpenIDConfig {
    static let provider: String = "openidConfig"

    static func answer(_ exchange: inout Exchange, _ gateway: Gateway) async throws(Problem) -> Answer {
        switch (exchange.method, exchange.path.id) {
        case ("GET", nil), ("HEAD", nil):
            return .document(
                status: 200,
                .object([
                    "type": "collection", "resourceType": .string(provider),
                    "links": ["self": .string("\(exchange.links.root)/openidconfigs")], "actions": [:],
                    "data": [.object(document(exchange))],
                ])
            )
        case ("GET", _), ("HEAD", _): return .document(status: 200, .object(document(exchange)))
        case ("POST", nil): return try await set(&exchange, gateway)
        default: throw .methodNotAllowed("\(exchange.method) is not possible on an \(provider).")
        }
    }

    /// The secret is blank, also for whoever has just set it.
    private static func document(_ exchange: Exchange) -> JSONObject {
        let settings: OpenIDSettings? = OpenIDStore.read(exchange.view, exchange.policy.identityKeys)
        let isProvider: Bool = exchange.policy.authProvider == provider
        return [
            "id": .string(provider), "type": .string(provider), "baseType": .string(provider),
            "links": ["self": .string("\(exchange.links.root)/openidconfigs/\(provider.lowercased())")], "actions": [:],
            "enabled": .bool(isProvider && exchange.policy.isSecurityEnabled), "issuer": JSONValue(settings?.issuer),
            "clientId": JSONValue(settings?.clientID), "clientSecret": nil, "scopes": JSONValue(settings?.scopes),
            "groupsClaim": JSONValue(settings?.groupsClaim), "authority": JSONValue(settings?.authority),
            "accessMode": JSONValue(settings?.accessMode), "redirectUri": .string(OpenIDLogin.redirect(exchange)),
        ]
    }

    private static func set(_ exchange: inout Exchange, _ gateway: Gateway) async throws(Problem) -> Answer {
        guard let definition: ResourceDefinition = Schemas.definition(provider) else { throw .fault }
        try Authorisation.require(.post, of: definition, exchange)
        let values: JSONObject = try Creating.validated(definition, try exchange.body(), exchange)
        let enabled: Bool? = values["enabled"]?.bool
        let wish: OpenIDSettings? = enabled == true ? try settings(values, exchange) : nil
        if let wish {
            let calls = ProviderCalls(loop: exchange.connection.loop, authority: wish.authority)
            do throws(ProviderFault) {
                _ = try await OpenIDProvider(now: gateway.now).places(wish, calls)
            } catch {
                throw .validation(.invalidFormat, field: "issuer", message: "The provider cannot be used: \(error).")
            }
            try await IdentityKeys.ensure(&exchange, gateway)
        }
        _ = try await Changing.commit(&exchange, gateway) { (current) throws(Problem) in
            let decision: Decision = current.rights.decide(.create, provider)
            guard decision.isAllowed else {
                throw .forbidden("You may not set up how people log in.", detail: decision.description)
            }
            guard let record: Record = ClusterKeys.record(current.view),
                var fields: JSONObject = ClusterKeys.fields(current.view)
            else { throw .unavailable("The cluster was not founded yet.") }
            var change = PlannedChange(subject: .existing(record.key), verb: "create", type: provider)
            change.decision = decision.description
            change.request = Masking.masked(values, definition)
            AuthSettings.put(ActiveSettings.accessControl, enabled == true ? "true" : "false", &change, current)
            if enabled != false {
                AuthSettings.put(AuthSettings.provider, enabled == true ? provider : nil, &change, current)
            }
            if let wish {
                if let owner: UInt64 = current.caller.accountNumber {
                    AuthSettings.put(AuthSettings.enabler, IdentityName(account: owner).text, &change, current)
                }
                change.preconditions.append(.revision(record.key, record.revision))
                try OpenIDStore.write(wish, &fields, current.policy.identityKeys.newest)
                change.writes.append(
                    RecordWriting.put(.clusterKeys, .known(record.key.number), fields, scope: .known(record.scope))
                )
            }
            change.writes.append(.touchPolicy(subject: Template(bytes: PolicySubject.accessControl)))
            return change
        }
        var answer: JSONObject = document(exchange)
        answer["enabled"] = .bool(enabled == true)
        return .document(status: 201, .object(answer))
    }

    /// What the body asks for; members that it leaves out stay as they are, the secret above all.
    private static func settings(_ values: JSONObject, _ exchange: Exchange) throws(Problem) -> OpenIDSettings {
        let old: OpenIDSettings? = OpenIDStore.read(exchange.view, exchange.policy.identityKeys)
        func text(_ name: String) -> String? { values[name]?.string.flatMap { $0.isEmpty ? nil : $0 } }
        guard let issuer: String = text("issuer") ?? old?.issuer else {
            throw .validation(.missingRequired, field: "issuer", message: "Which provider? Say its issuer.")
        }
        guard ProviderCalls.address(issuer) != nil, !issuer.contains("?") else {
            throw .validation(
                .invalidFormat,
                field: "issuer",
                message: "An issuer looks like https://login.example.org/realm."
            )
        }
        guard let client: String = text("clientId") ?? old?.clientID else {
            throw .validation(
                .missingRequired,
                field: "clientId",
                message: "By which id does the provider know this cluster?"
            )
        }
        let authority: String? = text("authority") ?? (old?.issuer == issuer ? old?.authority : nil)
        if let authority, (try? Certificate.bundle(pem: Array(authority.utf8)))?.isEmpty ?? true {
            throw .validation(.invalidFormat, field: "authority", message: "These are no certificates in PEM.")
        }
        let scopes: String = text("scopes") ?? old?.scopes ?? "openid profile email"
        guard scopes.split(separator: " ").contains("openid") else {
            throw .validation(.invalidFormat, field: "scopes", message: "openid must be among the scopes.")
        }
        // A secret is for the provider that gave it.
        let kept: String? = old?.issuer == issuer && old?.clientID == client ? old?.clientSecret : nil
        return OpenIDSettings(
            issuer: issuer,
            clientID: client,
            clientSecret: text("clientSecret") ?? kept,
            scopes: scopes,
            groupsClaim: text("groupsClaim") ?? old?.groupsClaim ?? "groups",
            authority: authority,
            accessMode: text("accessMode") ?? old?.accessMode ?? "unrestricted"
        )
    }
}
