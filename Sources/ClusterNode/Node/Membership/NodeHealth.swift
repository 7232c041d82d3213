import Glibc
import JSON
import Model
import RaftCore
import Store
import Synchronization

/// How this node is, for whoever asks about the cluster: what only the node itself, or only the leader, knows.
///
/// Shape: `{"term","commit","applied","isLeader","peers":{member:{"match","lag","silent"}},"reasons":{member:text},
/// "diskFree","diskTotal","version","certificateExpires","provenRestore","fault"}`; bytes, milliseconds since 1970; what is not
/// known is null. `peers` and `reasons` are empty on a node that does not lead.
final class NodeHealth: Sendable {
    private let look: @Sendable () -> GroupLook
    private let reasons: @Sendable () -> [MemberID: String]
    private let store: Store
    private let folder: String
    private let version: String
    private let certificateNotAfter: @Sendable () -> Int64?
    /// Milliseconds since 1970 of the last rehearsal that went well.
    let provenRestore: Mutex<Int64?> = Mutex(nil)

    init(
        look: @escaping @Sendable () -> GroupLook,
        reasons: @escaping @Sendable () -> [MemberID: String],
        store: Store,
        folder: String,
        version: String,
        certificateNotAfter: @escaping @Sendable () -> Int64?
    ) {
        self.look = look
        self.reasons = reasons
        self.store = store
        self.folder = folder
        self.version = version
        self.certificateNotAfter = certificateNotAfter
    }

    var document: JSONObject {
        let look: GroupLook = look()
        var peers: JSONObject = [:]
        for (member, peer) in look.peers.sorted(by: { $0.key < $1.key }) {
            peers["\(member)"] = [
                "match": JSONValue(peer.match), "lag": JSONValue(peer.lag),
                "silent": peer.silentMilliseconds.map { JSONValue($0) } ?? .null,
            ]
        }
        var texts: JSONObject = [:]
        for (member, reason) in reasons().sorted(by: { $0.key < $1.key }) {
            texts["\(member)"] = .string(reason)
        }
        let disk: (free: UInt64, total: UInt64)? = Self.space(of: folder)
        return [
            "term": JSONValue(look.term), "commit": JSONValue(look.commit),
            "applied": JSONValue(look.applied),
            "isLeader": .bool(look.isLeader), "peers": .object(peers), "reasons": .object(texts),
            "diskFree": disk.map { JSONValue($0.free) } ?? .null,
            "diskTotal": disk.map { JSONValue($0.total) } ?? .null,
            "version": .string(version),
            "certificateExpires": JSONValue(certificateNotAfter()),
            "provenRestore": JSONValue(provenRestore.withLock { $0 }),
            "fault": JSONValue(store.diskFault?.description),
        ]
    }

    /// Of the file system of a folder, in bytes: what this process may still take, and all.
    static func space(of folder: String) -> (free: UInt64, total: UInt64)? {
        var status = statvfs()
        guard statvfs(folder, &status) == 0 else { return nil }
        let block = UInt64(status.f_frsize)
        return (UInt64(status.f_bavail) * block, UInt64(status.f_blocks) * block)
    }
}

/// What another node says of itself; see ``NodeHealth``.
struct HeardHealth: Sendable {
    let document: JSONValue

    init?(_ reply: PeerReply?) {
        guard case .document(let bytes)? = reply,
            let document: JSONValue = try? JSONReader.parse(bytes),
            document.object != nil
        else { return nil }
        self.document = document
    }

    init(_ document: JSONObject) { self.document = .object(document) }

    func number(_ key: String) -> UInt64? { document[key]?.int.flatMap { UInt64(exactly: $0) } }
    func text(_ key: String) -> String? { document[key]?.string }
    func time(_ key: String) -> Int64? { document[key]?.int }

    /// The others as a leader sees them; empty from a node that does not lead.
    var peers: [MemberID: MembershipView.Peer] {
        var peers: [MemberID: MembershipView.Peer] = [:]
        for (name, peer) in document["peers"]?.object.map({ Array($0) }) ?? [] {
            guard let number = UInt64(name), number > 0,
                let match: UInt64 = peer["match"]?.int.flatMap({ UInt64(exactly: $0) }),
                let lag: UInt64 = peer["lag"]?.int.flatMap({ UInt64(exactly: $0) })
            else { continue }
            peers[MemberID(number)] = MembershipView.Peer(
                match: match,
                lag: lag,
                silentMilliseconds: peer["silent"]?.int.flatMap { Int(exactly: $0) }
            )
        }
        return peers
    }

    var reasons: [MemberID: String] {
        var reasons: [MemberID: String] = [:]
        for (name, reason) in document["reasons"]?.object.map({ Array($0) }) ?? [] {
            if let number = UInt64(name), number > 0 { reasons[MemberID(number)] = reason.string }
        }
        return reasons
    }
}
