import HTTP
import JSON
import Logging
import Model
import RBAC
import Store
import StoreFormat

/// The first stage: who asks (contract A13).
///
/// Accounts and credentials are read from the request's own view.
enum Identify {
    static func stage(_ exchange: inout Exchange, _ gateway: Gateway) async throws(Problem) -> Answer? {
        try await stage(&exchange, gateway, isKnown: false)
    }

    /// - Parameter isKnown: that the caller is found already.
    static func stage(
        _ exchange: inout Exchange,
        _ gateway: Gateway,
        isKnown: Bool
    ) async throws(Problem) -> Answer? {
        // Whoever forwards a request has looked at this, and knows better from where it came.
        let counts: Bool = exchange.forwarded == nil && exchange.policy.isSecurityEnabled
        let (header, address): (String?, String) = (exchange.request.headers["authorization"], exchange.client.peer)
        if counts { try gateway.keyGuesses.check(header, from: address, at: gateway.steady()) }
        do throws(Problem) {
            if !isKnown { try refresh(&exchange) }
            if exchange.forwarded == nil { try CSRF.check(exchange) }
            if counts, exchange.caller.credentialNumber != nil {
                let isNew: Bool = !exchange.caller.isRemembered
                gateway.keyGuesses.succeeded(header, from: address, isNew: isNew, at: gateway.steady())
            }
            if let renewal: KeyRenewal = exchange.caller.renewal {
                gateway.keyRenewals.begin(renewal, requestID: exchange.id)
            }
        } catch {
            if counts, error.status == 401,
                let count: Int = gateway.keyGuesses.failed(header, from: address, at: gateway.steady())
            {
                Journaling.guessed(count, exchange, gateway)
            }
            if let certified: CertifiedPeer = exchange.certified { audit(certified, error, exchange, gateway) }
            throw error
        }
        return nil
    }

    /// Whoever has a certificate and is refused is told of in the log: it may be a stolen one.
    private static func audit(_ peer: CertifiedPeer, _ problem: Problem, _ exchange: Exchange, _ gateway: Gateway) {
        gateway.logger.notice(
            "certificate refused",
            [
                "audit": "identity.refused", "request.id": .string(exchange.id), "certificate.of": .string(peer.shown),
                "client.ip": .string(exchange.client.audited), "problem": JSONValue(problem.message),
            ]
        )
    }

    /// Finds the caller in the exchange's present view: again, when that is a newer one.
    static func refresh(_ exchange: inout Exchange) throws(Problem) {
        exchange.caller = try chosen(caller(exchange), exchange)
    }

    /// An administrator who tries out what another role may do (`_role`), while nobody needs a key anyway.
    private static func chosen(_ caller: Caller, _ exchange: Exchange) -> Caller {
        guard let name: String = exchange.query["_role"], !exchange.policy.isSecurityEnabled,
            [.admin, .superadmin].contains(caller.subject.kind),
            let subject: Subject = RoleTrial.subject(
                name,
                of: caller.subject,
                in: ProjectScope.name(in: exchange).flatMap { ResourceID($0)?.number }
            )
        else { return caller }
        var caller: Caller = caller
        caller.subject = subject
        // What was worked out before is of the other kind.
        caller.standing = nil
        return caller
    }

