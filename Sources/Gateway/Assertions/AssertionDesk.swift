import Crypto
import HTTP
import JSON
import Limits
import Logging
import Model
import Store
import StoreFormat

/// Where a gateway gets the key that signs, and shows those that verify.
///
/// A cluster makes its first key when it has something to sign for the first time. One without an authority cannot seal a key,
/// and signs nothing.
final class AssertionDesk: Sendable {
    private let state: any StateProviding
    private let proposer: any Proposing
    private let policies: PolicySnapshots
    /// The name of the cluster in its certificates; nil without an authority.
    private let cluster: String?
    private let logger: Logger
    private let now: @Sendable () -> Int64

    init(
        state: any StateProviding,
        proposer: any Proposing,
        policies: PolicySnapshots,
        cluster: String?,
        logger: Logger,
        now: @escaping @Sendable () -> Int64
    ) {
        self.state = state
        self.proposer = proposer
        self.policies = policies
        self.cluster = cluster
        self.logger = logger
        self.now = now
    }

    /// nil while nothing can be signed here.
    func signer() async -> AssertionSigner? {
        guard let cluster else { return nil }
        var policy: PolicySnapshot = policies.snapshot(of: state.store.view)
        if policy.assertionKeys.isNeeded {
            await makeFirst(policy)
            policy = policies.snapshot(of: state.store.view)
        }
        guard let (id, key) = policy.assertionKeys.signing(at: now()) else { return nil }
        return AssertionSigner(issuer: "drover://\(cluster)", keyID: id, key: key, now: now)
    }

    /// Of several nodes and requests that come upon it at once, one makes it.
    private func makeFirst(_ policy: PolicySnapshot) async {
        let (view, time): (StoreView, Int64) = (state.store.view, now())
        guard let newest: IdentityKey = policy.identityKeys.newest, newest.id > 0,
            let record: Record = ClusterKeys.record(view), var fields: JSONObject = ClusterKeys.fields(view),
            let fresh: SigningKey = .generate()
        else { return }
        do {
            try AssertionKeys.add(fresh, to: &fields, under: newest, policy.assertionKeys, at: time)
            _ = try await proposer.propose(
                Transaction(
                    time: time,
                    actor: "system",
                    requestID: "assertions",
                    audit: AuditRecord(
                        eventType: "api.cluster.assertionkey",
                        resourceType: "cluster",
                        resourceID: record.key.number,
                        description: "the first key under which interceptors are told who is calling",
                        decision: "an interceptor was to be told"
                    ),
                    preconditions: [.revision(record.key, record.revision)],
                    writes: [
                        RecordWriting.put(
                            .clusterKeys,
                            .known(record.key.number),
                            fields,
                            scope: .known(record.scope)
                        )
                    ]
                )
            )
        } catch {
            logger.debug("no key for assertions was made", ["error": .string("\(error)")])
        }
    }

    // MARK: The public halves

    static let path: [String] = [".well-known", "jwks.json"]

    /// The keys, for everybody: they verify, and sign nothing.
    func answer(_ request: HTTPRequest) -> HTTPResponse {
        let keys: AssertionKeys = policies.snapshot(of: state.store.view).assertionKeys
        return HTTPResponse(
            status: 200,
            headers: [
                "Content-Type": "application/json; charset=utf-8",
                "Cache-Control": "public, max-age=\(Limits.assertionKeySetSeconds)",
            ],
            body: JSONWriter.bytes(keys.document(at: now()))
        )
    }
}
