import Authority
import Bytes
import Certificates
import Crypto
import Gateway
import JSON
import Limits
import Logging
import Model
import RaftCore
import RaftGroup
import RaftLog
import Store
import StoreFormat

/// A cluster that goes on from a state, and not from a log: what `cluster restore` and `cluster recover` have in common.
///
/// It has one voter and another incarnation. Revisions go on far above what anybody has seen of the past. All nodes of the past
/// are removed by their records, so that they are refused for ever; join tokens and sessions are void.
struct Rebirth: Sendable {
    /// What the cluster knew.
    var view: StoreView
    /// Where its log ended.
    var position: LogPosition
    /// The node that is the cluster now, with the new incarnation and a new log instance.
    var configuration: NodeConfiguration
    /// Its certificate; nil in a cluster without an authority.
    var certificate: Certificate?
    /// Takes the place of the authority in the state; nil to keep that one.
    var authority: SealedAuthority?
    /// A key of the first administrator's, where all others end with the authority.
    var administrator: APIKey?
    var audit: AuditRecord
    /// Milliseconds since 1970.
    var time: Int64

    /// The last entry that the new cluster counts as applied when it begins.
    var base: LogPosition {
        LogPosition(index: position.index + Limits.rebirthRevisions, term: position.term + 1)
    }

    /// Makes log and state in the folder, and writes the first changes there.
    ///
    /// `node.json` is left to the caller: until it is there, nothing of this counts.
    func write(in folder: DataFolder, logger: Logger) async throws(NodeFault) {
        do {
            try Store.plant(view, in: folder.state, at: base.index)
            try FileLog.create(
                in: folder.log,
                member: configuration.member,
                group: configuration.group,
                configuration: Configuration(
                    voters: [configuration.member],
                    removed: others(in: view).map { MemberID($0.key.number) }
                ),
                base: base
            )
        } catch {
            throw .storage("\(error)")
        }
        try folder.saveInstance(configuration.instance)
        let core: NodeCore = try NodeCore.open(folder, configuration, logger: logger) { reason in
            logger.error("the new log broke", ["error": .string(reason)])
        }
        do {
            try await core.state.group.awaitLeader()
            for transaction in transactions() {
                let outcome: TransactionOutcome = try await core.state.propose(transaction)
                guard case .committed = outcome else {
                    throw NodeFault.recovery("the first change was refused: \(outcome)")
                }
            }
        } catch {
            await core.close()
            throw .recovery("the first changes of the cluster were not written: \(error)")
        }
        await core.checkpointAndClose()
    }

    /// The nodes of the past: those with a record that is not removed, without this one.
    private func others(in view: StoreView) -> [Record] {
        view.records(in: .node).filter { record in
            guard record.key.number > 0, record.key.number != configuration.member.number,
                let node = try? NodeRecord(document: record.document)
            else { return false }
            return node.removed == nil
        }
    }

    /// Of the active administrator with the lowest number; nil when there is none, or none is wanted.
    private func administratorKey() -> Write? {
        guard let administrator else { return nil }
        let owner: UInt64? = view.numbers(.account, Array("kind=admin".utf8)).first { number in
            let record: Record? = view.get(RecordKey(.account, number))
            return record.flatMap { try? AccountRecord(document: $0.document) }?.isActive ?? false
        }
        guard let owner else { return nil }
        return RecordWriting.put(
            .credential,
            // The node took the next number of the state; this is the one after it.
            .known(configuration.member.number + 1),
            [
                "name": "administrator", "kind": "apiKey", "uuid": .string(Hex.encode(SecureRandom.bytes(16))),
                "state": "active",
                "created": .int(time), "description": "Made when the cluster was restored", "removed": nil,
                "accountId": JSONValue(owner), "publicValue": .string(administrator.publicValue),
                "secretHash": .string(KeyHash.make(administrator.secretValue)),
            ],
            scope: .known(0)
        )
    }

    private func transactions() -> [Transaction] {
        var writes: [Write] = []
        for record in others(in: view) {
            guard var node = try? NodeRecord(document: record.document) else { continue }
            node.membership = .removed
            node.removed = time
            writes.append(RecordWriting.put(.node, .known(record.key.number), node.fields, scope: .known(0)))
        }
        var own: JSONObject = NodeEntry(configuration).fields(state: .active, time: time, certificate: certificate)
        let key = RecordKey(.node, configuration.member.number)
        if let old: Record = view.get(key), let node = try? NodeRecord(document: old.document) {
            own["created"] = node.fields["created"] ?? .int(time)
        }
        writes.append(RecordWriting.put(.node, .known(key.number), own, scope: .known(0)))
        if authority != nil || ClusterAuthority.rotation(in: view) != nil,
            let keys: Record = view.records(in: .clusterKeys, limit: 1).first,
            var fields: JSONObject = try? JSONReader.parse(keys.document).object
        {
            // An exchange that was under way ends here: there is nobody left to wait for.
            AuthorityRotation.write(nil, to: &fields)
            if let authority {
                fields["authority"] = .string(authority.certificate)
                fields["authorityKey"] = .string(authority.sealedKey)
                // Nobody opens them any more: not the keys, and not what is kept under them.
                fields[SealedIdentityKeys.member] = nil
            }
            writes.append(RecordWriting.put(.clusterKeys, .known(keys.key.number), fields, scope: .known(0)))
        }
        if let write: Write = administratorKey() { writes.append(write) }
        var audit: AuditRecord = audit
        audit.resourceID = key.number
        var transactions: [Transaction] = [
            Transaction(time: time, actor: "system", requestID: "rebirth", audit: audit, writes: writes)
        ]
        let tokens: [Record] = view.records(in: .joinToken)
        for start in stride(from: 0, to: tokens.count, by: 500) {
            transactions.append(
                Transaction(
                    time: time,
                    actor: "system",
                    requestID: "rebirth",
                    writes: tokens[start..<min(tokens.count, start + 500)].map {
                        .delete(.joinToken, .known($0.key.number))
                    }
                )
            )
        }
        return transactions
    }
}
