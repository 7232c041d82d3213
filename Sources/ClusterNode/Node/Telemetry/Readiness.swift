import JSON
import Limits
import RaftGroup

/// Why a node should not be sent requests now; the answer to `/readyz`.
enum Unreadiness: Hashable, Sendable {
    case stopping
    /// Nothing can be changed and nothing read with certainty.
    case noLeader
    /// It is that many entries behind what it knows to be committed.
    case catchingUp(entries: UInt64)

    /// Everything that keeps a node from being ready, in the order of importance.
    static func all(_ status: GroupStatus, isStopping: Bool) -> [Unreadiness] {
        var found: [Unreadiness] = []
        if isStopping { found.append(.stopping) }
        if status.leader == nil { found.append(.noLeader) }
        let behind: UInt64 = status.commit - min(status.applied, status.commit)
        if behind > Limits.readyLagEntries { found.append(.catchingUp(entries: behind)) }
        return found
    }

    var code: String {
        switch self {
        case .stopping: "stopping"
        case .noLeader: "noLeader"
        case .catchingUp: "catchingUp"
        }
    }

    var message: String {
        switch self {
        case .stopping: "The node stops."
        case .noLeader: "The node knows no leader: no majority of the members reaches it, or an election is under way."
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
        case .catchingUp: "Wait; drover cluster status shows how far it is (docs/runbooks/slow-disk.md)."
        }
    }

    var document: JSONValue { ["code": .string(code), "message": .string(message), "next": .string(next)] }
}
