import Authority
import Bytes
import Certificates
import Crypto
import EventLoop
import Gateway
import HTTP
import JSON
import Limits
import Logging
import Model
import RaftCore
import Store
import StoreFormat
import Synchronization

/// Where machines become nodes: trades a single-use token for a certificate and all that a member needs.
///
/// Works on every node, whoever else is gone, as long as a majority takes the change: the authority's key is in the state,
/// and each node can open it. The node's record and the token's use are one transaction, so a token lets one in, however
/// many ask at the same time. Who repeats the very same request gets the same membership again: an answer that was lost
/// costs nothing.
struct JoinDoor: Sendable {
    private let state: any StateProviding & Proposing
    private let group: GroupIdentity
    private let authority: ClusterAuthority
    /// The configuration in which the cluster's log begins.
    private let voters: [MemberID]
    private let logger: Logger
    private let now: @Sendable () -> Int64
    private let audits = AuditBudget()

    init(
        state: any StateProviding & Proposing,
        group: GroupIdentity,
        authority: ClusterAuthority,
        voters: [MemberID] = [MemberID(Founding.firstNode)],
        logger: Logger,
        now: @escaping @Sendable () -> Int64
    ) {
        self.state = state
        self.group = group
        self.voters = voters
        self.logger = logger
        self.now = now
        self.authority = authority
    }

    /// Answers `POST /join`; never throws.
    func answer(_ request: HTTPRequest, _ connection: ConnectionInfo) async -> HTTPResponse {
        let id: String = Hex.encode(SecureRandom.bytes(8))
        let client: String = connection.peer.host ?? ""
        do throws(Problem) {
            let answer: JoinAnswer = try await admit(request, id: id, client: client)
            return Self.response(201, answer.json)
        } catch {
            logger.notice(
                "join refused",
                [
                    "audit": "join.refused", "request.id": .string(id), "peer.address": .string(client),
                    "http.status": JSONValue(error.status), "cause": JSONValue(error.message),
                ]
            )
            return Self.response(error.status, error.document(id: id))
        }
    }

    private static func response(_ status: Int, _ document: JSONValue) -> HTTPResponse {
        HTTPResponse(
            status: status,
            headers: ["Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store"],
            body: JSONWriter.bytes(document)
        )
    }

    /// Who asks, and for what: read and checked before the token is looked at.
    private struct Asking {
        var request: JoinRequest
        var certificateRequest: CertificateRequest
        /// SHA-256 of the certificate request.
        var hash: String
        var id: String
        var client: String
    }

    private func admit(_ request: HTTPRequest, id: String, client: String) async throws(Problem) -> JoinAnswer {
        guard request.method == "POST" else { throw .methodNotAllowed("Nodes join with POST.") }
        let asking: Asking = try read(request, id: id, client: client)
        for _ in 0...Limits.conflictRetries {
            let view: StoreView = try await view()
            guard let stored: SealedAuthority = ClusterAuthority.stored(in: view) else {
                throw .conflict("This cluster was founded by a version without certificates: nobody can join it.")
            }
            guard ClusterAuthority.rotation(in: view) == nil else {
                throw .unavailable("The cluster is changing its authority: nobody can join until that is done.")
            }
            let opened: (authority: CertificateAuthority, key: [UInt8])
            do throws(AuthorityFault) {
                // Before the token is used up: a node that cannot issue must not take it.
                opened = try authority.open(stored)
            } catch {
                logger.error("this node cannot issue certificates", ["error": .string("\(error)")])
                throw .unavailable("This node cannot issue certificates now: join through another one.")
            }
            let verdict: JoinVerdict = .judge(
                asking.request.token,
                role: .node,
                fingerprint: opened.authority.certificate.fingerprint,
                in: view,
                now: now()
            )
            switch verdict {
            case .refused(let refusal, let key): throw await refused(refusal, key, asking)
            case .used(let key, _, let number):
                guard let node: NodeRecord = Self.node(number, view), node.removed == nil,
                    node.membership != .removing, node.request == asking.hash, node.name == asking.request.entry.name
                else { throw await refused(.used, key, asking) }
                return try await welcome(number, asking, opened, view)
            case .admit(let key, let token, let revision):
                if let objection: String = ClusterLevel.objection(asking.request.entry.level, version: nil, in: view) {
                    throw .conflict("\(asking.request.entry.name) cannot join: \(objection).")
                }
                try checkName(asking.request.entry.name, view)
                try checkHosts(asking.request.entry, view)
                let looked: Revision = view.revision
                guard let number: UInt64 = try await commit(asking, key, token, revision, looked) else { continue }
                logger.notice(
                    "node let in",
                    [
                        "request.id": .string(id), "node.name": .string(asking.request.entry.name),
                        "node.member": JSONValue(number), "token.id": .string(token.token),
                        "peer.address": .string(client),
                    ]
                )
                return try await welcome(number, asking, opened, state.store.view)
            }
        }
        throw .conflict("Others keep joining at the same time; nothing was changed here. Try again.")
    }