    private static func caller(_ exchange: Exchange) throws(Problem) -> Caller {
        let view: StoreView = exchange.view
        if let ticket: StreamTicket = exchange.streamTicket { return try holder(of: ticket, view, exchange.judgedAt) }
        // Whoever asks for a token, or for what to do to get one, is nobody yet, whatever else it shows.
        if TokenAPI.isNamed(by: exchange.path) || OpenIDLogin.isNamed(by: exchange.path) { return .nobody }
        // Servers that ask for each other say so: they never want to be mistaken for somebody.
        var isOpen: Bool {
            !exchange.policy.isSecurityEnabled
                && exchange.request.headers["x-enforce-authentication"]?.lowercased() != "true"
        }
        if let shown: LoginToken.Shown = LoginToken.shown(in: exchange.request.headers, query: exchange.queryToken),
            let caller: Caller = try login(shown.text, exchange)
        {
            if shown.isCookie { try CSRF.checkBody(exchange) }
            return caller
        }
        if let header: String = exchange.request.headers["authorization"] {
            let policy: PolicySnapshot = exchange.policy
            if var known: Caller = policy.caller(header, at: exchange.judgedAt) {
                known.isRemembered = true
                return known
            }
            if let credentials = BasicCredentials(header: header) {
                if credentials.user == "registrationToken" {
                    let found: Registration? = registration(credentials.password, view, exchange.judgedAt)
                    guard let found else { throw wrongToken }
                    return Caller(
                        subject: Subjects.registration(project: found.project, credential: found.credential),
                        account: found.account,
                        accountNumber: found.project,
                        authType: "registrationToken",
                        credentialNumber: found.credential
                    )
                }
                if let (caller, expires): (Caller, Int64?) = try key(
                    credentials,
                    view,
                    policy.identityKeys,
                    exchange.judgedAt
                ) {
                    // Once it is kept in today's form it need not be compared each time.
                    return caller.renewal == nil ? policy.keep(caller, of: header, until: expires) : caller
                }
            }
            // With access control off a wrong key is still somebody: the first administrator.
            if isOpen { return try administrator(view, exchange.judgedAt) }
            throw .unauthorized(
                BearerCredentials(header: header) == nil
                    ? "The access key or the secret key is wrong, or the key was deactivated or has expired."
                    : "The login has ended or expired, or was none: log in again (POST \(LoginToken.name))."
            )
        }
        if let certified: CertifiedPeer = exchange.certified { return try certifiedCaller(certified, exchange) }
        if isOpen { return try administrator(view, exchange.judgedAt) }
        throw .unauthorized("This API needs an access key and a secret key (HTTP Basic authentication), or a login.")
    }

    /// Whoever has logged in and got this token; nil when nobody can log in, or the login has ended.
    ///
    /// - Throws: 401 for a login with a provider that is not the configured one any more.
    private static func login(_ token: String, _ exchange: Exchange) throws(Problem) -> Caller? {
        let policy: PolicySnapshot = exchange.policy
        guard let provider: String = policy.authProvider else { return nil }
        let view: StoreView = exchange.view
        // Not what a header could be: nobody is found here by what is looked up there.
        let name = "\(LoginToken.name)\n\(token)"
        if let known: Caller = policy.caller(name, at: exchange.judgedAt), let number: UInt64 = known.tokenNumber,
            view.get(RecordKey(.loginToken, number)) != nil
        {
            return known
        }
        guard let (number, record) = LoginToken.find(token, policy, view, at: exchange.judgedAt) else { return nil }
        guard record.provider == provider else {
            throw Problem(
                status: 401,
                code: "AuthProviderChanged",
                message: "People log in another way now than when this login was made: log in again."
            )
        }
        return loggedIn(number, record, view, exchange.judgedAt).map {
            policy.keep($0, of: name, until: record.expires)
        }
    }

    /// nil when the account or the password behind the login is not good any more.
    private static func loggedIn(
        _ number: UInt64,
        _ record: LoginTokenRecord,
        _ view: StoreView,
        _ time: Int64
    ) -> Caller? {
        guard let owner: UInt64 = record.accountID, let account: AccountRecord = account(owner, view), account.isActive
        else { return nil }
        if let password: UInt64 = record.credentialID {
            guard let stored: Record = view.get(RecordKey(.credential, password)),
                let credential = try? CredentialRecord(document: stored.document), credential.isActive
            else { return nil }
        }
        return Caller(
            subject: Subjects.make(account, owner, nil, nil, identities: record.identities, in: view, at: time),
            account: account,
            accountNumber: owner,
            authType: LoginToken.name,
            tokenNumber: number
        )
    }

