import JSON
import Model
import Ownership
import StoreFormat

/// One comparison of an active service with its instances.
///
/// Everything about instances and reservations goes into one transaction that builds on the service's
/// revision: two runs on the same state can never both create, nor can a run undo a scale that it has not seen.
struct ServiceReconciliation<State: StateReading> {
    let service: Stored<ServiceRecord>
    let state: State
    let context: ControlContext
    /// All hosts of the environment; read only when something has to be placed.
    lazy var hosts = HostViews(of: service.record.accountID ?? context.scope, in: state)
    /// Hosts looked up so far; nil for one that is gone.
    var known: [UInt64: HostView?] = [:]
    let wanted: [InstanceView]
    /// Ordered to go, by this run or before, and still there.
    var leaving: [InstanceView]

    var plan = Plan()
    var draft: Draft
    /// What stays, ascending by createIndex.
    var kept: [InstanceView] = []
    /// By service index, the latest that is no longer wanted: what a replacement inherits its back-off from.
    var predecessors: [Int: InstanceRecord] = [:]
    var problem: String?
    var placement: [JSONValue] = []

    init(_ service: Stored<ServiceRecord>, in state: State, _ context: ControlContext) {
        self.service = service
        self.state = state
        self.context = context
        let all: [Stored<InstanceRecord>] = state.all(.instance, "serviceId", service.number)
            .sorted { $0.record.createIndex < $1.record.createIndex }
        let present: [InstanceView] = all.filter { $0.record.removed == nil }.map { InstanceView($0, in: state) }
        wanted = present.filter(\.isWanted)
        leaving = present.filter(\.isLeaving)
        draft = Draft(context)
        draft.builds(on: service)
        for instance in all where instance.record.removed != nil || instance.record.goal == .removed {
            predecessors[instance.record.serviceIndex] = instance.record
        }
    }

    mutating func run() -> Plan {
        sortOut()
        removeSurplus()
        start()
        let isComplete: Bool = createMissing()
        let isOnItsWay: Bool = service.record.state != "active" || service.record.restart != nil
        if draft.isEmpty, isComplete, isOnItsWay, isStarted() {
            if let restart: ServiceRestart = service.record.restart, restarts(restart) {
                if !draft.isEmpty { plan.notes.append("restarts a batch of \(service.record.name)") }
            } else {
                finish()
            }
        }
        plan.propose(draft)
        plan.settle(
            problem: problem,
            placement: placement.isEmpty ? nil : .array(placement),
            of: service,
            in: state,
            context
        )
        return plan
    }

    private mutating func finish() {
        var record: ServiceRecord = service.record
        record.state = "active"
        record.restart = nil
        draft.rewrite(service, to: record)
    }

    /// Orders the next batch to start again, when its moment has come: everything that should run does.
    ///
    /// - Returns: false when none is left.
    private mutating func restarts(_ restart: ServiceRestart) -> Bool {
        let left: [InstanceView] = kept.filter { restart.includes($0.record) && $0.isRunning }
        guard let first: InstanceView = left.first else { return false }
        guard context.time >= restart.notBefore else {
            plan.wake(at: restart.notBefore)
            return true
        }
        var next: ServiceRestart = restart
        for view in left.prefix(max(restart.batchSize, 1)) {
            // They take turns: none is passed over, and none is told to go down whose return nobody would see.
            guard !draft.isFull, host(of: view)?.isConnected ?? false else { break }
            var record: InstanceRecord = view.record
            record.generation += 1
            draft.rewrite(view.instance, to: record)
            next.after = record.createIndex
        }
        if draft.isEmpty {
            complain("\(first.record.name) is restarted when its host answers again")
            return true
        }
        next.notBefore = context.time + restart.intervalMilliseconds
        var record: ServiceRecord = service.record
        record.restart = next
        draft.rewrite(service, to: record)
        return true
    }

    mutating func host(of view: InstanceView) -> HostView? {
        guard let number: UInt64 = view.record.hostID else { return nil }
        if let found: HostView? = known[number] { return found }
        let host: HostView? = HostView(number, in: state).flatMap { $0.isGone ? nil : $0 }
        known[number] = .some(host)
        return host
    }

