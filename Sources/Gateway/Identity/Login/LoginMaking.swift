import JSON
import Limits
import Model
import Store
import StoreFormat

/// Whom a provider has vouched for.
struct Vouched: Sendable {
    var account: UInt64
    /// As it was typed.
    var login: String
    /// The password that was right, as it was then.
    var credential: (key: RecordKey, revision: Revision)?
    /// The same password hashed at today's cost, where the stored one is of another.
    var renewedHash: String?
    /// `<type>:<id>` of what the provider says that the person belongs to.
    var identities: [String] = []
}

/// The change that a login is: its token, the end of those that it replaces, and a first environment for whoever has none.
struct LoginMaking: Sendable {
    private let vouched: Vouched
    private let provider: String
    private let digest: String
    private let uuids: [String]

    /// - Parameter uuids: three, of the token, the environment and its member.
    init(_ vouched: Vouched, provider: String, digest: String, uuids: [String]) {
        self.vouched = vouched
        self.provider = provider
        self.digest = digest
        self.uuids = uuids
    }

    /// Planned against the exchange's view.
    func change(_ exchange: Exchange) throws(Problem) -> PlannedChange {
        let view: StoreView = exchange.view
        guard let account: AccountRecord = Identify.account(vouched.account, view), account.isActive,
            AuthSettings.provider(view) == provider
        else { throw LocalLogin.wrong }
        var change = PlannedChange(subject: .created(.loginToken, index: 0), verb: "create", type: "token")
        change.actor = vouched.account
        change.decision = "\(provider) vouches for \(ResourceID(number: vouched.account).rendered("a"))"
        change.created = 1
        change.preconditions = [
            .policyUnchanged(subject: PolicySubject.account(vouched.account), since: view.revision)
        ]
        if let (key, revision) = vouched.credential {
            guard view.get(key)?.revision == revision else { throw LocalLogin.wrong }
            change.preconditions.append(.revision(key, revision))
        }
        change.writes = [
            RecordWriting.put(
                .loginToken,
                .created(0),
                [
                    "kind": "token", "state": "active", "uuid": .string(uuids[0]), "created": .int(exchange.time),
                    "removed": nil, "accountId": JSONValue(vouched.account), "digest": .string(digest),
                    "provider": .string(provider), "login": .string(vouched.login),
                    "expires": .int(exchange.time + AuthSettings.loginMilliseconds(view)),
                    "credentialId": vouched.credential.map { JSONValue($0.key.number) } ?? .null,
                    "identities": .array(vouched.identities.map { .string($0) }),
                ],
                scope: .known(0)
            )
        ]
        rehash(&change, view)
        change.writes += Self.ends(
            of: vouched.account,
            keeping: AuthSettings.isOneSessionOnly(view) ? 0 : Limits.loginTokensOfAccount - 1,
            view,
            at: exchange.time
        )
        firstEnvironment(&change, account, exchange)
        return change
    }

    /// The password is at hand only now: so now is when its hash can get dearer.
    private func rehash(_ change: inout PlannedChange, _ view: StoreView) {
        guard let hash: String = vouched.renewedHash, let (key, _) = vouched.credential,
            let record: Record = view.get(key),
            var credential = try? CredentialRecord(document: record.document)
        else { return }
        credential.fields["secretHash"] = .string(hash)
        change.writes.append(
            RecordWriting.put(.credential, .known(key.number), credential.fields, scope: .known(record.scope))
        )
    }

    /// Deletes the tokens of an account that have expired, and the oldest of the others beyond `keeping`.
    static func ends(of account: UInt64, keeping: Int, except: UInt64? = nil, _ view: StoreView, at time: Int64)
        -> [Write]
    {
        let records: [Record] = view.records(.loginToken, RecordWriting.term("accountId", account))
        var living: [UInt64] = []
        var ended: [UInt64] = []
        // In the order of their numbers, which is that of their making.
        for record in records where record.key.number != except {
            let token: LoginTokenRecord? = try? LoginTokenRecord(document: record.document)
            if let token, token.expires > time {
                living.append(record.key.number)
            } else {
                ended.append(record.key.number)
            }
        }
        if living.count > keeping { ended += living.prefix(living.count - keeping) }
        return ended.map { .delete(.loginToken, .known($0)) }
    }

    /// Whoever belongs to no environment gets one with the first login.
    private func firstEnvironment(_ change: inout PlannedChange, _ account: AccountRecord, _ exchange: Exchange) {
        guard AuthSettings.createsDefaultProject(exchange.view) else { return }
        let names: [String] =
            IdentityName.all(of: vouched.account, account).dropFirst().map(\.text) + vouched.identities
        var places: [Record] = exchange.view.records(.projectMember, RecordWriting.term("memberId", vouched.account))
        for name in names { places += exchange.view.records(.projectMember, Array("identity=\(name)".utf8)) }
        let hasOne: Bool = places.contains { (try? ProjectMemberRecord(document: $0.document))?.removed == nil }
        guard !hasOne else { return }
        let project: Int = change.created
        change.created += 2
        change.writes.append(
            RecordWriting.put(
                .account,
                .created(project),
                [
                    "name": .string("\(vouched.login)-Default"), "kind": "project", "uuid": .string(uuids[1]),
                    "state": "active", "created": .int(exchange.time), "description": nil, "removed": nil,
                ],
                scope: .known(0)
            )
        )
        change.writes.append(
            RecordWriting.put(
                .projectMember,
                .created(project + 1),
                [
                    "kind": "projectMember", "state": "active", "uuid": .string(uuids[2]),
                    "created": .int(exchange.time), "removed": nil, "memberId": JSONValue(vouched.account),
                    "role": "owner",
                ],
                references: ["projectId": .created(project)],
                scope: .created(project)
            )
        )
        change.writes.append(.touchPolicy(subject: Template(bytes: PolicySubject.account(vouched.account))))
    }
}
