import JSON
import Limits
import Model
import Store
import StoreFormat

/// How people log in through a provider that speaks OpenID Connect: what an administrator has set.
struct OpenIDSettings: Hashable, Sendable {
    /// The provider, by the address that stands in its tokens.
    var issuer: String
    var clientID: String
    /// nil for a client without a secret.
    var clientSecret: String?
    /// Such as `openid profile email groups`.
    var scopes: String
    /// The claim that lists a person's groups.
    var groupsClaim: String
    /// PEM of the authorities that the provider's certificate may come from; nil for those of the system.
    var authority: String?
    var accessMode: String
}

/// Where they are kept: a member of the record of the cluster's keys, which no API shows; the secret is sealed.
enum OpenIDStore {
    static let member: String = "openid"
    private static let place: String = "openid client secret"

    /// nil when nothing is set, or the secret does not open any more.
    static func read(_ view: StoreView, _ keys: IdentityKeys) -> OpenIDSettings? {
        guard let stored: JSONValue = ClusterKeys.fields(view)?[member], let issuer: String = stored["issuer"]?.string,
            let client: String = stored["clientId"]?.string
        else { return nil }
        var secret: String?
        if let sealed: String = stored["clientSecret"]?.string {
            guard let opened: String = keys.open(sealed, place: place) else { return nil }
            secret = opened
        }
        return OpenIDSettings(
            issuer: issuer,
            clientID: client,
            clientSecret: secret,
            scopes: stored["scopes"]?.string ?? "openid",
            groupsClaim: stored["groupsClaim"]?.string ?? "groups",
            authority: stored["authority"]?.string,
            accessMode: stored["accessMode"]?.string ?? "unrestricted"
        )
    }

    /// Puts the settings into the record's members.
    ///
    /// - Throws: 503 when the secret cannot be sealed.
    static func write(_ settings: OpenIDSettings, _ fields: inout JSONObject, _ key: IdentityKey?) throws(Problem) {
        var sealed: JSONValue = .null
        if let secret: String = settings.clientSecret {
            guard let text: String = key?.seal(secret, place: place) else {
                throw .unavailable("This node has no key to seal the secret with; try another node.")
            }
            sealed = .string(text)
        }
        fields[member] = [
            "issuer": .string(settings.issuer), "clientId": .string(settings.clientID), "clientSecret": sealed,
            "scopes": .string(settings.scopes), "groupsClaim": .string(settings.groupsClaim),
            "authority": JSONValue(settings.authority), "accessMode": .string(settings.accessMode),
        ]
    }

    /// Seals the secret under another key; one that does not open any more stays as it is.
    static func reseal(_ fields: inout JSONObject, under key: IdentityKey, _ keys: IdentityKeys) throws(Problem) {
        guard var stored: JSONObject = fields[member]?.object, let sealed: String = stored["clientSecret"]?.string,
            let secret: String = keys.open(sealed, place: place)
        else { return }
        guard let again: String = key.seal(secret, place: place) else { throw .fault }
        stored["clientSecret"] = .string(again)
        fields[member] = .object(stored)
    }
}
