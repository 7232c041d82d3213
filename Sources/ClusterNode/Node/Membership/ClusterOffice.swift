import Authority
import Certificates
import Gateway
import JSON
import Model
import RaftCore
import Store
import StoreFormat
import Synchronization

/// The cluster as operators see and steer it, on this node.
struct ClusterOffice: ClusterOperating {
    private let identity: GroupIdentity
    private let group: any GroupSteering
    private let reasons: @Sendable () -> [MemberID: String]
    private let ask: @Sendable (_ member: MemberID, PeerCall) async -> PeerReply?
    private let backups: BackupDesk?
    private let rotations: RotationDesk?
    private let health: NodeHealth?
    private let heard: @Sendable () -> Set<MemberID>
    private let promoteHere: @Sendable (UInt64) async -> String?
    /// How the leader saw the others when it was asked last; for a node that does not lead.
    private let leaders = LeadersLook()

    private final class LeadersLook: Sendable {
        let look = Mutex<GroupLook?>(nil)
    }

    /// - Parameters:
    ///   - reasons: what members wait for; see ``MembershipMaster/reasons``.
    ///   - health: how this node is.
    ///   - heard: the members whose connections live: asking others would only take time.
    ///   - promoteHere: see ``MembershipMaster/promote(_:)``.
    ///   - ask: hands a call to another node; nil when it gave no answer.
    init(
        identity: GroupIdentity,
        group: any GroupSteering,
        reasons: @escaping @Sendable () -> [MemberID: String] = { [:] },
        backups: BackupDesk? = nil,
        rotations: RotationDesk? = nil,
        health: NodeHealth? = nil,
        heard: @escaping @Sendable () -> Set<MemberID> = { [] },
        promoteHere: @escaping @Sendable (UInt64) async -> String? = { _ in "this node promotes nobody"
        },
        ask: @escaping @Sendable (_ member: MemberID, PeerCall) async -> PeerReply? = { _, _ in nil }
    ) {
        self.ask = ask
        self.backups = backups
        self.rotations = rotations
        self.health = health
        self.heard = heard
        self.promoteHere = promoteHere
        self.identity = identity
        self.group = group
        self.reasons = reasons
    }

    func status(in view: StoreView) async -> JSONObject {
        let look: GroupLook = group.look
        let nodes: [UInt64: NodeRecord] = Self.nodes(view)
        let numbers: Set<UInt64> = Set(nodes.keys).union(look.configuration.members.map(\.number))
        let said: [MemberID: HeardHealth] = await survey(look)
        let leader: HeardHealth? = look.isLeader ? nil : look.leader.flatMap { said[$0] }
        let reasons: [MemberID: String] = leader?.reasons ?? reasons()
        var seen: GroupLook = look
        if let leader { seen.peers = leader.peers }
        var scopes: [JSONValue] = []
        view.forEachScope { number, owner in
            scopes.append([
                "scope": .string(number == 0 ? "cluster" : ResourceID(number: number).rendered("a")),
                "owner": .string(owner.node), "epoch": JSONValue(owner.epoch),
            ])
            return true
        }
        let proven: Int64? = said.values.compactMap { $0.time("provenRestore") }.max()
        return [
            "clusterId": .string(ClusterID.text(identity.cluster)),
            "incarnation": .string(ClusterID.text(identity.incarnation)),
            "leader": JSONValue(look.leader.map { nodes[$0.number]?.name ?? "member \($0)" }),
            "term": JSONValue(look.term), "commit": JSONValue(look.commit),
            "lastProvenRestore": JSONValue(proven.map { StoredDate.text($0) }),
            "rotation": RotationProgress.of(view)?.document ?? .null,
            "members": .array(
                numbers.sorted().map { Self.member($0, nodes[$0], seen, reasons[MemberID($0)], said[MemberID($0)]) }
            ),
            "scopes": .array(scopes), "alarms": .array(Self.alarms(nodes)),
        ]
    }

    /// What each member that can be asked says of itself, this one among them.
    private func survey(_ look: GroupLook) async -> [MemberID: HeardHealth] {
        var said: [MemberID: HeardHealth] = [:]
        if let health { said[look.id] = HeardHealth(health.document) }
        let heard: Set<MemberID> = heard()
        let others: [MemberID] = look.configuration.members.filter {
            $0 != look.id && heard.contains($0)
        }
        await withTaskGroup(of: (MemberID, HeardHealth?).self) { tasks in
            for member in others { tasks.addTask { (member, HeardHealth(await ask(member, .health))) } }
            for await (member, health) in tasks { said[member] = health }
        }
        return said
    }

