import Authority
import EventLoop
import Gateway
import HostFrames
import JSON
import Limits
import Logging
import Model
import Store
import StoreFormat
import Synchronization
import WebSocket

/// The hosts that are connected to this node, and how long the others have been away.
final class HostStreams: HostConnecting, Sendable {
    let state: ReplicatedState
    let ownership: Ownership
    /// What hosts are told of the cluster's gateways.
    let servers: ServerList
    let incarnation: String
    let loop: EventLoop
    let logger: Logger
    let now: @Sendable () -> Int64
    private let rotation: @Sendable () -> AuthorityRotation?
    private let table = Mutex(Sessions())
    /// When a majority last answered, by a clock that never jumps.
    private let answeredAt = Mutex(MonotonicClock.now)

    private struct Sessions {
        var connected: [UInt64: HostSession] = [:]
        /// For each host that is away, the task that will say so.
        var absences: [UInt64: Absence] = [:]
    }

    private struct Absence {
        var project: UInt64
        var task: Task<Void, Never>
    }

    init(
        state: ReplicatedState,
        ownership: Ownership,
        servers: ServerList,
        incarnation: String,
        loop: EventLoop,
        logger: Logger,
        now: @escaping @Sendable () -> Int64,
        rotation: @escaping @Sendable () -> AuthorityRotation? = { nil }
    ) {
        self.rotation = rotation
        self.state = state
        self.ownership = ownership
        self.servers = servers
        self.incarnation = incarnation
        self.loop = loop
        self.logger = logger
        self.now = now
    }

    func serve(_ socket: WebSocket, host: UInt64, project: UInt64) async {
        await HostSession(host: host, project: project, socket: socket, room: self).run()
    }

    func logs(of instance: UInt64, on host: UInt64, _ request: LogRequest) async throws(HostUnavailable) -> LogStream {
        let (session, uuid): (HostSession, String) = try find(instance, host)
        return try await session.openLogs(uuid: uuid, request)
    }

    func exec(
        of instance: UInt64,
        on host: UInt64,
        _ request: ExecRequest
    ) async throws(HostUnavailable) -> ExecStream {
        let (session, uuid): (HostSession, String) = try find(instance, host)
        return try await session.openExec(uuid: uuid, request)
    }

    private func find(_ instance: UInt64, _ host: UInt64) throws(HostUnavailable) -> (HostSession, uuid: String) {
        guard let session: HostSession = table.withLock({ $0.connected[host] }) else {
            throw HostUnavailable(
                message: "The host 1h\(host) is not connected now: its containers cannot be reached until it is back."
            )
        }
        guard let record: Record = state.store.view.get(RecordKey(.instance, instance)),
            let stored = try? InstanceRecord(document: record.document), stored.hostID == host
        else { throw HostUnavailable(message: "The container 1i\(instance) is gone from the host 1h\(host).") }
        return (session, stored.uuid)
    }

    // MARK: In touch

    /// Asks a majority every few seconds, as long as hosts are connected; until its task is cancelled.
    ///
    /// A node that is cut off from the others, or was removed and never heard of it, does not see that it has lost a scope. As long
    /// as it answered its hosts they would stay, and no owner could reach them.
    func keepInTouch() async {
        while (try? await loop.sleep(toMultipleOf: Limits.hostPingSeconds * 1_000)) != nil {
            let isAsked: Bool = table.withLock { !$0.connected.isEmpty }
            if isAsked { guard (try? await state.currentView()) != nil else { continue } }
            answeredAt.withLock { $0 = MonotonicClock.now }
        }
    }

    /// No majority has answered for so long that another node may own its hosts by now.
    var isCutOff: Bool {
        // Read first: what is answered in between must not lie ahead of the time that it is taken from.
        let answered: UInt64 = answeredAt.withLock { $0 }
        return MonotonicClock.now - answered >= UInt64(Limits.hostCutOffSeconds) * 1_000_000_000
    }

    // MARK: Sessions

    /// How many hosts have their stream at this node, and how many of its environments are away.
    var counts: (connected: Int, away: Int) { table.withLock { ($0.connected.count, $0.absences.count) } }

    func joined(_ session: HostSession) async {
        let (old, absence): (HostSession?, Task<Void, Never>?) = table.withLock { table in
            let old: HostSession? = table.connected.updateValue(session, forKey: session.host)
            return (old, table.absences.removeValue(forKey: session.host)?.task)
        }
        // A peer that is gone does not answer the close: nobody waits for it.
        if let old { Task(executorPreference: loop) { await old.replace() } }
        absence?.cancel()
        // What it is just proposing must be decided before the host's own facts are planned: written after them it would
        // show a host as away that is here.
        await absence?.value
    }

    func left(_ session: HostSession) async {
        let isCurrent: Bool = table.withLock { table in
            guard table.connected[session.host] === session else { return false }
            table.connected[session.host] = nil
            return true
        }
        // Whether it comes back is for the new owner to find out, when the scope has moved.
        if isCurrent, ownership.epoch(of: session.project) != nil { expect(session.host, of: session.project) }
    }

