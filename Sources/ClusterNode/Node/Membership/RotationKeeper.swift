import Authority
import Bytes
import Certificates
import Crypto
import EventLoop
import Gateway
import JSON
import Limits
import Logging
import Model
import RaftCore
import Store
import StoreFormat
import Synchronization

/// Follows the exchange of the cluster's authority on this node, and leads it on the node that leads.
///
/// Level-triggered: what is to be done follows from the record of the cluster's keys and from what this node holds, so a step
/// that got lost, a restart or a new leader costs a second.
actor RotationKeeper {
    private let state: any StateProviding & Proposing
    private let folder: DataFolder
    private let configuration: NodeConfiguration
    private let security: NodeSecurity
    private let loop: EventLoop
    private let logger: Logger
    private let now: @Sendable () -> Int64
    private let isLeader: @Sendable () -> Bool
    private let others: @Sendable () -> [MemberID]
    private let ask: @Sendable (MemberID, PeerCall) async -> PeerReply?
    private let changed: @Sendable (DataFolder.Credentials) async -> Void
    /// The last failure that was told: it may be the same each second.
    private var told: String = ""

    /// - Parameters:
    ///   - others: the members whose connections live.
    ///   - changed: puts other credentials to use; the files have them already.
    init(
        state: any StateProviding & Proposing,
        folder: DataFolder,
        configuration: NodeConfiguration,
        security: NodeSecurity,
        loop: EventLoop,
        logger: Logger,
        now: @escaping @Sendable () -> Int64,
        isLeader: @escaping @Sendable () -> Bool,
        others: @escaping @Sendable () -> [MemberID],
        ask: @escaping @Sendable (MemberID, PeerCall) async -> PeerReply?,
        changed: @escaping @Sendable (DataFolder.Credentials) async -> Void
    ) {
        self.state = state
        self.folder = folder
        self.configuration = configuration
        self.security = security
        self.loop = loop
        self.logger = logger
        self.now = now
        self.isLeader = isLeader
        self.others = others
        self.ask = ask
        self.changed = changed
    }

    /// Looks once a second, until its task is cancelled: a record that did not change costs a comparison.
    func run() async {
        var seen: Revision?
        while !Task.isCancelled {
            let view: StoreView = state.store.view
            let revision: Revision? = view.get(RecordKey(.clusterKeys, Founding.clusterKeys))?.revision
            if revision != seen || security.rotation.withLock({ $0 != nil }) {
                if await look(view) { seen = revision }
            }
            guard (try? await loop.sleep(toMultipleOf: Limits.membershipMilliseconds)) != nil else { return }
        }
    }

    /// Returns whether this node has everything that the record asks for.
    private func look(_ view: StoreView) async -> Bool {
        let rotation: AuthorityRotation? = ClusterAuthority.rotation(in: view)
        security.rotation.withLock { $0 = rotation }
        guard let stored: SealedAuthority = ClusterAuthority.stored(in: view), let issuing = try? stored.parsed() else {
            return true
        }
        do throws(NodeFault) {
            if let rotation, !security.holds(rotation.sealingKey) { try await fetch(rotation.sealingKey) }
            try await follow(rotation, issuing, view)
            if rotation == nil { try forgetOldKey(stored) }
        } catch {
            if told != "\(error)" {
                logger.error("the exchange of the authority cannot be followed", ["error": .string("\(error)")])
            }
            told = "\(error)"
            return false
        }
        told = ""
        guard let rotation else { return true }
        await mark(rotation)
        if isLeader() { await lead(rotation) }
        return true
    }

    /// Gets the new sealing key from a member that has it; the first had it before anybody heard of the exchange.
    private func fetch(_ id: String) async throws(NodeFault) {
        for member in others() {
            guard case .document(let key)? = await ask(member, .sealingKey(id)),
                key.count == SealedAuthority.sealingKeyBytes, BackupHeader.name(of: key) == id
            else { continue }
            try folder.saveNextSealingKey(key)
            security.use(sealingKeys: try folder.sealingKeys())
            logger.notice("the next sealing key is here", ["sealing.key": .string(id)])
            return
        }
    }

    /// Believes whom the record says, and has a certificate of the one that issues.
    private func follow(
        _ rotation: AuthorityRotation?,
        _ issuing: Certificate,
        _ view: StoreView
    ) async throws(NodeFault) {
        let held: DataFolder.Credentials = security.credentials
        var wanted: DataFolder.Credentials = held
        let trusted: [Certificate] = [issuing] + (rotation.flatMap { try? $0.other.parsed() }.map { [$0] } ?? [])
        if rotation?.phase != .trust, !held.certificate.isIssued(by: issuing) {
            do {
                wanted.certificate = try Issuing.node(
                    try .make(key: held.key, commonName: configuration.name),
                    by: try security.authority.open(in: view),
                    cluster: configuration.group.cluster,
                    member: configuration.member.number,
                    name: configuration.name,
                    hosts: configuration.hosts,
                    now: now()
                )
            } catch {
                throw .storage("no certificate can be issued: \(error)")
            }
        }
        wanted.authority = trusted.first { wanted.certificate.isIssued(by: $0) } ?? held.authority
        wanted.others = trusted.filter { $0 != wanted.authority }
        guard wanted.certificate != held.certificate || wanted.trusted != held.trusted else { return }
        try folder.save(wanted)
        logger.notice(
            "whom this node believes has changed",
            [
                "authorities": .string(
                    wanted.trusted.map { Hex.encode($0.fingerprint.prefix(8)) }.joined(separator: " ")
                ),
                "certificate.serial": .string(wanted.certificate.serial),
            ]
        )
        await changed(wanted)
    }

    /// The exchange is over: the old key opens nothing that counts.
    private func forgetOldKey(_ stored: SealedAuthority) throws(NodeFault) {
        let keys: [[UInt8]] = security.sealingKeys
        guard keys.count > 1, let last: [UInt8] = keys.last,
            (try? stored.open(key: last, cluster: configuration.group.cluster)) != nil
        else { return }
        try folder.promoteSealingKey()
        security.use(sealingKeys: try folder.sealingKeys())
    }

    /// Says in this node's record how far it is.
    private func mark(_ rotation: AuthorityRotation) async {
        let key = RecordKey(.node, configuration.member.number)
        guard let record: Record = state.store.view.get(key), let node = try? NodeRecord(document: record.document)
        else {
            return
        }
        let held: DataFolder.Credentials = security.credentials
        var fields: JSONObject = node.fields
        for (name, value) in HostMarks.fields(issuer: held.authority, trusted: held.trusted) { fields[name] = value }
        fields["certificateSerial"] = .string(held.certificate.serial)
        fields["certificateNotAfter"] = .int(held.certificate.notAfter)
        fields["sealingKey"] = security.holds(rotation.sealingKey) ? .string(rotation.sealingKey) : .null
        guard fields != node.fields else { return }
        _ = try? await state.propose(
            Transaction(
                time: now(),
                actor: "system",
                requestID: "rotation",
                preconditions: [.revision(key, record.revision)],
                writes: [RecordWriting.put(.node, .known(key.number), fields, scope: .known(0))]
            )
        )
    }

    // MARK: On the node that leads

    /// Begins the next phase when it is time.
    private func lead(_ rotation: AuthorityRotation) async {
        let view: StoreView = state.store.view
        guard let progress: RotationProgress = .of(view), progress.rotation == rotation,
            case .advance(let missing) = progress.verdict(now: now()),
            let record: Record = view.get(RecordKey(.clusterKeys, Founding.clusterKeys)),
            var fields: JSONObject = try? JSONReader.parse(record.document).object
        else { return }
        let without: String = missing.isEmpty ? "" : "; not ready were \(missing.joined(separator: ", "))"
        let event: String
        switch rotation.phase {
        case .trust:
            var next: AuthorityRotation = rotation
            next.phase = .issue
            next.began = now()
            next.other = SealedAuthority(certificate: fields["authority"]?.string ?? "", sealedKey: "")
            fields["authority"] = .string(rotation.other.certificate)
            fields["authorityKey"] = .string(rotation.other.sealedKey)
            AuthorityRotation.write(next, to: &fields)
            // Whoever has the new sealing key only reads them from now on.
            guard
                let key: [UInt8] = security.sealingKeys.first(where: {
                    BackupHeader.name(of: $0) == rotation.sealingKey
                })
            else { return }
            SealedIdentityKeys.reseal(
                &fields,
                keys: security.sealingKeys,
                under: key,
                cluster: configuration.group.cluster
            )
            event = "the new authority issues all certificates"
        case .issue:
            AuthorityRotation.write(nil, to: &fields)
            // It signs registration tokens, and stood in the state of every node that ever was one.
            fields["registrationKey"] = .string(Hex.encode(SecureRandom.bytes(32)))
            event = "the old authority is not believed any more"
        }
        let outcome: TransactionOutcome? = try? await state.propose(
            Transaction(
                time: now(),
                actor: "system",
                requestID: "rotation",
                audit: AuditRecord(
                    eventType: "cluster.rotateca",
                    resourceType: "cluster",
                    resourceID: record.key.number,
                    description: String("\(event)\(without)".prefix(Limits.transactionTextBytes / 8))
                ),
                preconditions: [.revision(record.key, record.revision)],
                writes: [RecordWriting.put(.clusterKeys, .known(record.key.number), fields, scope: .known(0))]
            )
        )
        guard case .committed? = outcome else { return }
        logger.notice(
            "authority exchanged further",
            ["step": .string(event), "without": .string(missing.joined(separator: " "))]
        )
    }
}

