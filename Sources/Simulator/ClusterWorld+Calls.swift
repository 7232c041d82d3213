internal import Limits
internal import RaftCore
internal import Store
internal import StoreFormat

/// A request's way through the cluster: gateway, leader, log, gateway, client.
extension ClusterWorld {
    /// A client's request reaches the member that it asked.
    func arrived(_ id: Int) {
        guard let call = calls[id] else { return }
        let gateway: ClusterMember = members[call.gateway]
        guard gateway.isUp, gateway.life == call.gatewayLife else { return answer(id, .refused) }
        guard gateway.pausedUntil <= now else { return schedule(.call(id), after: gateway.pausedUntil - now) }
        if call.isRead {
            calls[id]?.floor = checker.committedIndex
            return step(gateway, .read(ids: [UInt64(id)]))
        }
        guard let core = gateway.core else { return }
        if core.role == .leader { return propose(id, gateway) }
        guard let leader = core.leader, let to = member(leader) else { return answer(id, .refused) }
        if passes(gateway.place, to.place) {
            schedule(.forwarded(id, to: to.place), after: delay())
        } else if random.chance(percent: 50) {
            // Nobody takes the connection: it certainly did not run.
            answer(id, .refused)
        }
    }

    func arrivedAtLeader(_ id: Int, _ leader: ClusterMember) {
        guard let call = calls[id], leader.isUp, network.isOpen(call.gateway, leader.place, at: now) else { return }
        guard leader.pausedUntil <= now else {
            return schedule(.forwarded(id, to: leader.place), after: leader.pausedUntil - now)
        }
        guard leader.core?.role == .leader else { return handBack(id, from: leader) }
        propose(id, leader)
    }

    private func propose(_ id: Int, _ leader: ClusterMember) {
        guard let call = calls[id] else { return }
        step(leader, .propose([RaftCore.Proposal(id: UInt64(id), payload: call.payload)]))
    }

    /// It certainly did not run, and the gateway is told.
    func handBack(_ id: Int, from member: ClusterMember) {
        guard let call = calls[id] else { return }
        if call.gateway == member.place { return answer(id, .refused) }
        guard passes(member.place, call.gateway) else { return }
        schedule(.handedBack(id), after: delay())
    }

    /// Applied by the leader that proposed it.
    func decide(_ id: Int, _ outcome: TransactionOutcome, at index: LogIndex, by member: ClusterMember) {
        guard let call = calls[id] else { return }
        if call.gateway == member.place { return answer(id, .decided(outcome)) }
        guard passes(member.place, call.gateway) else { return }
        schedule(.decided(id, index: index, outcome), after: delay())
    }

    /// Whoever asks at the gateway afterwards must find there what was decided.
    func decided(_ id: Int, _ index: LogIndex, _ outcome: TransactionOutcome) {
        guard let call = calls[id] else { return }
        let gateway: ClusterMember = members[call.gateway]
        guard gateway.isUp, gateway.life == call.gatewayLife else { return }
        calls[id]?.decided = outcome
        gateway.waiting.append((id, index))
        if index <= gateway.applied { moved(gateway) }
    }

    /// A read may be answered once `index` is applied.
    func confirm(_ id: Int, _ index: LogIndex, _ member: ClusterMember) {
        guard let call = calls[id], call.gateway == member.place else { return }
        checker.answered(read: id, at: index, floor: call.floor, by: member.id)
        guard !worldFlaws.contains(.readsTooEarly), index > member.applied else { return finishHere(id, member) }
        member.waiting.append((id, index))
    }

    /// Everything that the answer rests on is applied here.
    func finishHere(_ id: Int, _ member: ClusterMember) {
        guard let call = calls[id] else { return }
        if call.isRead {
            answer(id, .read(member.store.view.get(Self.key(call.key))))
        } else if let outcome = call.decided {
            answer(id, .decided(outcome))
        }
    }

    /// A process of a member asks the cluster: for a change, or, without a payload, whether its own state is current.
    func call(from member: ClusterMember, _ asker: ClusterCall.Asker, payload: [UInt8]?) {
        let id: Int = nextCall
        nextCall += 1
        calls[id] = ClusterCall(
            asker: asker,
            isRead: payload == nil,
            key: 0,
            payload: payload ?? [],
            gateway: member.place,
            gatewayLife: member.life
        )
        schedule(.call(id), after: 1)
        schedule(.callExpired(id), after: Int(Int64(Limits.handedProposalMilliseconds) / Self.tickMilliseconds))
    }

    func answer(_ id: Int, _ answer: ClusterAnswer) {
        guard let call = calls[id] else { return }
        if case .client = call.asker, !isCalm, random.chance(percent: faults.answerLossPercent) {
            return count(.answerLost)
        }
        schedule(.answer(id, answer), after: 1)
    }
}
