import EventLoop
import JSON
import Limits
import Logging
import Model
import RaftCore
import RaftGroup
import Store
import StoreFormat

/// Watches the room on the disk of this node, and makes the node read-only while there is too little.
///
/// Then it also does what helps: it writes checkpoints and gives back the log below them, keeps less of the log than usual, and
/// hands leadership to a voter that has room. All of it ends by itself when there is room again.
struct DiskWatch: Sendable {
    let folders: [String]
    let member: MemberID
    let name: String
    let state: ReplicatedState
    let alarms: Alarms
    let checkpointing: Checkpointing
    let loop: EventLoop
    let logger: Logger

    /// Until its task is cancelled.
    func run() async {
        var condition: DiskCondition = .ample
        var untilRelief: Int = 0
        repeat {
            guard let tightest: DiskReport.Low = DiskReport.tightest(folders) else { continue }
            let before: DiskCondition = condition
            condition = condition.next(tightest.space)
            tell(condition == .low ? tightest : nil)
            untilRelief -= Limits.diskLookMilliseconds
            if condition == .low, before == .ample || untilRelief <= 0 {
                untilRelief = Limits.diskReliefMilliseconds
                handOver()
                _ = await checkpointing.write(keeping: Limits.raftKeptEntriesLow)
            } else if condition == .ample, before == .low {
                // What waited for room is written now.
                _ = await checkpointing.write()
            }
        } while (try? await loop.sleep(toMultipleOf: Limits.diskLookMilliseconds)) != nil
    }

    /// Lets everybody know who asks before a change.
    private func tell(_ low: DiskReport.Low?) {
        let view: StoreView = state.store.view
        // Of itself the node knows more than its record says.
        var others: Set<MemberID> = WriteAdmission.low(view)
        if low == nil { others.remove(member) } else { others.insert(member) }
        let isMajorityLow: Bool =
            !others.isEmpty && WriteAdmission.isMajorityLow(others, state.group.status.configuration)
        guard let low else {
            state.disk.set(
                low: nil,
                isMajorityLow: isMajorityLow,
                refusal: isMajorityLow ? clusterRefusal(others) : nil
            )
            return alarms.end(Alarm.Kind.diskLow)
        }
        let message: String = Self.message(name, low)
        state.disk.set(low: low, isMajorityLow: isMajorityLow, refusal: message)
        alarms.raise(Alarm.Kind.diskLow, message, command: "df -h \(low.folder)")
    }

    private func clusterRefusal(_ low: Set<MemberID>) -> String {
        let names: [String] = low.sorted().map { member in
            let record: Record? = state.store.view.get(RecordKey(.node, member.number))
            return record.flatMap { try? NodeRecord(document: $0.document) }?.name ?? "member \(member)"
        }
        return
            "The cluster is read-only: the disks of \(names.joined(separator: ", ")) are nearly full, so that no majority "
            + "has room for a change. Deletes still work. `drover cluster status` shows what helps"
    }

    /// What is so, and what helps.
    static func message(_ node: String, _ low: DiskReport.Low) -> String {
        "\(node) is read-only: the disk of \(low.folder) has \(ByteText.of(low.space.free)) free of "
            + "\(ByteText.of(low.space.total)), and needs \(ByteText.of(low.space.lowMark)). Deletes still work. Free space "
            + "on that disk or enlarge it; at \(ByteText.of(low.space.ampleMark)) free it takes changes again by itself"
    }

    private func handOver() {
        let status: GroupStatus = state.group.status
        guard status.role == .leader else { return }
        let low: Set<MemberID> = WriteAdmission.low(state.store.view)
        guard let heir: MemberID = Self.heir(status.peers, low) else { return }
        logger.notice("leadership moves, as the disk here is nearly full", ["to": .string("member \(heir)")])
        state.group.transferLeadership(to: heir)
    }

    /// Who leads instead of a node without room: of the voters that are there and have room, the one that is closest.
    static func heir(_ peers: [PeerProgress], _ low: Set<MemberID>) -> MemberID? {
        peers.filter { $0.isVoter && $0.isActive && !$0.hasLostLog && !low.contains($0.id) }
            .max { ($0.match, $1.id) < ($1.match, $0.id) }?.id
    }
}