extension RotationProgress {
    /// Who is how far, by the records of nodes and hosts; nil when no exchange is under way.
    static func of(_ view: StoreView) -> RotationProgress? {
        guard let rotation: AuthorityRotation = ClusterAuthority.rotation(in: view),
            let issuing: Certificate = ClusterAuthority.stored(in: view).flatMap({ try? $0.parsed() })
        else { return nil }
        let fingerprint: String = Hex.encode(issuing.fingerprint)
        var nodes: [Member] = []
        for record in view.records(in: .node) {
            guard record.key.number > 0, let node = try? NodeRecord(document: record.document), node.removed == nil
            else {
                continue
            }
            let isReady: Bool =
                node.fields["certificateAuthority"]?.string != nil
                && HostMarks.isReady(node.fields, rotation, issuing: fingerprint)
                && node.fields["sealingKey"]?.string == rotation.sealingKey
            nodes.append(Member(name: node.name, isReady: isReady))
        }
        var hosts: [Member] = []
        view.forEachRecord(in: .host) { record in
            if let host = try? HostRecord(document: record.document), host.removed == nil {
                let name: String = ResourceID(number: record.key.number).rendered("h")
                hosts.append(
                    Member(name: name, isReady: HostMarks.isReady(host.fields, rotation, issuing: fingerprint))
                )
            }
            return true
        }
        return RotationProgress(rotation: rotation, nodes: nodes, hosts: hosts)
    }

