import Crypto
import JSON
import Limits
import Model
import RBAC
import Store
import StoreFormat
import Synchronization

/// What the gateway makes of the records that say who may do what, as long as none of them changes: settings, callers by
/// their credentials, environments.
///
/// Everything in it is what a look into the view would give. It is filled while requests ask, and replaced as a whole
/// by the first request whose view has other accounts, credentials, memberships or settings.
final class PolicySnapshot: Sendable {
    /// Which state of those records it is made of.
    struct Stamp: Hashable, Sendable {
        private let revisions: SIMD8<UInt64>

        init(_ view: StoreView) {
            var revisions = SIMD8<UInt64>()
            for (place, table) in Self.tables.enumerated() { revisions[place] = view.lastChange(in: table) }
            self.revisions = revisions
        }

        private static let tables: [Table] = [
            .account, .credential, .projectMember, .setting, .clusterKeys, .roleTemplate, .accessRole,
            .accessRoleBinding,
        ]

        /// Of a view that is as new or newer.
        func isNewer(than other: Stamp) -> Bool {
            revisions != other.revisions && all(revisions .>= other.revisions)
        }

        private func all(_ mask: SIMDMask<SIMD8<Int64>>) -> Bool {
            (0..<8).allSatisfy { mask[$0] }
        }
    }

    private struct Known {
        var caller: Caller
        /// Milliseconds since 1970.
        var expires: Int64?
    }

    struct InterfaceCookie: Sendable {
        /// As the browser sends it, name and value.
        let shown: String
        /// As the browser is told of it.
        let set: String

        init(_ name: String, _ value: String) {
            shown = "\(name)=\(value)"
            set = "\(shown); Path=/"
        }
    }

    let stamp: Stamp
    let isSecurityEnabled: Bool
    /// The type of the configured provider; nil while nobody can log in.
    let authProvider: String?
    /// See ``IdentityKeys``.
    let identityKeys: IdentityKeys
    /// Under which others are told of callers.
    let assertionKeys: AssertionKeys
    /// What answers tell of the version, safe to stand in a header.
    let versionHeader: String
    let baseURLRules: BaseURL.Rules
    /// Who is asked about which requests.
    let interceptors: InterceptorTable
    private let interceptorText: String
    /// Names of the settings for everybody who is logged in.
    private let publicSettings: Set<String>
    /// Cookies of the user interface: `PL`, and `LANG` where a language is set.
    let interfaceCookies: [InterfaceCookie]
    /// Where each node writes a line for each request; nil for nowhere.
    let accessLog: String?
    let crossOrigin: CrossOrigin
    let redirectsToHTTPS: Bool
    /// How many requests a second a caller may send; 0 for any number.
    let requestsPerSecond: Int
    /// Of environments that have none of their own.
    private let defaultQuotas: Quotas
    private let callers = Mutex<[[UInt8]: Known]>([:])
    private let accounts = Mutex<[UInt64: AccountRecord]>([:])

    /// - Parameter before: the one whose place this takes, for what need not be made again.
    init(_ view: StoreView, _ sealing: (any KeySealing)?, after before: PolicySnapshot? = nil) {
        let text: String = ActiveSettings.value(InterceptorConfig.setting, view) ?? ""
        interceptorText = text
        if let before, before.interceptorText == text {
            interceptors = before.interceptors
        } else {
            // One that cannot be read was never accepted by this version: reload says what is wrong with it.
            interceptors = (try? InterceptorConfig(text)).map { InterceptorTable($0) } ?? .empty
        }
        let named: String = ActiveSettings.value("settings.public", view) ?? ""
        let names: [String] = named.split(separator: ",").map { String($0.filter { $0 != " " }) }
        publicSettings = Set(names.isEmpty ? SettingCatalogue.publicNames : names)
        let word = CharacterClass("a-zA-Z0-9._-")
        interfaceCookies = [("PL", "ui.pl"), ("LANG", "localization")].compactMap { cookie, setting in
            let value: String = ActiveSettings.value(setting, view) ?? ""
            return value.isEmpty || !word.containsAll(of: value) ? nil : InterfaceCookie(cookie, value)
        }
        let file: String = ActiveSettings.value("access.log", view) ?? ""
        accessLog = SettingDefinition.isFileName(file) ? file : nil
        crossOrigin = CrossOrigin(ActiveSettings.value("api.cors.origins", view) ?? "")
        requestsPerSecond = ActiveSettings.value("api.requests.per.second", view).flatMap { Int($0) } ?? 0
        defaultQuotas = Quotas(
            Dictionary(
                uniqueKeysWithValues: Quotas.Name.allCases.compactMap { name in
                    ActiveSettings.value(Quotas.setting(name), view).flatMap { Int64($0) }.map { (name, $0) }
                }
            )
        )
        redirectsToHTTPS = ActiveSettings.value("api.https.redirect", view) == "true"
        stamp = Stamp(view)
        isSecurityEnabled = ActiveSettings.isSecurityEnabled(view)
        authProvider = AuthSettings.provider(view)
        identityKeys = IdentityKeys(view, sealing)
        if let before, before.assertionKeys.revision == view.lastChange(in: .clusterKeys) {
            assertionKeys = before.assertionKeys
        } else {
            assertionKeys = AssertionKeys(view, identityKeys)
        }
        baseURLRules = BaseURL.Rules(view)
        versionHeader = ResponseHeaders.safe(ActiveSettings.value("rancher.server.version", view) ?? "")
    }