    /// Also with access control off: a certificate says who it is, and whoever it is not for is nobody.
    private static func certifiedCaller(_ peer: CertifiedPeer, _ exchange: Exchange) throws(Problem) -> Caller {
        switch peer {
        case .host(let host):
            guard let caller = Caller(certifiedHost: host.number, in: exchange.view) else {
                throw .unauthorized("The host of this certificate was removed, or its environment is not active.")
            }
            return caller
        case .person(let person):
            guard let caller: Caller = ClientCertificates.caller(person, exchange) else {
                throw .unauthorized(
                    "The certificate was revoked or has expired, its authority was replaced, or its account is not active."
                )
            }
            try CSRF.checkAmbient(exchange)
            return caller
        case .other:
            throw .unauthorized(
                "The certificate is none of a host or an account of this cluster: nobody else identifies themselves so here."
            )
        }
    }

    /// The active key that the credentials belong to, with an active account; and when it expires, if it does.
    ///
    /// - Throws: 503 when this node cannot tell.
    private static func key(
        _ credentials: BasicCredentials,
        _ view: StoreView,
        _ keys: IdentityKeys,
        _ time: Int64
    ) throws(Problem) -> (caller: Caller, expires: Int64?)? {
        let unique: [UInt8] = Array("credential/\(credentials.user)".utf8)
        guard let holder: RecordKey = view.holder(unique), let record: Record = view.get(holder),
            let credential = try? CredentialRecord(document: record.document)
        else {
            // As slow as a wrong secret, so that access keys cannot be found out by timing.
            _ = KeyHash.verdict(credentials.password, of: credentials.user, nil, keys)
            return nil
        }
        var renewal: KeyRenewal?
        switch KeyHash.verdict(credentials.password, of: credential.publicValue, credential.secretHash, keys) {
        case .wrong: return nil
        case .undecided:
            throw .unavailable("This node cannot open the key under which secrets are kept; try another node.")
        case .right(let isOutdated):
            if isOutdated, let newest: IdentityKey = keys.forKeptSecrets {
                let hash: String = KeyHash.make(credentials.password, of: credential.publicValue, under: newest)
                renewal = KeyRenewal(record: holder, revision: record.revision, secretHash: hash)
            }
        }
        guard credential.isActive, credential.kind == "apiKey" || credential.kind == "agentApiKey",
            credential.expires.map({ $0 > time }) ?? true, let number: UInt64 = credential.accountID,
            let account: AccountRecord = account(number, view), account.isActive
        else { return nil }
        var caller = Caller(
            subject: Subjects.make(account, number, credential, holder.number, in: view, at: time),
            account: account,
            accountNumber: number,
            authType: credential.kind,
            credentialNumber: holder.number
        )
        caller.renewal = renewal
        return (caller, credential.expires)
    }

    /// Whether the request shows the key or the certificate of an active account; nothing else counts.
    static func isAccount(
        _ request: HTTPRequest,
        _ certified: CertifiedPeer?,
        _ view: StoreView,
        _ policy: PolicySnapshot,
        _ time: Int64,
        _ issuing: (any CertificateIssuing)?
    ) throws(Problem) -> Bool {
        guard let header: String = request.headers["authorization"] else {
            guard case .person(let person)? = certified else { return false }
            return ClientCertificates.caller(person, view, policy, time, issuing) != nil
        }
        guard let credentials = BasicCredentials(header: header) else { return false }
        return try key(credentials, view, policy.identityKeys, time)?.caller.authType == "apiKey"
    }