    /// As the status shows it.
    var document: JSONValue {
        [
            "phase": .string(rotation.phase.rawValue), "since": .string(StoredDate.text(rotation.began)),
            "waitSeconds": .int(rotation.waitSeconds), "waitsFor": .array(waitsFor.map { .string($0) }),
        ]
    }
}

/// Begins an exchange of the authority on this node.
struct RotationDesk: Sendable {
    let security: NodeSecurity
    let folder: DataFolder
    let cluster: UInt64
    let now: @Sendable () -> Int64

    /// A new authority under a new sealing key, which is on this node's disk before anybody hears of it.
    func begin(waitSeconds: Int64, holdSeconds: Int64) throws(Problem) -> JSONObject {
        do {
            let key: [UInt8] = SealedAuthority.newSealingKey()
            let authority: CertificateAuthority = try Issuing.found(cluster: cluster, now: now())
            let sealed = try SealedAuthority(sealing: authority, key: key, cluster: cluster)
            try folder.saveNextSealingKey(key)
            security.use(sealingKeys: try folder.sealingKeys())
            var fields: JSONObject = [:]
            AuthorityRotation.write(
                AuthorityRotation(
                    phase: .trust,
                    other: sealed,
                    sealingKey: BackupHeader.name(of: key),
                    began: now(),
                    waitSeconds: waitSeconds,
                    holdSeconds: holdSeconds
                ),
                to: &fields
            )
            return fields
        } catch {
            throw .unavailable("No new authority can be made on this node: \(error).")
        }
    }
}
