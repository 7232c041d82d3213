import EventLoop
import JSON
import Limits
import Logging
import Model
import Ownership
import RaftCore
import RaftGroup
import RaftTransport
import Store
import StoreFormat
import Synchronization

/// Gives scopes to nodes, on whichever node leads: makes the view of each moment, asks ``OwnershipPlan``, and carries out
/// what it says.
///
/// What it remembers of a move is in memory only: a new leader knows of none, and an owner that has released a scope in vain
/// takes it again by itself.
actor OwnershipMaster {
    private let state: ReplicatedState
    private let directory: PeerDirectory
    private let node: String
    private let loop: EventLoop
    private let logger: Logger
    private let now: @Sendable () -> Int64
    /// Gives a scope back that this very node owns.
    private let releaseHere: @Sendable (_ scope: UInt64, _ epoch: UInt64) async -> Void

    private var term: Term = 0
    private var ledger = PeerLedger(electedAt: 0)
    private var scopes = LiveScopes()
    private var move: Move?
    /// The release that the move waits for.
    private var releasing: Task<Void, Never>?

    /// Nodes that said that they are about to stop, and until when that counts.
    private var leaving: [MemberID: Int64] = [:]

    private struct Move {
        var scope: UInt64
        var from: String
        var to: String
        var epoch: UInt64
        var isReleased: Bool = false
        var began: Int64
    }

    init(
        state: ReplicatedState,
        directory: PeerDirectory,
        node: String,
        loop: EventLoop,
        logger: Logger,
        now: @escaping @Sendable () -> Int64,
        releaseHere: @escaping @Sendable (_ scope: UInt64, _ epoch: UInt64) async -> Void
    ) {
        self.releaseHere = releaseHere
        self.state = state
        self.directory = directory
        self.node = node
        self.loop = loop
        self.logger = logger
        self.now = now
    }

    /// Until its task is cancelled.
    ///
    /// Silence has no event, so a leader looks a few times a second; a look at a cluster that is as it should be costs
    /// microseconds and changes nothing. A new environment or a changed owner is looked at when it comes.
    func run() async {
        let changes = Task(executorPreference: loop) { await self.followChanges() }
        defer { changes.cancel() }
        while (try? await loop.sleep(toMultipleOf: Limits.ownershipLookMilliseconds)) != nil { await look() }
    }

    private func followChanges() async {
        while !Task.isCancelled {
            do {
                // Environments and nodes come and go by records of these tables.
                let watch: Watch = try state.store.watch(
                    from: state.store.view.revision + 1,
                    filter: WatchFilter(tables: [.account, .node])
                )
                while let event: WatchEvent = try await watch.next() {
                    if !event.isBookmark { await look() }
                }
            } catch WatchEnded.storeClosed {
                return
            } catch WatchRefusal.storeClosed {
                return
            } catch {
                guard (try? await loop.sleep(milliseconds: 200)) != nil else { return }
            }
        }
    }

    /// The node is about to stop: for a while nothing is moved to it.
    func leaves(_ member: MemberID) {
        leaving[member] = Int64(MonotonicClock.now / 1_000_000) + Limits.leavingMemoryMilliseconds
    }

    private var isLooking: Bool = false

    /// One decision, carried out; a second call while one runs does nothing: the timer comes again.
    private func look() async {
        guard !isLooking else { return }
        isLooking = true
        defer { isLooking = false }
        let status: GroupStatus = state.group.status
        guard status.role == .leader else {
            forgetMove()
            return
        }
        let time = Int64(MonotonicClock.now / 1_000_000)
        if status.term != term {
            term = status.term
            ledger = PeerLedger(electedAt: time)
            forgetMove()
        }
        for peer in state.transport?.status() ?? [] {
            guard let silent: Int = peer.silentMilliseconds, let name: String = directory.peer(peer.member)?.name else {
                continue
            }
            ledger.heard(name, at: time - Int64(silent))
        }
        leaving = leaving.filter {
            $0.value > time
        }
        for step in OwnershipPlan.decide(view(status, at: time)) {
            guard await perform(step, at: time) else { return }
        }
    }

    private func view(_ status: GroupStatus, at time: Int64) -> OwnershipView {
        let nodes: [OwnershipView.Node] = status.configuration.members.compactMap { member in
            guard let peer: PeerDirectory.Peer = directory.peer(member) else { return nil }
            let isLeader: Bool = member == status.id
            return OwnershipView.Node(
                name: peer.name,
                isVoter: status.configuration.isVoter(member),
                isLeader: isLeader,
                silentMilliseconds: isLeader ? 0 : ledger.silence(of: peer.name, at: time),
                steadyMilliseconds: isLeader
                    ? ledger.sinceElection(at: time) : ledger.steadiness(of: peer.name, at: time),
                isDraining: peer.isDraining || peer.membership == .removing || leaving[member] != nil
            )
        }
        return OwnershipView(
            nodes: nodes,
            scopes: scopes.scopes(in: state.store.view),
            sinceLeaderMilliseconds: ledger.sinceElection(at: time),
            move: move.map { move in
                OwnershipView.Move(
                    scope: move.scope,
                    from: move.from,
                    to: move.to,
                    epoch: move.epoch,
                    isReleased: move.isReleased,
                    milliseconds: time - move.began
                )
            }
        )
    }

    /// Returns whether to go on with the steps that follow.
    private func perform(_ step: OwnershipStep, at time: Int64) async -> Bool {
        switch step {
        case .assign(let scope, let to, let epoch, let reason):
            do {
                let outcome: TransactionOutcome = try await state.propose(
                    .assignment(of: scope, to: to, after: epoch, time: now())
                )
                guard case .committed = outcome else { return false }
                logger.notice(
                    "scope assigned",
                    ["scope": .init(scope), "node": .string(to), "reason": .string(reason.rawValue)]
                )
            } catch {
                logger.debug("scope not assigned", ["scope": .init(scope), "error": .string("\(error)")])
                return false
            }
            if move?.scope == scope { forgetMove() }
        case .drain(let scope, let from, let to, let epoch):
            logger.notice(
                "scope moves",
                ["scope": .init(scope), "from": .string(from), "to": .string(to)]
            )
            move = Move(scope: scope, from: from, to: to, epoch: epoch, began: time)
            releasing = Task(executorPreference: loop) { await self.release(scope, from: from, epoch: epoch) }
        case .forget: forgetMove()
        }
        return true
    }

    private func forgetMove() {
        releasing?.cancel()
        releasing = nil
        move = nil
    }

    /// Asks the owner to give the scope back; the next decision follows as soon as it has.
    private func release(_ scope: UInt64, from: String, epoch: UInt64) async {
        let isReleased: Bool
        if from == node {
            await releaseHere(scope, epoch)
            isReleased = true
        } else {
            isReleased = await askForRelease(scope, from, epoch)
        }
        guard isReleased, !Task.isCancelled, move?.scope == scope, move?.epoch == epoch else { return }
        move?.isReleased = true
        await look()
    }

    private func askForRelease(_ scope: UInt64, _ owner: String, _ epoch: UInt64) async -> Bool {
        guard let transport: RaftTransport = state.transport, let peer = directory.peer(named: owner),
            let answer: [UInt8] = try? await transport.call(
                peer.member,
                PeerCall.release(scope: scope, epoch: epoch).encoded,
                before: .after(milliseconds: Int(Limits.ownershipDrainMilliseconds))
            )
        else { return false }
        return (try? PeerReply(decoding: answer)) == .released
    }
}
