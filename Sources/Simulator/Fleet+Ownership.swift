internal import Limits
internal import Model
internal import Ownership
internal import RaftCore
internal import Services
internal import Store
internal import StoreFormat

/// Who owns what: the leader decides by the real plan, owners follow the state, as the node's own parts do.
extension Fleet {
    // MARK: A process comes and goes

    func started(_ member: ClusterMember) { member.server = FleetServer(member, at: now) }

    func ended(_ member: ClusterMember) {
        guard let server: FleetServer = member.server else { return }
        member.server = nil
        for session in server.sessions.values.sorted(by: { $0.host < $1.host }) { breakStream(session.stream) }
        for (id, stream) in streams.sorted(by: { $0.key < $1.key }) where stream.gateway == member.place {
            breakStream(id)
        }
    }

    /// An end of it is gone: whoever is left hears of that, or finds out by the silence.
    private func breakStream(_ id: UInt64) {
        guard let stream: FleetStream = streams[id], !stream.isDead, stream.isOpenAtHost || stream.isOpenAtServer else {
            return
        }
        streams[id]?.isDead = true
        if chance(percent: 70) { at(now + 1 + below(faults.frameDelayTicks), .closedAtHost(stream: id)) }
        if chance(percent: 70) { at(now + 1 + below(faults.frameDelayTicks), .closedAtServer(stream: id)) }
    }

    /// What the state says that this member owns when its process starts belongs to the process before it: all of it is taken
    /// under a new epoch.
    func inherit(_ server: FleetServer) {
        server.isReady = true
        guard !flaws.contains(.inheritsEpochs) else { return }
        let view: StoreView = server.view
        view.forEachScope { scope, owner in
            if owner.node == server.name { server.floor[scope] = max(server.floor[scope] ?? 0, owner.epoch) }
            return true
        }
        take(OwnershipPlan.reclaim(server.name, scopes(in: view)), server)
    }

    private func take(_ steps: [OwnershipStep], _ server: FleetServer) {
        for case .assign(let scope, _, let epoch, _) in steps {
            server.takes[scope] = FleetTake(epoch: epoch, retryAt: now)
        }
    }

    func scopes(in view: StoreView) -> [OwnershipView.Scope] {
        ([OwnershipPlan.cluster] + view.numbers(.account, Array("kind=project".utf8))).map { scope in
            let owner: ScopeOwner? = view.epoch(scope)
            return OwnershipView.Scope(id: scope, owner: owner?.node, epoch: owner?.epoch ?? 0)
        }
    }

    // MARK: Owners

    /// Compares what is held with what the state says.
    func follow(_ server: FleetServer) {
        guard server.isReady else {
            guard server.asksAt <= now else { return }
            server.asksAt = .max
            return world.call(from: server.member, .server(.start), payload: nil)
        }
        for (scope, take) in server.takes.sorted(by: { $0.key < $1.key }) where !take.waits && take.retryAt <= now {
            server.takes[scope]?.waits = true
            let transaction: Transaction = assignment(of: scope, to: server.name, after: take.epoch, at: server)
            propose(server, .take(scope: scope), acting: nil, transaction)
        }
        for (scope, given) in server.givenBack.sorted(by: { $0.key < $1.key }) where given.until <= now && !given.isBusy
        {
            server.givenBack[scope] = nil
            guard let owner: ScopeOwner = server.view.epoch(scope), owner.epoch == given.epoch else { continue }
            let left = OwnershipView.Scope(id: scope, owner: owner.node, epoch: owner.epoch)
            take(OwnershipPlan.reclaim(server.name, [left]), server)
        }
        let view: StoreView = server.view
        guard view.revision != server.followed else { return }
        server.followed = view.revision
        for (scope, epoch) in server.held.sorted(by: { $0.key < $1.key }) {
            let owner: ScopeOwner? = view.epoch(scope)
            if owner?.node != server.name || owner?.epoch != epoch { lose(scope, epoch, server) }
        }
        view.forEachScope { scope, owner in
            if owner.node == server.name, owner.epoch > server.floor[scope, default: 0],
                server.held[scope] != owner.epoch
            {
                gain(scope, owner.epoch, server)
            }
            return true
        }
    }

