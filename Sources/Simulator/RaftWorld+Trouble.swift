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
        if happens(faults.falseGonePerThousand) {
            step(any, .peerGone(nodes[random.below(nodes.count)].id))
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
        // Whoever connects again is refused at once; it may also be cut off, and hear nothing.
        for other in nodes where other.id != id && random.chance(percent: faults.gonePercent) {
            schedule(.gone(id, heardBy: other.id), after: 1 + random.below(4))
        }
    }

    /// Adds a learner, makes one a voter, makes a voter a learner, or removes somebody.
    private func changeMembers(_ leader: Int) {
        guard let current = nodes[leader].core?.configuration, !current.isJoint else { return }
        var voters: [MemberID] = current.voters
        var learners: [MemberID] = current.learners
        let replacesMany: Bool = learners.count >= 2 && random.chance(percent: 50)
        switch replacesMany ? 4 : random.below(4) {
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
        case 4:
            // All learners at once take the places of others: old and new majorities need not meet.
            let own: MemberID = nodes[leader].id
            let staying: [MemberID] = voters.filter { $0 != own }.dropLast(learners.count)
            voters = [own] + staying + learners
            learners = []
        default:
            guard voters.count > 2 else { return }
            voters.remove(at: random.below(voters.count))
        }
        step(leader, .proposeConfiguration(voters: voters, learners: learners))
        if random.chance(percent: faults.splitAtChangePercent) {
            split(current.voters.filter { $0 != nodes[leader].id }, until: now + 40 + random.below(80))
        }
    }

    private func split(_ side: [MemberID], until time: Int) {
        for node in nodes where !side.contains(node.id) {
            for member in side {
                network.cut(node.id, member, until: time)
                network.cut(member, node.id, until: time)
            }
        }
    }
}
