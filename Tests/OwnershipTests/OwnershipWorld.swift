import TestSupport
import Testing

@testable import Ownership

/// A cluster of nodes that die, stall, join and leave, with leaders that come and go, on a clock of its own.
///
/// What is real: ``OwnershipPlan`` and ``PeerLedger``. What is played: Raft (one leader at most commits, with a majority),
/// proposals (late, lost, doubled, checked against the epoch when they are applied), drains (late, or never answered), and
/// processes (what they hold in memory dies with them).
struct OwnershipWorld {
    struct Process {
        var isAlive: Bool = true
        var stalledUntil: Int64 = 0
        var restartAt: Int64?
        /// Scopes that it released, the epoch, and since when it waits.
        var released: [UInt64: (epoch: UInt64, since: Int64)] = [:]
        var isDraining: Bool = false
    }

    struct Leadership {
        var name: String
        var ledger: PeerLedger
        var since: Int64
        var move: (move: OwnershipView.Move, began: Int64)?
    }

    struct Proposal {
        var due: Int64
        var scope: UInt64
        var to: String
        var expecting: UInt64
    }

    struct Counts {
        var steps: Int = 0
        var drains: Int = 0
        var released: Int = 0
        var cut: Int = 0
        var rescued: Int = 0
        var elections: Int = 0
    }

    static let step: Int64 = 100
    private var random: Seeded
    private(set) var now: Int64 = 0
    private(set) var voters: [String: Process] = [:]
    private(set) var leader: Leadership?
    /// Owner and epoch, as committed.
    private(set) var scopes: [UInt64: (owner: String?, epoch: UInt64)] = [0: (nil, 0)]
    private(set) var violation: String?
    private(set) var counts = Counts()
    private(set) var lastStep: Int64 = 0
    /// Nothing more happens to the cluster, and everything arrives.
    var isCalm: Bool = false
    private var electionAt: Int64? = 500
    private var proposals: [Proposal] = []
    private var answers: [(due: Int64, move: OwnershipView.Move)] = []
    private var assigned: Set<String> = []
    /// Since when a scope has an owner that cannot act.
    private var orphanSince: [UInt64: Int64] = [:]
    private var nextNode: Int = 3
    private var nextScope: UInt64 = 5

    init(seed: UInt64) {
        random = Seeded(seed)
        for name in ["n0", "n1", "n2"] { voters[name] = Process() }
        for _ in 0..<6 { addScope() }
    }

    private mutating func chance(_ perMille: Int) -> Bool { Int.random(in: 0..<1_000, using: &random) < perMille }
    private mutating func delay(_ most: Int64) -> Int64 { Int64.random(in: 0...most, using: &random) }
    private mutating func anybody() -> String? { voters.keys.sorted().randomElement(using: &random) }

    private func acts(_ name: String) -> Bool { voters[name].map { $0.isAlive && $0.stalledUntil <= now } ?? false }
    private var hasMajority: Bool { voters.keys.filter(acts).count * 2 > voters.count }

    private mutating func fail(_ what: String) { if violation == nil { violation = "at \(now): \(what)" } }

    private mutating func addScope() {
        scopes[nextScope] = (nil, 0)
        nextScope += 1
    }

    mutating func run(until end: Int64) { while now < end, violation == nil { advance() } }

    private mutating func advance() {
        now += Self.step
        if !isCalm { disturb() }
        for name in voters.keys.sorted() {
            if let at = voters[name]?.restartAt, at <= now { start(name) }
        }
        lead()
        apply()
        release()
        decide()
        check()
    }

    // MARK: What happens to it

    private mutating func disturb() {
        if chance(12), let name = anybody(), voters.values.filter(\.isAlive).count * 2 > voters.count + 1 {
            voters[name]?.isAlive = false
            voters[name]?.released = [:]
            let back: Int64 = now + 300 + delay(9_000)
            voters[name]?.restartAt = back
        }
        if chance(12), let name = anybody() {
            let until: Int64 = now + 200 + delay(4_000)
            voters[name]?.stalledUntil = until
        }
        if chance(6), leader != nil { electionAt = now }  // leadership is transferred
        if chance(8), voters.count < 6 {
            voters["n\(nextNode)"] = Process()
            nextNode += 1
        }
        if chance(6), voters.count > 3, let name = anybody() {
            if chance(500) { voters[name]?.isDraining.toggle() } else { voters[name] = nil }
        }
        if chance(15), scopes.count < 16 { addScope() }
        if chance(8), let scope = scopes.keys.sorted().randomElement(using: &random), scope != 0 { scopes[scope] = nil }
    }

    private mutating func start(_ name: String) {
        voters[name]?.isAlive = true
        voters[name]?.restartAt = nil
        for case .assign(let scope, let to, let expecting, _) in OwnershipPlan.reclaim(name, view(of: nil).scopes) {
            propose(scope, to, expecting)
        }
    }

    private mutating func lead() {
        if let current = leader {
            let isDeposed: Bool = electionAt.map { $0 <= now } ?? false
            guard !acts(current.name) || !hasMajority || isDeposed else { return }
            leader = nil
            electionAt = now + 400 + delay(600)
        }
        guard let at = electionAt, at <= now, hasMajority,
            let name = voters.keys.filter(acts).sorted().randomElement(using: &random)
        else { return }
        // What the leader before it knew of moves is gone.
        leader = Leadership(name: name, ledger: PeerLedger(electedAt: now), since: now)
        electionAt = nil
        counts.elections += 1
    }