    private func gain(_ scope: UInt64, _ epoch: UInt64, _ server: FleetServer) {
        world.trace.record(
            now,
            120,
            server.member.id.number,
            scope,
            epoch,
            "\(server.name) owns scope \(scope), epoch \(epoch)"
        )
        checker.held(scope, epoch, in: incarnation, by: "\(server.name), start \(server.life)")
        server.held[scope] = epoch
        var worker = FleetWorker(epoch: epoch)
        worker.queue.add(Controllers.everything(in: scope, reader(server)))
        server.workers[scope] = worker
        // A new owner gives every host the full grace.
        for host in hosts where host.project == scope && server.sessions[host.number] == nil {
            expect(host.number, server)
        }
    }

    private func lose(_ scope: UInt64, _ epoch: UInt64, _ server: FleetServer) {
        guard !flaws.contains(.keepsOldEpoch) else { return }
        world.trace.record(
            now,
            121,
            server.member.id.number,
            scope,
            epoch,
            "\(server.name) gives scope \(scope) up, epoch \(epoch)"
        )
        server.held[scope] = nil
        server.workers[scope] = nil
        for host in hosts where host.project == scope {
            server.absences[host.number] = nil
            move(server, sessionOf: host.number)
        }
    }

    /// The leader asks for a scope: when nothing of it is under way here any more, it is told so.
    func release(_ release: Release, at server: FleetServer) {
        let (scope, epoch): (UInt64, UInt64) = (release.scope, release.epoch)
        if server.givenBack[scope]?.epoch == epoch, server.givenBack[scope]?.isBusy == true {
            server.givenBack[scope]?.askers.append(release)
            return
        }
        let isHeld: Bool = server.held[scope] == epoch
        let isToCome: Bool = max(server.held[scope] ?? 0, server.floor[scope] ?? 0) < epoch
        if isHeld || isToCome {
            let isBusy: Bool = isHeld && server.workers[scope]?.waits == true
            server.floor[scope] = epoch
            server.givenBack[scope] = FleetGivenBack(
                epoch: epoch,
                askers: isBusy ? [release] : [],
                isBusy: isBusy,
                until: now + 2 * Self.ticks(milliseconds: Int(Limits.ownershipDrainMilliseconds))
            )
            if isHeld { lose(scope, epoch, server) }
            guard !isBusy else { return }
        }
        answer(release, from: server)
    }

    private func answer(_ release: Release, from server: FleetServer) {
        guard world.members[release.asker].life == release.askerLife,
            world.passes(server.member.place, release.asker)
        else { return }
        at(now + world.delay(), .released(release))
    }

    /// The last proposal of a scope that was given back has its answer.
    func isDone(_ scope: UInt64, _ epoch: UInt64, _ server: FleetServer) {
        guard let given: FleetGivenBack = server.givenBack[scope], given.epoch == epoch, given.isBusy else { return }
        server.givenBack[scope]?.isBusy = false
        server.givenBack[scope]?.askers = []
        for asker in given.askers { answer(asker, from: server) }
    }

    // MARK: The leader

    static func ticks(milliseconds: Int) -> Int { milliseconds / Int(ClusterWorld.tickMilliseconds) }

    func lead(_ server: FleetServer) {
        guard let core: RaftCore = server.member.core, core.role == .leader else {
            server.office = nil
            return
        }
        if server.office?.term != core.term {
            server.office = FleetOffice(term: core.term, ledger: PeerLedger(electedAt: milliseconds), looksAt: now)
        }
        guard let office: FleetOffice = server.office, !office.waits, office.looksAt <= now else { return }
        server.office?.looksAt = now + Self.ticks(milliseconds: Limits.ownershipLookMilliseconds)
        for (id, time) in server.heard.sorted(by: { $0.key < $1.key }) {
            server.office?.ledger.heard(FleetServer.name(id), at: Int64(time) * ClusterWorld.tickMilliseconds)
        }
        guard let view: OwnershipView = ownership(server, core) else { return }
        server.office?.steps += OwnershipPlan.decide(view)
        carryOn(server)
    }

    /// By a clock that never jumps.
    var milliseconds: Int64 { Int64(now) * ClusterWorld.tickMilliseconds }