    /// A scope came or went.
    ///
    /// Whoever takes over knows nothing of how long a host was silent before: each gets its full grace from here on. Hosts of a
    /// scope that went are told so, and look for its new owner at once.
    func ownershipChanged(_ change: Ownership.Change) async {
        switch change {
        case .gained(let scope, _):
            let view: StoreView = state.store.view
            for number in view.numbers(.host, RecordWriting.term("accountId", scope)) {
                guard let record: Record = view.get(RecordKey(.host, number)),
                    let host = try? HostRecord(document: record.document), host.removed == nil
                else { continue }
                expect(number, of: scope)
            }
        case .lost(let scope, let epoch):
            let (absences, sessions): ([Absence], [HostSession]) = table.withLock { table in
                let gone: [UInt64] = table.absences.filter { $0.value.project == scope }.map(\.key)
                return (
                    gone.compactMap { table.absences.removeValue(forKey: $0) },
                    table.connected.values.filter { $0.project == scope }
                )
            }
            for absence in absences { absence.task.cancel() }
            await withTaskGroup(of: Void.self) { tasks in
                // One that takes nothing any more must not keep the others waiting.
                for session in sessions { tasks.addTask { await session.move(after: epoch, among: sessions.count) } }
            }
        }
    }

    /// `reconnecting` after the silence that a stream may have, `disconnected` after the grace; nothing is ever removed for it.
    private func expect(_ host: UInt64, of project: UInt64) {
        let task = Task(executorPreference: loop) {
            do {
                try await self.loop.sleep(milliseconds: Limits.hostSilenceSeconds * 1_000)
                try await self.declare("reconnecting", host)
                try await self.loop.sleep(milliseconds: Limits.hostDisconnectSeconds * 1_000)
                try await self.declare("disconnected", host)
            } catch {
                return  // it is back, or the node stops
            }
        }
        let old: Task<Void, Never>? = table.withLock { table in
            guard table.connected[host] == nil else { return task }
            return table.absences.updateValue(Absence(project: project, task: task), forKey: host)?.task
        }
        old?.cancel()
    }

    /// Says it until it is written: a proposal that fails once must not leave the host shown as present for good.
    private func declare(_ agentState: String, _ host: UInt64) async throws {
        while true {
            try Task.checkCancellation()
            do {
                return try await declareOnce(agentState, host)
            } catch HostFault.moved {
                throw HostFault.moved  // its new owner tells
            } catch let fault where fault is ProposalFault || fault is HostFault {
                logger.debug("agent state not written yet", ["error": "\(fault)"])
                try await loop.sleep(milliseconds: 1_000)
            }
        }
    }

    private func declareOnce(_ agentState: String, _ host: UInt64) async throws {
        guard let record: Record = state.store.view.get(RecordKey(.host, host)),
            let stored = try? HostRecord(document: record.document), stored.removed == nil,
            let project: UInt64 = stored.accountID
        else { return }
        let epoch: UInt64 = try await epoch(of: project)
        try await propose { view, time in
            // It may have come back since the last attempt.
            guard !Task.isCancelled else { return nil }
            return HostReports.agentState(agentState, host: host, scope: project, epoch: epoch, time: time, in: view)
        }
        try Task.checkCancellation()
        logger.notice("host is away", ["host.id": .string("1h\(host)"), "host.agentState": .string(agentState)])
    }

    private func isCurrent(_ session: HostSession) -> Bool {
        table.withLock { $0.connected[session.host] === session }
    }

    /// Whether the host is to come back with another certificate: the authority is being replaced.
    func isBehind(_ host: UInt64) -> Bool {
        guard let rotation: AuthorityRotation = rotation() else { return false }
        return HostMarks.isBehind(host, rotation, in: state.store.view, shown: nil)
    }

    func isWelcome(_ host: UInt64) -> Bool {
        guard let record: Record = state.store.view.get(RecordKey(.host, host)),
            let stored = try? HostRecord(document: record.document)
        else { return false }
        return stored.removed == nil
    }

    // MARK: Writing

    /// The epoch of an environment, once this node owns it.
    ///
    /// - Throws: ``HostFault/moved`` when another node does.
    func epoch(of project: UInt64) async throws -> UInt64 { try await ownership.wait(for: project) }

    /// Proposes what `plan` makes of the newest view, again when somebody was faster, and while there is no leader.
    ///
    /// - Parameter session: whose report it is; once a newer stream of the host has come, an old report is dropped, for it
    ///   would overwrite what the newer one said, and the agent would not say it again.
    func propose(for session: HostSession? = nil, _ plan: (StoreView, Int64) -> Transaction?) async throws {
        let deadline: Deadline = .after(seconds: Limits.hostSilenceSeconds)
        var conflicts: Int = 0
        while conflicts <= Limits.conflictRetries {
            if let session, !isCurrent(session) { throw HostFault.replaced }
            guard let transaction: Transaction = plan(state.store.view, now()) else { return }
            let outcome: TransactionOutcome
            do throws(ProposalFault) {
                outcome = try await state.propose(transaction)
            } catch {
                // Planned anew on what is there then, it may be said twice: a change of the leader must not cost the stream.
                guard !deadline.isPast, error != .stopping else { throw error }
                try await loop.sleep(milliseconds: Limits.hostReportPauseMilliseconds)
                continue
            }
            switch outcome {
            case .committed: return
            case .refused(.epochChanged): throw HostFault.moved
            case .refused: conflicts += 1
            }
        }
        throw HostFault.unexpected("a report met a conflict again and again")
    }
}