    func refresh() async {
        let look: GroupLook = group.look
        guard !look.isLeader, let leader: MemberID = look.leader, heard().contains(leader),
            let said = HeardHealth(await ask(leader, .health)), said.document["isLeader"] == .bool(true)
        else { return leaders.look.withLock { $0 = nil } }
        leaders.look.withLock { cached in
            cached = look
            cached?.id = leader
            cached?.isLeader = true
            cached?.peers = said.peers
        }
    }

    /// The leader's look, from wherever this is; nil when it is not known.
    private var leadersLook: GroupLook? {
        let look: GroupLook = group.look
        if look.isLeader { return look }
        return leaders.look.withLock { $0 }.flatMap {
            $0.term == look.term && $0.id == look.leader ? $0 : nil
        }
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
        _ reason: String?,
        _ health: HeardHealth?
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
            "term": Self.number(isSelf ? look.term : health?.number("term")),
            "commit": Self.number(isSelf ? look.commit : health?.number("commit")),
            "applied": Self.number(isSelf ? look.applied : health?.number("applied") ?? peer?.match),
            "lag": Self.number(look.leader == id ? 0 : peer?.lag),
            "lastHeardMs": Self.number(
                (isSelf || look.leader == id && health != nil ? 0 : peer?.silentMilliseconds).map { UInt64(max(0, $0)) }
            ),
            "diskFreeBytes": Self.number(health?.number("diskFree")),
            "diskTotalBytes": Self.number(health?.number("diskTotal")),
            "certificateExpires": JSONValue(
                (health?.time("certificateExpires") ?? node?.certificateNotAfter).map { StoredDate.text($0) }
            ),
            "version": JSONValue(health?.text("version") ?? node?.version),
            "lastProvenRestore": JSONValue(health?.time("provenRestore").map { StoredDate.text($0) }),
            "message": JSONValue(reason ?? health?.text("fault")),
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
        guard let look: GroupLook = leadersLook else {
            // Who can be reached, only the leader knows; it looks again before it acts.
            let look: GroupLook = group.look
            let others: [MemberID] = look.configuration.voters.filter { $0.number != node }
            return others.isEmpty
                ? MembershipPlan.objection(toRemoving: node, Self.membership(look, view)) : nil
        }
        return MembershipPlan.objection(toRemoving: node, Self.membership(look, view))
    }

    private static func membership(_ look: GroupLook, _ view: StoreView) -> MembershipView {
        MembershipView(
            look,
            nodes: nodes(view).sorted { $0.key < $1.key }.map {
                MembershipView.Node(number: $0.key, name: $0.value.name, state: .active)
            }
        )
    }

    func objection(toPromoting node: UInt64, in view: StoreView) -> String? {
        guard let look: GroupLook = leadersLook else {
            return " the leader cannot be asked how far it is: try again in a moment"
        }
        guard Self.nodes(view)[node]?.membership != .removing else {
            return "it is being removed"
        }
        return MembershipPlan.objection(toPromoting: node, Self.membership(look, view))
    }

    func objection(toLeading node: UInt64, in view: StoreView) -> String? {
        let member = MemberID(node)
        guard group.look.configuration.voters.contains(member) else { return "it is no voter" }
        guard Self.nodes(view)[node]?.membership != .removing else { return "it is being removed" }
        guard let look: GroupLook = leadersLook, member != look.id else { return nil }
        return MembershipView(look, nodes: []).isHeard(member) ? nil : "nothing is heard of it"
    }

    func promote(_ node: UInt64) async throws(Problem) {
        let look: GroupLook = group.look
        if look.isLeader {
            if let reason: String = await promoteHere(node) {
                throw .conflict("It is not promoted: \(reason).")
            }
            return
        }
        var reply: PeerReply?
        if let leader: MemberID = look.leader { reply = await ask(leader, .promote(node)) }
        switch reply {
        case .released?: return
        case .refused(let reason)?: throw .conflict("It is not promoted: \(reason).")
        default: throw .unavailable("The node that leads could not be asked: try again in a moment.")
        }
    }

    func transfer(to node: UInt64) async throws(Problem) {
        let look: GroupLook = group.look
        if look.leader == MemberID(node) { return }
        guard look.isLeader else {
            if let leader: MemberID = look.leader, await ask(leader, .handOver(to: node)) == .released { return }
            throw .unavailable(
                "This node does not lead, and could not ask the node that does to hand over: try again in a moment."
            )
        }
        group.transferLeadership(to: MemberID(node))
    }

    func backup() async throws(Problem) -> PreparedBackup {
        guard let backups else { throw .unavailable("This node makes no backups.") }
        return try await backups.prepare()
    }

    func beginRotation(waitSeconds: Int64, holdSeconds: Int64) throws(Problem) -> JSONObject {
        guard let rotations else { throw .conflict("This cluster was founded by a version without certificates.") }
        return try rotations.begin(waitSeconds: waitSeconds, holdSeconds: holdSeconds)
    }
}