    private func ownership(_ server: FleetServer, _ core: RaftCore) -> OwnershipView? {
        guard let office: FleetOffice = server.office else { return nil }
        let nodes: [OwnershipView.Node] = core.configuration.members.map { id in
            let isLeader: Bool = id == core.id
            let name: String = FleetServer.name(id)
            return OwnershipView.Node(
                name: name,
                isVoter: core.configuration.isVoter(id),
                isLeader: isLeader,
                silentMilliseconds: isLeader ? 0 : office.ledger.silence(of: name, at: milliseconds),
                steadyMilliseconds: isLeader
                    ? office.ledger.sinceElection(at: milliseconds)
                    : office.ledger.steadiness(of: name, at: milliseconds),
                isDraining: draining.contains(id)
            )
        }
        return OwnershipView(
            nodes: nodes,
            scopes: scopes(in: server.view),
            sinceLeaderMilliseconds: office.ledger.sinceElection(at: milliseconds),
            move: office.move.map { move in
                OwnershipView.Move(
                    scope: move.scope,
                    from: move.from,
                    to: move.to,
                    epoch: move.epoch,
                    isReleased: move.isReleased,
                    milliseconds: Int64(now - move.began) * ClusterWorld.tickMilliseconds
                )
            }
        )
    }

    /// One step after the other, until one has to be waited for.
    private func carryOn(_ server: FleetServer) {
        while let step: OwnershipStep = server.office?.steps.first {
            server.office?.steps.removeFirst()
            switch step {
            case .assign(let scope, let node, let epoch, let reason):
                var transaction: Transaction = assignment(of: scope, to: node, after: epoch, at: server)
                transaction.requestID += ": \(reason.rawValue)"
                server.office?.waits = true
                if reason == .released { report.releases += 1 }
                return propose(server, .office(scope: scope, term: server.office?.term ?? 0), acting: nil, transaction)
            case .drain(let scope, let from, let to, let epoch):
                server.office?.move = (scope, from, to, epoch, false, now)
                ask(server, from, scope, epoch)
            case .forget: server.office?.move = nil
            }
        }
    }

    private func ask(_ server: FleetServer, _ owner: String, _ scope: UInt64, _ epoch: UInt64) {
        world.trace.record(now, 122, server.member.id.number, scope, epoch, "\(server.name) asks \(owner) for \(scope)")
        let asked: ClusterMember? = world.members.first { FleetServer.name($0.id) == owner }
        guard let asked, world.passes(server.member.place, asked.place) else { return }
        let release = Release(scope: scope, epoch: epoch, asker: server.member.place, askerLife: server.life)
        at(now + world.delay(), .release(release, at: asked.place))
    }

    func answered(_ server: FleetServer, officeAbout scope: UInt64, _ term: Term, _ outcome: TransactionOutcome?) {
        guard server.office?.waits == true, server.office?.term == term else { return }
        server.office?.waits = false
        guard case .committed = outcome else {
            server.office?.steps = []
            return
        }
        if server.office?.move?.scope == scope { server.office?.move = nil }
        carryOn(server)
    }

    func released(_ release: Release, to server: FleetServer) {
        guard server.life == release.askerLife, server.office?.move?.scope == release.scope,
            server.office?.move?.epoch == release.epoch
        else { return }
        server.office?.move?.isReleased = true
        server.office?.looksAt = now
    }

    /// Somebody gives an environment away, whatever its owner is doing.
    func forceMove(of project: UInt64) {
        guard let leader: ClusterMember = world.leader, let server: FleetServer = leader.server,
            let core: RaftCore = leader.core, server.office?.waits == false
        else { return }
        let owner: ScopeOwner? = server.view.epoch(project)
        let others: [String] = core.configuration.voters.map(FleetServer.name).filter { $0 != owner?.node }
        guard !others.isEmpty else { return }
        world.count(.scopeForced)
        let step: OwnershipStep = .assign(
            scope: project,
            to: others[below(others.count)],
            expecting: owner?.epoch ?? 0,
            reason: .drainCut
        )
        server.office?.steps.append(step)
        carryOn(server)
    }
}