    private func read(_ request: HTTPRequest, id: String, client: String) throws(Problem) -> Asking {
        guard request.body.count <= Limits.joinBodyBytes else {
            throw .tooLarge("A request to join has at most \(Limits.joinBodyBytes) bytes.")
        }
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONReader.parse(request.body)
        } catch {
            throw .invalidBody("The body is not JSON: \(error).")
        }
        let message: JoinRequest
        do throws(JoinMessageFault) {
            message = try JoinRequest(value)
        } catch {
            throw .badRequest("The request to join makes no sense: \(error).")
        }
        do throws(CertificateFault) {
            let wanted: CertificateRequest = try CertificateRequest(pem: Array(message.certificateRequest.utf8))
            return Asking(
                request: message,
                certificateRequest: wanted,
                hash: Hex.encode(SHA256.hash(wanted.pem)),
                id: id,
                client: client
            )
        } catch {
            throw .badRequest("The certificate request cannot be used: \(error).")
        }
    }

    private func view() async throws(Problem) -> StoreView {
        do throws(ProposalFault) {
            return try await state.currentView()
        } catch {
            throw .unavailable("There is no leader now, so nobody can join: try again in a moment.")
        }
    }

    private static func node(_ number: UInt64, _ view: StoreView) -> NodeRecord? {
        view.get(RecordKey(.node, number)).flatMap { try? NodeRecord(document: $0.document) }
    }

    /// Also what a node meets whose disk was wiped, when it comes back under its old name.
    private func checkName(_ name: String, _ view: StoreView) throws(Problem) {
        guard view.holder(NodeRecord.uniqueKey(name)) != nil else { return }
        throw .conflict(
            "The cluster has a node \(name) already. If that one is gone for good, or its disk was wiped, run "
                + "'drover cluster remove \(name)' on another node, make a new token with 'drover cluster token', and join "
                + "again; else choose another name.",
            fieldName: "name"
        )
    }

    /// The certificate is good for the hosts at which the newcomer says it is reached: another node's name is not its to say.
    ///
    /// Against mistakes: addresses may be shared, as by nodes on one machine, and who is let in can open the authority.
    /// Nodes and hosts go by the number in the certificate, not by these.
    private func checkHosts(_ entry: NodeEntry, _ view: StoreView) throws(Problem) {
        for host in Self.hosts(entry) {
            guard host != entry.name, view.holder(NodeRecord.uniqueKey(host.lowercased())) != nil else { continue }
            throw .badRequest(
                "\(host) is the name of another node: say under which name or address this one is reached."
            )
        }
    }

    private static func hosts(_ entry: NodeEntry) -> [String] {
        [entry.advertise] + [entry.peer, entry.http, entry.https].compactMap { $0.flatMap { NetworkPlace($0)?.host } }
    }

    /// One transaction: the node is there, and the token is used.
    ///
    /// - Returns: the node's number; nil when somebody was faster and all is to be looked at again.
    private func commit(
        _ asking: Asking,
        _ key: RecordKey,
        _ token: JoinTokenRecord,
        _ revision: Revision,
        _ looked: Revision
    ) async throws(Problem) -> UInt64? {
        let time: Int64 = now()
        let entry: NodeEntry = asking.request.entry
        var used: JoinTokenRecord = token
        used.state = "used"
        used.fields["used"] = .int(time)
        let outcome: TransactionOutcome
        do throws(ProposalFault) {
            outcome = try await state.propose(
                Transaction(
                    time: time,
                    actor: "system",
                    requestID: asking.id,
                    audit: AuditRecord(
                        eventType: "node.join",
                        resourceType: "node",
                        createdResource: 0,
                        description: "\(entry.name) was let in",
                        authType: "joinToken",
                        credential: token.token,
                        clientIP: asking.client,
                        decision: "the join token \(token.token) lets one node in",
                        requestObject: JSONWriter.bytes([
                            "name": .string(entry.name), "peer": JSONValue(entry.peer), "http": .string(entry.http),
                            "https": JSONValue(entry.https), "advertise": .string(entry.advertise),
                        ])
                    ),
                    preconditions: [
                        .revision(key, revision), .uniqueKeyFree(NodeRecord.uniqueKey(entry.name)),
                        .policyUnchanged(subject: ClusterLevel.subject, since: looked),
                    ],
                    writes: [
                        RecordWriting.put(
                            .node,
                            .created(0),
                            entry.fields(state: .joining, time: time, request: asking.hash),
                            scope: .known(0)
                        ),
                        RecordWriting.put(
                            .joinToken,
                            .known(key.number),
                            used.fields,
                            references: ["usedBy": .created(0)],
                            scope: .known(0)
                        ), .touchPolicy(subject: Template(bytes: ClusterLevel.subject)),
                    ],
                    created: 1
                )
            )
        } catch {
            switch error {
            case .noLeader, .busy, .stopping:
                throw .unavailable("The cluster takes no change now, so nobody can join: try again in a moment.")
            case .unknown, .tooLarge:
                throw .unavailable(
                    "It is not known whether the node was let in: send the same request again, or see 'drover cluster members'."
                )
            }
        }
        switch outcome {
        case .committed(_, let numbers): return numbers.first
        case .refused(.invalid(let reason)): throw .badRequest("The node cannot be let in: \(reason).")
        case .refused: return nil
        }
    }

    /// Issues the certificate and puts together the answer.
    private func welcome(
        _ number: UInt64,
        _ asking: Asking,
        _ opened: (authority: CertificateAuthority, key: [UInt8]),
        _ view: StoreView
    ) async throws(Problem) -> JoinAnswer {
        let entry: NodeEntry = asking.request.entry
        let certificate: Certificate
        do throws(AuthorityFault) {
            certificate = try Issuing.node(
                asking.certificateRequest,
                by: opened.authority,
                cluster: group.cluster,
                member: number,
                name: entry.name,
                hosts: Self.hosts(entry),
                now: now()
            )
        } catch {
            logger.error("no certificate was issued", ["error": .string("\(error)")])
            throw .fault
        }
        await note(certificate, of: number, asking.id)
        return JoinAnswer(
            certificate: String(decoding: certificate.pem, as: UTF8.self),
            authority: String(decoding: opened.authority.certificate.pem, as: UTF8.self),
            sealingKey: opened.key,
            group: group,
            member: MemberID(number),
            voters: voters,
            members: Self.members(view).filter { $0.member.number != number }
        )
    }

    /// What was issued stands in the record; if this fails, the node says it itself when it starts.
    private func note(_ certificate: Certificate, of number: UInt64, _ id: String) async {
        let key = RecordKey(.node, number)
        guard let record: Record = state.store.view.get(key), var node = try? NodeRecord(document: record.document)
        else {
            return
        }
        node.fields["certificateSerial"] = .string(certificate.serial)
        node.fields["certificateNotAfter"] = .int(certificate.notAfter)
        _ = try? await state.propose(
            Transaction(
                time: now(),
                actor: "system",
                requestID: id,
                preconditions: [.revision(key, record.revision)],
                writes: [RecordWriting.put(.node, .known(number), node.fields, scope: .known(0))]
            )
        )
    }

    private static func members(_ view: StoreView) -> [JoinAnswer.Member] {
        view.records(in: .node).compactMap { record in
            guard let node = try? NodeRecord(document: record.document), node.removed == nil,
                let peer: String = node.peer,
                record.key.number > 0
            else { return nil }
            return JoinAnswer.Member(member: MemberID(record.key.number), name: node.name, peer: peer)
        }
    }

    /// A refusal, told to the audit log where the one who asks knew the token's secret: a stranger must not be able to make
    /// the cluster write.
    private func refused(_ refusal: JoinRefusal, _ key: RecordKey?, _ asking: Asking) async -> Problem {
        if let key, audits.take(now()) {
            _ = try? await state.propose(
                Transaction(
                    time: now(),
                    actor: "system",
                    requestID: asking.id,
                    audit: AuditRecord(
                        eventType: "node.join.refused",
                        resourceType: "joinToken",
                        resourceID: key.number,
                        description: "\(asking.request.entry.name) was not let in: \(refusal.word)",
                        authType: "joinToken",
                        credential: JoinToken(asking.request.token)?.id ?? "",
                        clientIP: asking.client,
                        decision: refusal.description
                    )
                )
            )
        }
        let text: String = refusal.description
        return .joinRefused(text.prefix(1).uppercased() + text.dropFirst() + ".")
    }
}

/// So many audit records a minute, and no more.
private final class AuditBudget: Sendable {
    private let state = Mutex<(minute: Int64, count: Int)>((0, 0))

    func take(_ now: Int64) -> Bool {
        state.withLock { state in
            let minute: Int64 = now / 60_000
            if state.minute != minute { state = (minute, 0) }
            state.count += 1
            return state.count <= Limits.joinAuditsPerMinute
        }
    }
}