    /// Whoever a stream's token was given to, as long as the credential and the account are good.
    private static func holder(of ticket: StreamTicket, _ view: StoreView, _ time: Int64) throws(Problem) -> Caller {
        let gone = Problem.unauthorized("The key or login that this stream was opened with is no longer good.")
        if let token: UInt64 = ticket.token {
            guard let record: LoginTokenRecord = LoginToken.record(token, view, at: time),
                record.accountID == ticket.account, record.provider == AuthSettings.provider(view),
                let caller: Caller = loggedIn(token, record, view, time)
            else { throw gone }
            return caller
        }
        guard let number: UInt64 = ticket.credential else {
            // Given while nobody needed a key.
            guard !ActiveSettings.isSecurityEnabled(view) else { throw gone }
            let caller: Caller = try administrator(view, time)
            guard caller.accountNumber == ticket.account else { throw gone }
            return caller
        }
        guard let record: Record = view.get(RecordKey(.credential, number)),
            let credential = try? CredentialRecord(document: record.document), credential.isActive,
            credential.expires.map({ $0 > time }) ?? true, credential.accountID == ticket.account,
            let account: AccountRecord = account(ticket.account, view), account.isActive
        else { throw gone }
        return Caller(
            subject: Subjects.make(account, ticket.account, credential, number, in: view, at: time),
            account: account,
            accountNumber: ticket.account,
            authType: credential.kind,
            credentialNumber: number
        )
    }

    /// A valid token of a host that has no key yet.
    struct Registration {
        var credential: UInt64
        /// The environment that the host comes into.
        var project: UInt64
        var account: AccountRecord
    }

    private static let wrongToken = Problem.unauthorized(
        "The registration token is not one of this cluster's, was withdrawn, or has expired: make a new one "
            + "(POST registrationTokens in the environment) and start the agent with it."
    )

    /// Nil for a token that is foreign, expired or withdrawn, or whose environment is not active.
    static func registration(_ token: String, _ view: StoreView, _ time: Int64) -> Registration? {
        guard let key: [UInt8] = ClusterKeys.registration(view),
            let read = RegistrationToken(verifying: token, key: key),
            read.issued + ActiveSettings.registrationTokenMilliseconds(view) > time,
            let holder: RecordKey = view.holder(Array("credential/\(read.publicValue)".utf8)),
            let record: Record = view.get(holder),
            let credential = try? CredentialRecord(document: record.document), credential.isActive,
            credential.kind == "registrationToken", let project: UInt64 = credential.accountID,
            let account: AccountRecord = account(project, view), account.isActive
        else { return nil }
        return Registration(credential: holder.number, project: project, account: account)
    }

    /// The lowest-numbered active administrator: who everybody is while access control is off.
    private static func administrator(_ view: StoreView, _ time: Int64) throws(Problem) -> Caller {
        for number in view.numbers(.account, Array("kind=admin".utf8)) {
            guard let account: AccountRecord = account(number, view), account.isActive else { continue }
            return Caller(
                subject: Subjects.make(account, number, nil, nil, in: view, at: time),
                account: account,
                accountNumber: number,
                authType: "none"
            )
        }
        throw .unauthorized("Access control is off, and there is no active administrator to act as.")
    }

    static func account(_ number: UInt64, _ view: StoreView) -> AccountRecord? {
        view.get(RecordKey(.account, number)).flatMap { try? AccountRecord(document: $0.document) }
    }
}

/// Keys of the cluster itself.
enum ClusterKeys {
    /// Signs registration tokens; nil before the cluster was founded.
    static func registration(_ view: StoreView) -> [UInt8]? {
        fields(view)?["registrationKey"]?.string.map { Array($0.utf8) }
    }

    static func record(_ view: StoreView) -> Record? { view.records(in: .clusterKeys, limit: 1).first }

    /// That the keys are those of the view when a change is made that rests on one.
    static func unchanged(_ view: StoreView) -> [Precondition] {
        record(view).map { [.revision($0.key, $0.revision)] } ?? []
    }

    /// What every node of the cluster reads; see ``FeatureGate``.
    static func level(_ view: StoreView) -> Int { FeatureGate.level(of: view.get(FeatureGate.record)?.document) }

    static func fields(_ view: StoreView) -> JSONObject? {
        record(view).flatMap { try? JSONReader.parse($0.document).object }
    }
}
