import JSON
import Limits
import Model
import Network
import Scheduler
import StoreFormat

/// One comparison of an active service with its instances.
///
/// Everything about instances and reservations goes into one transaction that builds on the service's
/// revision: two runs on the same state can never both create, nor can a run undo a scale that it has not seen.
struct ServiceReconciliation<State: StateReading> {
    private let service: Stored<ServiceRecord>
    private let state: State
    private let context: ControlContext
    private let hosts: HostViews
    private let wanted: [InstanceView]
    /// Ordered to go, by this run or before, and still there.
    private var leaving: [InstanceView]

    private var plan = Plan()
    private var draft: Draft
    /// What stays, ascending by createIndex.
    private var kept: [InstanceView] = []
    /// By service index, the latest that is no longer wanted: what a replacement inherits its back-off from.
    private var predecessors: [Int: InstanceRecord] = [:]
    private var problem: String?
    private var placement: [JSONValue] = []

    init(_ service: Stored<ServiceRecord>, in state: State, _ context: ControlContext) {
        self.service = service
        self.state = state
        self.context = context
        hosts = HostViews(of: service.record.accountID ?? context.scope, in: state)
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
        if draft.isEmpty, isComplete, service.record.state != "active", isStarted {
            var record: ServiceRecord = service.record
            record.state = "active"
            draft.rewrite(service, to: record)
        }
        plan.propose(draft)
        plan.settle(
            problem: problem, placement: placement.isEmpty ? nil : .array(placement), of: service, in: state, context)
        return plan
    }

    // MARK: What stays

