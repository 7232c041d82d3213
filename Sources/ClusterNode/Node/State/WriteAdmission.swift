import JSON
import Limits
import Model
import RaftCore
import Store
import StoreFormat
import Synchronization

/// What a node without room on its disk still lets in: decided from values.
///
/// While one node of several is low, that node takes no changes from clients; the others do. When so many are low that no
/// majority has room, nobody takes changes, and controllers create nothing more. What deletes, and what changes the members,
/// always passes.
enum WriteAdmission {
    /// The voters whose own records say that their disk is nearly full.
    static func low(_ view: StoreView) -> Set<MemberID> {
        var low: Set<MemberID> = []
        view.forEachRecord(in: .node) { record in
            if let node = try? NodeRecord(document: record.document), node.removed == nil, node.isDiskLow,
                record.key.number > 0
            {
                low.insert(MemberID(record.key.number))
            }
            return true
        }
        return low
    }

    /// Whether so many voters are low that a change would not find a majority with room for it.
    static func isMajorityLow(_ low: Set<MemberID>, _ configuration: Configuration) -> Bool {
        !configuration.quorum.agrees { !low.contains($0) }
    }

    /// Whether the transaction makes something new that is no part of the cluster itself.
    static func grows(_ transaction: Transaction) -> Bool {
        guard transaction.created > 0 else { return false }
        return transaction.writes.contains { write in
            guard case .put(let record) = write, case .created = record.number else { return false }
            return record.table != .node && record.table != .joinToken
        }
    }
}

extension NodeRecord {
    var isDiskLow: Bool { alarms.contains { $0.kind == Alarm.Kind.diskLow } }
}

/// What this node knows of the room on its own disk and on those of the others.
///
/// Set by ``DiskWatch``: asking costs nothing, and it is asked before each change.
final class DiskReport: Sendable {
    struct Low: Hashable, Sendable {
        var folder: String
        var space: DiskSpace
    }

    private struct State {
        var low: Low?
        var refusal: String?
        var isMajorityLow: Bool = false
    }

    private let state = Mutex(State())

    init() {}

    /// nil while there is room.
    var low: Low? { state.withLock { $0.low } }

    /// Why no more may be stored now, for people; nil while it may.
    var refusal: String? { state.withLock { $0.refusal } }

    /// Nothing new may be made by anybody.
    var isMajorityLow: Bool { state.withLock { $0.isMajorityLow } }

    func set(low: Low?, isMajorityLow: Bool, refusal: String?) {
        state.withLock { $0 = State(low: low, refusal: refusal, isMajorityLow: isMajorityLow) }
    }

    /// The folder of this node's data that has the least room, and how much.
    static func tightest(_ folders: [String]) -> Low? {
        let found: [Low] = folders.compactMap { folder in
            DiskSpace(of: folder).map { Low(folder: folder, space: $0) }
        }
        // By what is above the mark: two folders may lie on disks of different size.
        return found.min { $0.margin < $1.margin }
    }
}

extension DiskReport.Low {
    fileprivate var margin: Int64 { Int64(clamping: space.free) - Int64(clamping: space.lowMark) }
}
