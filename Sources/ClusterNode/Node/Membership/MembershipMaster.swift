import EventLoop
import Gateway
import JSON
import Limits
import Logging
import Model
import RaftCore
import RaftGroup
import Store
import StoreFormat
import Synchronization

/// Brings the members of the Raft group to what the node records want, on whichever node leads.
///
/// Level-triggered: each look compares all with all, so that a step which got lost, or a new leader, costs one look. The
/// looks are caused by changes of node records, and by a slow timer for what no record says: who is heard, who is close.
actor MembershipMaster {
    private let state: any StateProviding & Proposing
    private let group: any GroupSteering
    private let loop: EventLoop
    private let logger: Logger
    private let now: @Sendable () -> Int64
    private var steadyLooks: [MemberID: Int] = [:]
    private var lastSteady: ContinuousClock.Instant?
    private var told: [MemberID: String] = [:]
    private let shown = Mutex<[MemberID: String]>([:])

    init(
        state: any StateProviding & Proposing,
        group: any GroupSteering,
        loop: EventLoop,
        logger: Logger,
        now: @escaping @Sendable () -> Int64
    ) {
        self.state = state
        self.group = group
        self.loop = loop
        self.logger = logger
        self.now = now
    }

    /// What each member waits for, on the node that leads.
    nonisolated var reasons: [MemberID: String] { shown.withLock { $0 } }

    /// Until its task is cancelled or the store is closed.
    func run() async {
        while !Task.isCancelled {
            let watch: Watch
            do throws(WatchRefusal) {
                watch = try state.store.watch(
                    from: state.store.view.revision + 1,
                    filter: WatchFilter(tables: [.node])
                )
            } catch {
                if error == .storeClosed { return }
                guard (try? await loop.sleep(milliseconds: Limits.membershipMilliseconds)) != nil else { return }
                continue
            }
            await look()
            guard await followed(watch) else { return }
        }
    }

    /// Looks whenever a node record changes, and from time to time; returns whether to go on with a new watch.
    private func followed(_ watch: Watch) async -> Bool {
        await withTaskGroup(of: Bool?.self) { tasks in
            tasks.addTask { [self] in
                do throws(WatchEnded) {
                    while let event: WatchEvent = try await watch.next() {
                        if !event.isBookmark { await look() }
                    }
                    return false
                } catch {
                    if case .storeClosed = error { return false }
                    return true
                }
            }
            tasks.addTask { [self] in
                while (try? await loop.sleep(toMultipleOf: Limits.membershipMilliseconds)) != nil { await look() }
                return nil
            }
            var goesOn = false
            for await ended in tasks {
                // The timer ends only when it is cancelled.
                guard let ended else { continue }
                goesOn = ended
                tasks.cancelAll()
            }
            return goesOn && !Task.isCancelled
        }
    }

    private var isLooking = false
    private var isAsked = false

    /// One look at a time: what comes while one runs causes one more.
    func look() async {
        guard !isLooking else {
            isAsked = true
            return
        }
        isLooking = true
        repeat {
            isAsked = false
            // A step changes what the next one is decided on, so decide again until there is none.
            for _ in 0..<8 where await step() {}
        } while isAsked
        isLooking = false
    }

    /// Returns whether something was done.
    private func step() async -> Bool {
        let look: GroupLook = group.look
        guard look.isLeader else {
            steadyLooks = [:]
            shown.withLock { $0 = [:] }
            return false
        }
        let view: MembershipView = view(look)
        let plan: MembershipPlan = .decide(view)
        tell(plan.reasons, view)
        guard let step: MembershipStep = plan.step else {
            await forgetTokens()
            return false
        }
        switch step {
        case .change(let voters, let learners):
            if let refusal: ConfigurationRefusal = await group.changeMembers(voters: voters, learners: learners) {
                logger.debug("members not changed", ["cause": .string("\(refusal)")])
                return false
            }
            logger.notice(
                "members change",
                ["voters": .string(names(voters, view)), "learners": .string(names(learners, view))]
            )
            // The joint phase has to pass first; the timer looks again.
            return false
        case .transfer(let member):
            logger.notice("leadership moves, as this node is to be removed", ["to": .string(view.name(of: member))])
            group.transferLeadership(to: member)
            return false
        case .markActive(let number): return await mark(number, .active, "node.active")
        case .markRemoved(let number): return await mark(number, .removed, "node.removed")
        case .markDead(let number, let seconds):
            return await mark(
                number,
                .removing,
                "node.dead",
                because: "was silent for \(seconds) seconds"
            )
        }
    }

    private func view(_ look: GroupLook) -> MembershipView {
        var nodes: [MembershipView.Node] = []
        state.store.view.forEachRecord(in: .node) { record in
            if let stored = try? NodeRecord(document: record.document), stored.removed == nil {
                let wanted: MembershipView.Node.State? =
                    switch stored.membership {
                    case .joining: .joining
                    case .active: .active
                    case .removing: .removing
                    case .removed: nil
                    }
                if let wanted, record.key.number > 0 {
                    nodes.append(
                        MembershipView.Node(
                            number: record.key.number,
                            name: stored.name,
                            state: wanted,
                            version: stored.version
                        )
                    )
                }
            }
            return true
        }
        var view = MembershipView(look, nodes: nodes)
        view.deadMilliseconds = ClusterSetting.deadNodeMilliseconds(state.store.view)
        countSteady(view)
        view.steadyLooks = steadyLooks
        return view
    }

    /// Several looks within a moment are one.
    private func countSteady(_ view: MembershipView) {
        let learners: [MemberID] = view.configuration.learners
        steadyLooks = steadyLooks.filter { learners.contains($0.key) && view.isClose($0.key) }
        let now: ContinuousClock.Instant = .now
        if let lastSteady, lastSteady.duration(to: now) < .milliseconds(Limits.membershipMilliseconds / 2) { return }
        lastSteady = now
        for learner in learners where view.isClose(learner) { steadyLooks[learner, default: 0] += 1 }
    }

    /// Makes a learner a voter without waiting for it to stay close; returns why not.
    func promote(_ number: UInt64) async -> String? {
        let look: GroupLook = group.look
        guard look.isLeader else { return "this node does not lead any more" }
        let view: MembershipView = view(look)
        if let objection: String = MembershipPlan.objection(toPromoting: number, view) {
            return objection
        }
        let member = MemberID(number)
        let refusal: ConfigurationRefusal? = await group.changeMembers(
            voters: look.configuration.voters + [member],
            learners: look.configuration.learners.filter { $0 != member }
        )
        return refusal.map { "\($0)" }
    }

    private func mark(
        _ number: UInt64,
        _ wanted: NodeRecord.State,
        _ event: String,
        because: String? = nil
    ) async -> Bool {
        let key = RecordKey(.node, number)
        guard let record: Record = state.store.view.get(key), var node = try? NodeRecord(document: record.document)
        else {
            return false
        }
        node.membership = wanted
        if wanted == .removed { node.removed = now() }
        let outcome: TransactionOutcome
        do throws(ProposalFault) {
            outcome = try await state.propose(
                Transaction(
                    time: now(),
                    actor: "system",
                    requestID: "membership",
                    audit: AuditRecord(
                        eventType: event,
                        resourceType: "node",
                        resourceID: number,
                        description: because.map { "\(node.name) \($0)" }
                            ?? "\(node.name) is \(wanted.rawValue)"
                    ),
                    preconditions: [.revision(key, record.revision)],
                    writes: [RecordWriting.put(.node, .known(number), node.fields, scope: .known(0))]
                )
            )
        } catch {
            logger.debug("node record not changed", ["node.name": .string(node.name), "cause": .string("\(error)")])
            return false
        }
        guard case .committed = outcome else { return true }
        logger.notice(
            "node state changed",
            ["node.state": .string(wanted.rawValue), "node.name": .string(node.name), "node.member": JSONValue(number)]
        )
        return true
    }

    /// Deletes join tokens that are of no more use to anybody, some at a time.
    private func forgetTokens() async {
        let horizon: Int64 = now() - Limits.joinTokenKeptSeconds * 1_000
        let old: [Record] = state.store.view.records(in: .joinToken, limit: Limits.joinTokens).filter { record in
            guard let token = try? JoinTokenRecord(document: record.document) else { return false }
            return min(token.expires, token.used ?? .max, token.removed ?? .max) < horizon
        }
        guard !old.isEmpty else { return }
        _ = try? await state.propose(
            Transaction(
                time: now(),
                actor: "system",
                requestID: "membership",
                preconditions: old.map { .revision($0.key, $0.revision) },
                writes: old.map { .delete(.joinToken, .known($0.key.number)) }
            )
        )
    }

    private func tell(_ reasons: [MemberID: String], _ view: MembershipView) {
        shown.withLock { $0 = reasons }
        for (member, reason) in reasons where told[member] != reason {
            logger.info("node waits", ["node.name": .string(view.name(of: member)), "cause": .string(reason)])
        }
        told = reasons
    }

    private func names(_ members: [MemberID], _ view: MembershipView) -> String {
        members.sorted().map { view.name(of: $0) }.joined(separator: " ")
    }
}
