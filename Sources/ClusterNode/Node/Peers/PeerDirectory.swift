import Authority
import EventLoop
import Model
import RaftCore
import Store
import StoreFormat
import Synchronization

/// Who the other nodes are and where they are reached.
///
/// The state says it once it is here. A node that has just joined knows what it was told when it was let in, and what peers
/// say of themselves when they come.
final class PeerDirectory: Sendable {
    /// One node as its record, or the answer to joining, describes it.
    struct Peer: Hashable, Sendable {
        var member: MemberID
        var name: String
        /// `host:port`; nil when it has none.
        var place: String?
        var http: String?
        var https: String?
        var membership: NodeRecord.State = .active
        /// Its scopes are to move to others: an operator wants it, or its disk is nearly full.
        var isDraining: Bool = false

        init(
            member: MemberID,
            name: String,
            place: String?,
            http: String? = nil,
            https: String? = nil,
            membership: NodeRecord.State = .active,
            isDraining: Bool = false
        ) {
            self.member = member
            self.name = name
            self.place = place
            self.http = http
            self.https = https
            self.membership = membership
            self.isDraining = isDraining
        }

        /// As a node is told of another one when it joins.
        init(_ peer: NodeConfiguration.Peer) {
            self.init(member: peer.member, name: "member-\(peer.member)", place: peer.address)
        }
    }

    private let store: Store
    private let told: Mutex<[MemberID: Peer]>
    /// The records as they were last read: they are asked for with every request that goes to another node, and hardly ever change.
    private let readings = Mutex<[MemberID: (revision: Revision, peer: Peer)]>([:])
    /// Where peers said that they are when they came, since this process started: newer than what their records say, which a
    /// node that has moved cannot change before it is reached.
    private let places = Mutex<[MemberID: NetworkPlace]>([:])

    /// - Parameter told: what the node was told when it joined.
    init(store: Store, told: [Peer]) {
        self.store = store
        self.told = Mutex(Dictionary(told.map { ($0.member, $0) }, uniquingKeysWith: { $1 }))
    }

    /// A peer whose certificate is good has come, and has said where it is reached.
    func learn(_ member: MemberID, name: String, place: String) {
        guard let parsed = NetworkPlace(place) else { return }
        places.withLock { $0[member] = parsed }
        guard peer(member) == nil else { return }
        told.withLock { $0[member] = Peer(member: member, name: name, place: place) }
    }

    /// Those in the state, removed ones, too; before there is any, those that were told.
    var all: [Peer] {
        let recorded: [Peer] = store.view.records(in: .node).compactMap { peer(in: $0) }
        let others: [Peer] = told.withLock { $0.values.sorted { $0.member < $1.member } }
        return recorded + others.filter { known in !recorded.contains { $0.member == known.member } }
    }

    func peer(_ member: MemberID) -> Peer? {
        if let record = store.view.get(RecordKey(.node, member.number)), let peer = peer(in: record) { return peer }
        return told.withLock { $0[member] }
    }

    /// Nil when the record cannot be read.
    private func peer(in record: Record) -> Peer? {
        let member = MemberID(record.key.number)
        if let known = readings.withLock({ $0[member] }), known.revision == record.revision { return known.peer }
        guard let node = try? NodeRecord(document: record.document) else { return nil }
        let peer = Peer(
            member: member,
            name: node.name,
            place: node.peer,
            http: node.http,
            https: node.https,
            membership: node.membership,
            isDraining: node.isDraining || node.isDiskLow
        )
        readings.withLock { $0[member] = (record.revision, peer) }
        return peer
    }

    /// The node of that name which is not removed.
    ///
    /// Asked for every request that goes to another node: one look, not one for each node.
    func peer(named name: String) -> Peer? {
        if let key: RecordKey = store.view.holder(NodeRecord.uniqueKey(name)), key.table == .node {
            return peer(MemberID(key.number)).flatMap { $0.membership == .removed ? nil : $0 }
        }
        return told.withLock { $0.values.first { $0.name == name } }
    }

    /// Where a member's port for peers is; nil when nobody has said.
    func endpoint(of member: MemberID) -> Endpoint? {
        let said: NetworkPlace? = places.withLock { $0[member] }
        guard let place: NetworkPlace = said ?? peer(member)?.place.flatMap({ NetworkPlace($0) }) else { return nil }
        return .tcp(host: place.host, port: place.port)
    }
}