    /// Orders the lost and the failed to go, each failed one not before its back-off is over.
    private mutating func sortOut() {
        for view in wanted {
            guard let host: HostView = view.record.hostID.flatMap({ hosts[$0] }), !host.isLeaving else {
                let cause: String = view.record.hostID == nil ? "it was never placed" : "its host was removed"
                retire(view, because: cause, isFailure: false)
                continue
            }
            // A host out of reach gets nothing replaced: absence is never an order.
            guard view.isFailed, host.isConnected else {
                kept.append(view)
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

    private mutating func retire(_ view: InstanceView, because cause: String, isFailure: Bool) {
        guard draft.writeCount < Limits.orderBatch else {
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

    private mutating func removeSurplus() {
        var surplus: [InstanceView]
        if service.record.isGlobal {
            var seen: Set<UInt64> = []
            surplus = kept.filter { view in view.record.hostID.map { !seen.insert($0).inserted } ?? false }
        } else {
            let count: Int = kept.count - max(service.record.scale, 0)
            guard count > 0 else { return }
            // The failed ones first, then the youngest (contract 3.2).
            surplus = kept.sorted { left, right in
                left.isFailed == right.isFailed
                    ? left.record.createIndex > right.record.createIndex : left.isFailed
            }
            surplus.removeLast(surplus.count - count)
        }
        for view in surplus.prefix(max(0, Limits.orderBatch - draft.writeCount)) {
            draft.order(.removed, [view.instance])
            plan.notes.append("removes \(view.record.name): the scale is \(service.record.scale)")
            kept.removeAll { $0.number == view.number }
        }
    }

    // MARK: What runs

    /// Starts what rests and should not.
    private mutating func start() {
        for view in kept where view.isStopped && !view.isStartedOnce {
            guard let host: HostView = view.record.hostID.flatMap({ hosts[$0] }) else { continue }
            var record: InstanceRecord = view.record
            if record.goal == .stopped {
                // It rests because it was told to.
                Backoff().write(to: &record)
            } else {
                guard host.isConnected else { continue }
                let backoff = Backoff(of: record)
                guard backoff.isDue(at: context.time) else {
                    complain("\(record.name) keeps stopping\(exit(view)); it is started again after a while")
                    plan.wake(at: backoff.notBefore)
                    continue
                }
                backoff.raised(at: context.time).write(to: &record)
            }
            guard draft.writeCount < Limits.orderBatch else { return }
            record.goal = .running
            record.generation += 1
            draft.rewrite(view.instance, to: record)
            plan.notes.append("starts \(record.name)")
        }
        for view in kept where !view.isRunning {
            if let failure: String = view.record.text("lastFailure") { complain("\(view.record.name): \(failure)") }
        }
    }

    private func exit(_ view: InstanceView) -> String {
        if let code: Int64 = view.observed?.exitCode { return " (exit code \(code))" }
        return view.state.message.map { " (\($0))" } ?? ""
    }

    /// Whether all that should run do. A global service's instances on hosts that do not qualify are not asked.
    private var isStarted: Bool {
        kept.allSatisfy { view in
            if view.isRunning || view.isStartedOnce { return true }
            guard service.record.isGlobal, let host: HostView = view.record.hostID.flatMap({ hosts[$0] }) else {
                return false
            }
            return host.obstacle != nil
        }
    }

    // MARK: What is missing

    /// Places and creates what is missing; false while something still is.
    private mutating func createMissing() -> Bool {
        let targets: [UInt64?]
        if service.record.isGlobal {
            let candidates: [HostCandidate] = hosts.candidates()
            guard candidates.contains(where: { $0.obstacle == nil }) else {
                complain(PlacementRefusal.noHealthyHost.description)
                return false
            }
            let taken: Set<UInt64> = Set(kept.compactMap(\.record.hostID))
            targets = Scheduler.globalVerdicts(Affinity(service.record.labels), on: candidates)
                .filter { $0.fits && !taken.contains($0.host) }.map(\.host)
        } else {
            let requested: UInt64? = InstanceRecord(fields: service.record.launchConfig).requestedHostID
            targets = Array(repeating: requested, count: max(0, service.record.scale - kept.count))
        }
        guard !targets.isEmpty else { return true }
        create(Array(targets.prefix(Limits.placementBatch)))
        return false
    }

    private mutating func create(_ targets: [UInt64?]) {
        let published = PublishedPorts(InstanceRecord(fields: service.record.launchConfig).ports)
        guard published.unreadable.isEmpty else {
            complain("the port specification \(published.unreadable[0]) cannot be read; correct the service's ports")
            return
        }
        let blueprint = InstanceBlueprint(service, in: state)
        var free: [Int] = freeIndexes(targets.count).reversed()
        var uuids: UUIDSource = context.uuids
        // The platform's own labels count: `${stack_name}` in an affinity label stands for one of them.
        let sample: InstanceRecord = blueprint.instance(
            index: free.last ?? 1, createIndex: 0, requestedHost: nil, time: context.time, uuids: &uuids)
        let affinity = Affinity(sample.labels)
        let requests: [PlacementRequest] = zip(targets, free.reversed()).map { target, index in
            PlacementRequest(
                unit: blueprint.name(index), affinity: affinity, ports: published.ports, requestedHost: target)
        }
        let own: [UInt64] = kept.compactMap(\.record.hostID)
        let placements: [Placement] = Scheduler.place(requests, on: hosts.candidates(serviceHosts: own))

        var claims: [UInt64: [HostClaim]] = [:]
        var createIndex: Int = service.record.createIndex
        for placement in placements {
            guard let host: UInt64 = placement.host else { continue }
            guard let index: Int = free.popLast() else { break }
            createIndex += 1
            var record: InstanceRecord = blueprint.instance(
                index: index, createIndex: createIndex, requestedHost: placement.request.requestedHost,
                time: context.time, uuids: &uuids)
            record.hostID = host
            if let before: InstanceRecord = predecessors[index], let cause: String = before.text("replacedBecause") {
                Backoff(of: before).write(to: &record)
                record.fields["lastFailure"] = .string(cause)
            }
            let number: NumberReference = draft.create(.instance, record)
            claims[host, default: []].append(HostClaim(instance: number, ports: published.ports.map(\.canonical)))
            plan.notes.append("creates \(record.name) on host \(host)")
        }
        for (host, claims) in claims.sorted(by: { $0.key < $1.key }) {
            if let view: HostView = hosts[host] { draft.reserve(on: view, claims) }
        }
        if createIndex > service.record.createIndex {
            var record: ServiceRecord = service.record
            record.createIndex = createIndex
            draft.rewrite(service, to: record)
        }
        explainRefusals(placements)
    }

    /// The lowest numbers from 1 that no kept instance has, ascending.
    private func freeIndexes(_ count: Int) -> [Int] {
        let used: Set<Int> = Set(kept.map(\.record.serviceIndex))
        var free: [Int] = []
        var index: Int = 1
        while free.count < count {
            if !used.contains(index) { free.append(index) }
            index += 1
        }
        return free
    }

    private mutating func explainRefusals(_ placements: [Placement]) {
        let refused: [Placement] = placements.filter { $0.refusal != nil }
        guard let first: Placement = refused.first, let refusal: PlacementRefusal = first.refusal else { return }
        // While an own instance is still going, its place and ports come free by themselves.
        if let going: InstanceView = leaving.first(where: { isGoing($0) }) {
            plan.notes.append("waits for \(going.record.name) to be gone: \(refusal)")
            return
        }
        complain(refusal.description)
        let isForced: Bool = first.request.requestedHost != nil
        let verdicts: [HostVerdict] =
            isForced
            ? refused.flatMap { placement in
                placement.verdicts.filter { $0.host == placement.request.requestedHost }
            } : first.verdicts
        placement = verdicts.map { ["host": JSONValue($0.host), "reason": .string($0.summary)] }
    }

    private func isGoing(_ view: InstanceView) -> Bool {
        view.record.hostID.flatMap { hosts[$0] }?.isConnected ?? false
    }

    /// The first complaint is the one that is shown.
    private mutating func complain(_ text: String) {
        if problem == nil { problem = text }
    }
}
