internal import RaftCore

/// What clients and accidents do in one tick.
extension RaftWorld {
    func causeTrouble() {
        let any: Int = random.below(nodes.count)
        if random.chance(percent: 25) { propose(at: any, count: 1 + random.below(3)) }
        if let leader = leaderPosition, random.chance(percent: 25) { propose(at: leader, count: 1 + random.below(3)) }
        if random.chance(percent: 15) { read(at: random.below(nodes.count)) }
        if happens(faults.crashPerThousand) { crash(any) }
        if happens(faults.blackoutPerThousand) { nodes.indices.forEach(crash) }
        if happens(faults.pausePerThousand) { nodes[any].pausedUntil = now + 10 + random.below(80) }
        if happens(faults.partitionPerThousand) {
            report.partitions += 1
            network.partition(nodes.map(\.id), until: now + 20 + random.below(150), random: &random)
        }
        if happens(faults.checkpointPerThousand), nodes[any].isUp {
            nodes[any].takeCheckpoint(keeping: LogIndex(random.below(20)))
        }
        if happens(faults.transferPerThousand), let leader = leaderPosition {
            step(leader, .transferLeadership(to: nodes[any].id))
        }
        if happens(faults.changePerThousand), let leader = leaderPosition { changeMembers(leader) }
        for position in nodes.indices where !nodes[position].isUp && nodes[position].downUntil <= now {
            start(position)
        }
    }

    private func happens(_ perThousand: Int) -> Bool { random.below(1_000) < perThousand }

    /// Somebody who believes to lead; not always the real one.
    private var leaderPosition: Int? {
        let believers: [Int] = nodes.indices.filter { nodes[$0].core?.role == .leader }
        return believers.isEmpty ? nil : believers[random.below(believers.count)]
    }

    func crash(_ position: Int) {
        guard nodes[position].isUp else { return }
        report.crashes += 1
        nodes[position].crash(random: &random)
        nodes[position].downUntil = now + 5 + random.below(faults.downTicks)
        let id: MemberID = nodes[position].id
        trace.record(now, 8, id.number) { "\(id) crashes" }
    }

    /// Adds a learner, makes one a voter, makes a voter a learner, or removes somebody.
    private func changeMembers(_ leader: Int) {
        guard let current = nodes[leader].core?.configuration, !current.isJoint else { return }
        var voters: [MemberID] = current.voters
        var learners: [MemberID] = current.learners
        switch random.below(5) {
        case 0:
            guard let newcomer = newMember() else { return }
            learners.append(newcomer)
        case 1:
            guard !learners.isEmpty else { return }
            voters.append(learners.remove(at: random.below(learners.count)))
            // Replacing two at once is what joint consensus is for.
            if voters.count > 3, random.chance(percent: 50) { voters.remove(at: random.below(voters.count)) }
        case 2:
            guard voters.count > 2 else { return }
            learners.append(voters.remove(at: random.below(voters.count)))
        case 3:
            // All learners at once take the places of voters: old and new majorities need not meet.
            while let learner = learners.popLast() {
                if voters.count > 2 { voters.remove(at: random.below(voters.count)) }
                voters.insert(learner, at: 0)
            }
        default:
            guard voters.count > 2 else { return }
            voters.remove(at: random.below(voters.count))
        }
        step(leader, .proposeConfiguration(voters: voters, learners: learners))
    }
}