    mutating func heal() {
        isCalm = true
        for name in voters.keys {
            voters[name]?.stalledUntil = 0
            if voters[name]?.isAlive == false { voters[name]?.restartAt = now }
        }
        if voters.values.allSatisfy(\.isDraining) { for name in voters.keys { voters[name]?.isDraining = false } }
    }

    // MARK: What is committed

    private mutating func propose(_ scope: UInt64, _ to: String, _ expecting: UInt64) {
        if !isCalm, chance(80) { return }  // lost on the way
        let due: Int64 = now + delay(isCalm ? 100 : 900)
        proposals.append(Proposal(due: due, scope: scope, to: to, expecting: expecting))
        // A retry that was not needed.
        if chance(100) {
            let again: Int64 = due + delay(2_000)
            proposals.append(Proposal(due: again, scope: scope, to: to, expecting: expecting))
        }
    }

    private mutating func apply() {
        guard leader != nil else { return }
        let due: [Proposal] = proposals.filter { $0.due <= now }
        proposals.removeAll { $0.due <= now }
        for proposal in due {
            guard let scope = scopes[proposal.scope], scope.epoch == proposal.expecting else { continue }
            let epoch: UInt64 = scope.epoch + 1
            if !assigned.insert("\(proposal.scope) \(epoch)").inserted { fail("\(proposal.scope) has \(epoch) twice") }
            scopes[proposal.scope] = (proposal.to, epoch)
        }
    }

    private mutating func release() {
        let due: [OwnershipView.Move] = answers.filter { $0.due <= now }.map(\.move)
        answers.removeAll { $0.due <= now }
        for move in due {
            guard acts(move.from), let scope = scopes[move.scope], scope.owner == move.from, scope.epoch == move.epoch
            else { continue }
            voters[move.from]?.released[move.scope] = (move.epoch, now)
            if let held = leader?.move?.move, held.scope == move.scope, held.epoch == move.epoch {
                leader?.move?.move.isReleased = true
                counts.released += 1
            }
        }
        for name in voters.keys.sorted() where acts(name) { takeUpAgain(name) }
    }

    /// Whoever released a scope and was left waiting takes it up again.
    private mutating func takeUpAgain(_ name: String) {
        for (scope, wait) in (voters[name]?.released ?? [:]).sorted(by: { $0.key < $1.key }) {
            if scopes[scope]?.epoch != wait.epoch || scopes[scope]?.owner != name {
                voters[name]?.released[scope] = nil
            } else if now - wait.since >= 2 * OwnershipTiming().drain {
                voters[name]?.released[scope]?.since = now
                let left: [OwnershipView.Scope] = view(of: nil).scopes.filter { $0.id == scope }
                for case .assign(_, let to, let expecting, _) in OwnershipPlan.reclaim(name, left) {
                    propose(scope, to, expecting)
                }
            }
        }
    }

    // MARK: What the leader does

    func view(of leader: Leadership?) -> OwnershipView {
        OwnershipView(
            nodes: voters.map { name, process in
                let isLeader: Bool = name == leader?.name
                return OwnershipView.Node(
                    name: name,
                    isVoter: true,
                    isLeader: isLeader,
                    silentMilliseconds: isLeader ? 0 : leader?.ledger.silence(of: name, at: now),
                    steadyMilliseconds: leader?.ledger.steadiness(of: name, at: now) ?? 0,
                    isDraining: process.isDraining
                )
            },
            scopes: scopes.map { OwnershipView.Scope(id: $0.key, owner: $0.value.owner, epoch: $0.value.epoch) },
            sinceLeaderMilliseconds: leader.map { now - $0.since } ?? 0,
            move: leader?.move.map { held in
                var move: OwnershipView.Move = held.move
                move.milliseconds = now - held.began
                return move
            }
        )
    }

    private mutating func decide() {
        guard var current = leader, acts(current.name) else { return }
        for name in voters.keys.sorted() where acts(name) { current.ledger.heard(name, at: now) }
        let found: [OwnershipStep] = OwnershipPlan.decide(view(of: current))
        for step in found {
            counts.steps += 1
            lastStep = now
            switch step {
            case .assign(let scope, let to, let expecting, let reason):
                if reason == .ownerLost || reason == .ownerLeft { counts.rescued += 1 }
                if reason == .drainCut { counts.cut += 1 }
                propose(scope, to, expecting)
            case .drain(let scope, let from, let to, let epoch):
                if current.move != nil { fail("a second planned move") }
                if found.count > 1 { fail("a planned move while something else is to be done") }
                counts.drains += 1
                let move = OwnershipView.Move(scope: scope, from: from, to: to, epoch: epoch)
                current.move = (move, now)
                if isCalm || !chance(250) { answers.append((now + delay(isCalm ? 500 : 7_000), move)) }
            case .forget: current.move = nil
            }
        }
        leader = current
    }

    // MARK: What must hold

    private mutating func check() {
        for (scope, state) in scopes {
            if let owner = state.owner, acts(owner) {
                orphanSince[scope] = nil
            } else if orphanSince[scope] == nil {
                orphanSince[scope] = now
            }
        }
        // Under a leader that stays nothing is orphaned for long: silence, listening, proposals that are lost or late.
        guard let leader, acts(leader.name) else { return }
        for (scope, since) in orphanSince where scopes[scope] != nil {
            if now - max(since, leader.since) > 9_000 { fail("\(scope) has no owner since \(since)") }
        }
    }
}