    func isPublic(setting name: String) -> Bool { publicSettings.contains(name) }

    /// Who sent this `Authorization` header before, if the key is still good at `time`.
    ///
    /// Found by the header's digest, so that no secret is kept.
    func caller(_ header: String, at time: Int64) -> Caller? {
        let digest: [UInt8] = SHA256.hash(Array(header.utf8))
        guard let known: Known = callers.withLock({ $0[digest] }), known.expires.map({ $0 > time }) ?? true else {
            return nil
        }
        return known.caller
    }

    /// Keeps whom a header was found to be, with what follows from it.
    func keep(_ caller: Caller, of header: String, until expires: Int64?) -> Caller {
        var caller: Caller = caller
        caller.standing = Standing(caller)
        // What a binding gives ends with it.
        let ends: Int64? = [expires, caller.subject.validUntil].compactMap(\.self).min()
        let known = Known(caller: caller, expires: ends)
        callers.withLock { callers in
            // Starts over when it is full: whoever is there is soon known again.
            if callers.count >= Limits.knownCallers { callers.removeAll() }
            callers[SHA256.hash(Array(header.utf8))] = known
        }
        return caller
    }

    /// What an environment may have at most; nil for anything.
    func quotas(of project: UInt64, _ view: StoreView) -> Quotas? {
        let own: JSONValue? = account(project, view)?.fields["quotas"]
        let quotas: Quotas = own.map { Quotas($0).over(defaultQuotas) } ?? defaultQuotas
        return quotas.isEmpty ? nil : quotas
    }

    /// The account as `view` has it, which is a view of this stamp.
    func account(_ number: UInt64, _ view: StoreView) -> AccountRecord? {
        if let known: AccountRecord = accounts.withLock({ $0[number] }) { return known }
        guard let account: AccountRecord = Identify.account(number, view) else { return nil }
        accounts.withLock { accounts in
            if accounts.count >= Limits.knownCallers { accounts.removeAll() }
            accounts[number] = account
        }
        return account
    }
}

/// The latest ``PolicySnapshot`` of a gateway.
final class PolicySnapshots: Sendable {
    private let latest = Mutex<PolicySnapshot?>(nil)
    private let sealing: (any KeySealing)?

    init(_ sealing: (any KeySealing)?) {
        self.sealing = sealing
    }

    /// The snapshot of the state that the view shows.
    func snapshot(of view: StoreView) -> PolicySnapshot {
        let stamp = PolicySnapshot.Stamp(view)
        let known: PolicySnapshot? = latest.withLock { $0 }
        if let known, known.stamp == stamp { return known }
        let made = PolicySnapshot(view, sealing, after: known)
        latest.withLock { latest in
            // A request that holds an older view must not take away what the others use.
            if let there: PolicySnapshot = latest, there.stamp.isNewer(than: stamp) { return }
            latest = made
        }
        return made
    }
}

/// What follows from who a caller is, worked out once for each environment that it acts in.
final class Standing: Sendable {
    private let caller: Caller
    private let rights = Mutex<[UInt64?: Rights]>([:])

    init(_ caller: Caller) {
        self.caller = caller
    }

    func rights(in project: UInt64?) -> Rights {
        if let known: Rights = rights.withLock({ $0[project] }) { return known }
        let made = Rights(caller: caller, project: project)
        rights.withLock { rights in
            if rights.count >= Limits.knownCallers { rights.removeAll() }
            rights[project] = made
        }
        return made
    }
}
