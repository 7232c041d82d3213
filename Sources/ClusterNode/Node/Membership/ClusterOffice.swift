import Authority
import Certificates
import Gateway
import JSON
import Model
import RaftCore
import Store
import StoreFormat

/// The cluster as operators see and steer it, on this node.
struct ClusterOffice: ClusterOperating {
    private let identity: GroupIdentity
    private let group: any GroupSteering
    private let reasons: @Sendable () -> [MemberID: String]
    private let askLeader: @Sendable (_ leader: MemberID, PeerCall) async -> PeerReply?

    /// - Parameters:
    ///   - reasons: what members wait for; see ``MembershipMaster/reasons``.
    ///   - askLeader: hands a call to the node that leads; nil when it gave no answer.
    init(
        identity: GroupIdentity,
        group: any GroupSteering,
        reasons: @escaping @Sendable () -> [MemberID: String] = { [:] },
        askLeader: @escaping @Sendable (_ leader: MemberID, PeerCall) async -> PeerReply? = { _, _ in nil }
    ) {
        self.askLeader = askLeader
        self.identity = identity
        self.group = group
        self.reasons = reasons
    }

    func status(in view: StoreView) async -> JSONObject {
        let look: GroupLook = group.look
        let nodes: [UInt64: NodeRecord] = Self.nodes(view)
        let numbers: Set<UInt64> = Set(nodes.keys).union(look.configuration.members.map(\.number))
        let reasons: [MemberID: String] = reasons()
        var scopes: [JSONValue] = []
        view.forEachScope { number, owner in
            scopes.append([
                "scope": .string(number == 0 ? "cluster" : ResourceID(number: number).rendered("a")),
                "owner": .string(owner.node), "epoch": JSONValue(owner.epoch),
            ])
            return true
        }
        return [
            "clusterId": .string(ClusterID.text(identity.cluster)),
            "incarnation": .string(ClusterID.text(identity.incarnation)),
            "leader": JSONValue(look.leader.map { nodes[$0.number]?.name ?? "member \($0)" }),
            "term": JSONValue(look.term), "commit": JSONValue(look.commit),
            "members": .array(
                numbers.sorted().map { Self.member($0, nodes[$0], look, reasons[MemberID($0)]) }
            ),
            "scopes": .array(scopes), "alarms": .array(Self.alarms(nodes)),
        ]
    }

    /// By number; without those that were removed.
    private static func nodes(_ view: StoreView) -> [UInt64: NodeRecord] {
        var nodes: [UInt64: NodeRecord] = [:]
        view.forEachRecord(in: .node) { record in
            if let node = try? NodeRecord(document: record.document), node.removed == nil, record.key.number > 0 {
                nodes[record.key.number] = node
            }
            return true
        }
        return nodes
    }

    /// What is wrong on each node, as it said itself.
    private static func alarms(_ nodes: [UInt64: NodeRecord]) -> [JSONValue] {
        nodes.sorted { $0.key < $1.key }.flatMap { _, node in
            node.alarms.map { alarm in
                [
                    "node": .string(node.name), "alarm": .string(alarm.kind), "message": .string(alarm.message),
                    "command": .string(alarm.command), "since": .string(StoredDate.text(alarm.since)),
                ]
            }
        }
    }

    private static func member(
        _ number: UInt64,
        _ node: NodeRecord?,
        _ look: GroupLook,
        _ reason: String?
    ) -> JSONValue {
        let id = MemberID(number)
        let role: String
        if look.leader == id {
            role = "leader"
        } else if look.configuration.isVoter(id) {
            role = "voter"
        } else if look.configuration.learners.contains(id) {
            role = "learner"
        } else {
            role = "none"
        }
        let isSelf: Bool = id == look.id
        let peer: MembershipView.Peer? = look.peers[id]
        return [
            "id": .string(node?.name ?? "member \(number)"), "member": JSONValue(number), "role": .string(role),
            "state": .string(node?.state ?? "active"), "draining": .bool(node?.isDraining ?? false),
            "peer": JSONValue(node?.peer), "http": JSONValue(node?.http), "https": JSONValue(node?.https),
            "applied": Self.number(isSelf ? look.applied : peer?.match),
            "lag": Self.number(isSelf && look.isLeader ? 0 : peer?.lag),
            "lastHeardMs": Self.number((isSelf ? 0 : peer?.silentMilliseconds).map { UInt64(max(0, $0)) }),
            "certificateExpires": JSONValue(node?.certificateNotAfter.map { StoredDate.text($0) }),
            "version": JSONValue(node?.version), "message": JSONValue(reason),
        ]
    }

    private static func number(_ value: UInt64?) -> JSONValue { value.map { JSONValue($0) } ?? .null }

    func makeToken(role: String, in view: StoreView) throws(Problem) -> MintedToken {
        guard let role = PeerIdentity.Role(rawValue: role) else { throw .badRequest("There is no role \(role).") }
        guard let stored: SealedAuthority = ClusterAuthority.stored(in: view),
            let authority: Certificate = try? stored.parsed()
        else {
            throw .conflict("This cluster was founded by a version without certificates: nobody can join it.")
        }
        if role == .node, !Self.nodes(view).values.contains(where: { $0.peer != nil }) {
            throw .conflict(
                "No node of this cluster has an address for other nodes: set 'peer' in the node.json of one and start it again."
            )
        }
        let token: JoinToken = .generate(role, fingerprint: authority.fingerprint)
        return MintedToken(text: token.text, id: token.id, secretHash: token.secretHash)
    }

    func objection(toRemoving node: UInt64, in view: StoreView) -> String? {
        let look: GroupLook = group.look
        var plan = MembershipView(look, nodes: [])
        plan.nodes = Self.nodes(view).sorted { $0.key < $1.key }.map {
            MembershipView.Node(number: $0.key, name: $0.value.name, state: .active)
        }
        guard look.isLeader else {
            // Who can be reached, only the leader knows; it looks again before it acts.
            let others: [MemberID] = look.configuration.voters.filter { $0.number != node }
            return others.isEmpty ? MembershipPlan.objection(toRemoving: node, plan) : nil
        }
        return MembershipPlan.objection(toRemoving: node, plan)
    }

    func objection(toLeading node: UInt64, in view: StoreView) -> String? {
        let look: GroupLook = group.look
        let member = MemberID(node)
        guard look.configuration.voters.contains(member) else { return "it is no voter" }
        guard Self.nodes(view)[node]?.membership != .removing else { return "it is being removed" }
        guard look.isLeader, member != look.id else { return nil }
        return MembershipView(look, nodes: []).isHeard(member) ? nil : "nothing is heard of it"
    }

    func transfer(to node: UInt64) async throws(Problem) {
        let look: GroupLook = group.look
        if look.leader == MemberID(node) { return }
        guard look.isLeader else {
            if let leader: MemberID = look.leader, await askLeader(leader, .handOver(to: node)) == .released { return }
            throw .unavailable(
                "This node does not lead, and could not ask the node that does to hand over: try again in a moment."
            )
        }
        group.transferLeadership(to: MemberID(node))
    }
}
