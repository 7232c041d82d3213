internal import Checkers
internal import RaftCore
internal import RaftLog
internal import Store
internal import StoreFormat

/// A cluster is lost, and another one goes on from its backup.
extension ClusterWorld {
    /// How far above everything that was seen the revisions go on.
    private static let rebirthRevisions: LogIndex = 100_000

    /// Half the steps as any run; then all is lost but a backup, from which one member begins another incarnation that grows
    /// again.
    ///
    /// The first life is judged when it ends, the second like any run: what it begins with is what the backup held, its
    /// revisions lie above all that were seen, sessions of the past are refused, and watches of the past list again.
    package func runRestored(steps: Int) -> ClusterReport {
        if faults.isForced { planDeeds(steps) }
        run(until: steps / 2)
        var backup: ClusterMember.Checkpoint?
        while backup == nil, checker.violation == nil {
            backup = members.first { $0.isUp && $0.applied > 0 }.flatMap(checkpoint)
            advance()
        }
        // What comes later is lost.
        run(until: now + 60)
        if let backup, checker.violation == nil { beginAgain(from: backup) }
        run(until: now + steps / 2)
        if checker.violation == nil { settle() }
        closeWatchers()
        checker.judge(watchers.map(\.record))
        return finished()
    }

    private func beginAgain(from backup: ClusterMember.Checkpoint) {
        endLife()
        guard checker.violation == nil else { return }
        let last: LogIndex = max(checker.committedIndex, members.compactMap { $0.core?.log.lastIndex }.max() ?? 0)
        for member in members {
            stop(member)
            member.downUntil = .max
            member.lingersUntil = 0
        }
        let position = LogPosition(index: last + Self.rebirthRevisions, term: backup.position.term + 1)
        let view: StoreView =
            worldFlaws.contains(.keepsSessions)
            ? backup.view.moved(to: position.index) : backup.view.reborn(at: position.index)
        pastRevision = position.index
        fleet?.endLife()
        group = GroupIdentity(cluster: group.cluster, incarnation: group.incarnation + 1)
        founders = Configuration(voters: [MemberID(UInt64(members.count + 1))], removed: members.map(\.id))
        placeLimit = min(members.count + 4, ClusterNetwork.widest)
        network.heal()
        checker = ClusterChecker(beginningWith: view)
        for record in ClusterChecker.records(of: view) where record.key.table == Self.tables[0] {
            checker.recorded(Self.kept(record, at: clock))
        }
        clock += 1
        fleet?.beginAgain(from: view)
        trace.record(now, 40, position.index, "restored as member \(members.count + 1), from entry \(backup.position)")
        plantMember(at: position, view)
    }

    /// Nobody hears anything more of the first life.
    private func endLife() {
        closeWatchers()
        for number in clients.indices {
            abandon(number)
            clients[number].seen = [:]
        }
        calls = [:]
        checker.judge(watchers.map(\.record))
        for number in watchers.indices {
            watchers[number].member = nil
            watchers[number].watch = nil
            watchers[number].record.steps = []
        }
    }

    /// What the backup held, as an operation that ended before the second life began.
    private static func kept(_ record: Record, at clock: Int64) -> ClientOperation {
        ClientOperation(
            client: "backup",
            key: "\(record.key)",
            request: .write(String(decoding: record.document, as: UTF8.self)),
            outcome: .done(revision: record.revision),
            invoked: clock,
            returned: clock
        )
    }
}