    /// Orders the lost and the failed to go, each failed one not before its back-off is over.
    mutating func sortOut() {
        for view in wanted {
            guard let host: HostView = host(of: view), !host.isLeaving else {
                let cause: String = view.record.hostID == nil ? "it was never placed" : "its host was removed"
                retire(view, because: cause, isFailure: false)
                continue
            }
            // What may run on a host out of reach is not replaced: absence is never an order.
            guard view.isFailed, host.isConnected else {
                if isStranded(view, on: host) { replaceStranded(view, on: host) } else { kept.append(view) }
                continue
            }
            let message: String = view.state.message ?? "it failed"
            complain("\(view.record.name): \(message)")
            let backoff = Backoff(of: view.record)
            if backoff.isDue(at: context.time) {
                retire(view, because: message, isFailure: true)
            } else {
                plan.wake(at: backoff.notBefore)
                kept.append(view)
            }
        }
    }

    /// Whether it was on its way up when its host was lost, and may be created elsewhere (contract O12).
    private mutating func isStranded(_ view: InstanceView, on host: HostView) -> Bool {
        guard host.isLost, view.isUnborn, !service.record.isGlobal, view.record.requestedHostID == nil else {
            return false
        }
        return hosts.views.contains { $0.obstacle == nil }
    }

    private mutating func replaceStranded(_ view: InstanceView, on host: HostView) {
        if let brake: VanishingBrake = hosts.brake {
            complain(brake.reason)
            kept.append(view)
        } else {
            let name: String = host.host.record.displayName
            retire(view, because: "host \(name) was lost before it was seen to run", isFailure: false)
        }
    }

    mutating func retire(_ view: InstanceView, because cause: String, isFailure: Bool) {
        guard !draft.isFull else {
            kept.append(view)
            return
        }
        var record: InstanceRecord = view.record
        record.goal = .removed
        if isFailure {
            record.fields["replacedBecause"] = .string(cause)
            Backoff(of: record).raised(at: context.time).write(to: &record)
        }
        draft.rewrite(view.instance, to: record)
        predecessors[record.serviceIndex] = record
        leaving.append(view)
        plan.notes.append("replaces \(record.name): \(cause)")
    }

    mutating func removeSurplus() {
        var surplus: [InstanceView]
        if service.record.isGlobal {
            var seen: Set<UInt64> = []
            surplus = kept.filter { view in view.record.hostID.map { !seen.insert($0).inserted } ?? false }
        } else {
            let count: Int = kept.count - max(service.record.scale, 0)
            guard count > 0 else { return }
            // The failed ones first, then the youngest (contract O12).
            surplus = kept.sorted { left, right in
                left.isFailed == right.isFailed
                    ? left.record.createIndex > right.record.createIndex : left.isFailed
            }
            surplus.removeLast(surplus.count - count)
        }
        for view in surplus where draft.order(.removed, [view.instance]) {
            plan.notes.append("removes \(view.record.name): the scale is \(service.record.scale)")
            kept.removeAll { $0.number == view.number }
        }
    }

    /// Starts what rests and should not.
    mutating func start() {
        for view in kept where view.isStopped && !view.isStartedOnce {
            guard let host: HostView = host(of: view) else { continue }
            var record: InstanceRecord = view.record
            if record.goal == .stopped {
                // It rests because it was told to.
                Backoff().write(to: &record)
            } else {
                guard host.isConnected else { continue }
                let backoff = Backoff(of: record)
                guard backoff.isDue(at: context.time) else {
                    complain("\(record.name) keeps stopping\(ending(of: view)); it is started again after a while")
                    plan.wake(at: backoff.notBefore)
                    continue
                }
                backoff.raised(at: context.time).write(to: &record)
            }
            guard !draft.isFull else { return }
            record.goal = .running
            record.generation += 1
            draft.rewrite(view.instance, to: record)
            plan.notes.append("starts \(record.name)")
        }
        for view in kept where !view.isRunning {
            if let failure: String = view.record.text("lastFailure") { complain("\(view.record.name): \(failure)") }
        }
    }

    func ending(of view: InstanceView) -> String {
        if let code: Int64 = view.observed?.exitCode { return " (exit code \(code))" }
        return view.state.message.map { " (\($0))" } ?? ""
    }

    /// Whether all that should run do.
    ///
    /// A global service's instances on hosts that do not qualify are not asked.
    mutating func isStarted() -> Bool {
        for view in kept where !view.isRunning && !view.isStartedOnce {
            guard service.record.isGlobal, let host: HostView = host(of: view), host.obstacle != nil else {
                return false
            }
        }
        return true
    }

    /// The first complaint is the one that is shown.
    mutating func complain(_ text: String) {
        if problem == nil { problem = text }
    }
}
