import JSON
import Limits
import RaftGroup

/// Why a node should not be sent requests now; the answer to `/readyz`.
enum Unreadiness: Hashable, Sendable {
    case stopping
    /// Nothing can be changed and nothing read with certainty.
    case noLeader
    /// Its disk is nearly full: it takes no changes from clients.
    case readOnly
    /// It is that many entries behind what it knows to be committed.
    case catchingUp(entries: UInt64)

    /// Everything that keeps a node from being ready, in the order of importance.
    static func all(_ status: GroupStatus, isStopping: Bool, isReadOnly: Bool = false) -> [Unreadiness] {
        var found: [Unreadiness] = []
        if isStopping { found.append(.stopping) }
        if status.leader == nil { found.append(.noLeader) }
        if isReadOnly { found.append(.readOnly) }
        let behind: UInt64 = status.commit - min(status.applied, status.commit)
        if behind > Limits.readyLagEntries { found.append(.catchingUp(entries: behind)) }
        return found
    }

    var code: String {
        switch self {
        case .stopping: "stopping"
        case .noLeader: "noLeader"
        case .readOnly: "readOnly"
        case .catchingUp: "catchingUp"
        }
    }

    var message: String {
        switch self {
        case .stopping: "The node stops."
        case .noLeader: "The node knows no leader: no majority of the members reaches it, or an election is under way."
        case .readOnly: "The disk of the node is nearly full, so it takes no changes; it reads and deletes."
        case .catchingUp(let entries): "The node still has to apply \(entries) entries."
        }
    }

    /// What an operator does about it.
    var next: String {
        switch self {
        case .stopping: "Wait until it is started again."
        case .noLeader:
            "Start the other nodes and mend the network. If a majority is gone for good: drover cluster recover "
                + "(docs/runbooks/lost-quorum.md)."
        case .readOnly: "Free space on the disk of its data folder: df -h (docs/runbooks/full-disk.md)."
        case .catchingUp: "Wait; drover cluster status shows how far it is (docs/runbooks/slow-disk.md)."
        }
    }

    var document: JSONValue { ["code": .string(code), "message": .string(message), "next": .string(next)] }
}
