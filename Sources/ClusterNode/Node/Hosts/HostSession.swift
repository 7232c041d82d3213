import EventLoop
import Gateway
import HostFrames
import HostProtocol
import JSON
import Limits
import Logging
import Model
import Store
import StoreFormat
import Synchronization
import WebSocket

/// One host's stream: its desired set goes down, its reports come up.
final class HostSession: Sendable {
    let host: UInt64
    let project: UInt64
    private let socket: WebSocket
    let room: HostStreams
    /// Output of containers and commands, by stream.
    let streams = Mutex(OpenStreams())
    private let reports = ReportIntake()
    private let lastHeard: Mutex<UInt64>
    private let toldServers = Mutex<[String]>([])

    init(host: UInt64, project: UInt64, socket: WebSocket, room: HostStreams) {
        self.host = host
        self.project = project
        self.socket = socket
        self.room = room
        lastHeard = Mutex(MonotonicClock.now)
    }

    /// Until the stream ends, falls silent, or the host is removed.
    func run() async {
        let logger: Logger = room.logger.with(["host.id": .string("1h\(host)")])
        do {
            guard let hello: Hello = try await hello() else { return }
            let epoch: UInt64 = try await room.epoch(of: project)
            await room.joined(self)
            // What is lost from here on moves this session; what was lost before has not seen it.
            guard room.ownership.epoch(of: project) == epoch else { throw HostFault.moved }
            try await write(hello.facts, epoch)
            logger.notice("host connected", ["host.runtime": .string(hello.facts.runtime)])
            // The watch begins right after the view: what changes meanwhile is in it, and nothing is told twice.
            let view: StoreView = room.state.store.view
            let watch: Watch = try room.state.store.watch(
                from: view.revision + 1,
                filter: WatchFilter(tables: [.instance], term: RecordWriting.term("hostId", host))
            )
            let servers: [String] = room.servers.baseURLs
            toldServers.withLock { $0 = servers }
            try await send(
                .welcome(
                    Welcome(
                        hostID: "1h\(host)",
                        hostNumber: host,
                        pingSeconds: UInt64(Limits.hostPingSeconds),
                        servers: servers
                    )
                ),
                epoch,
                view.revision
            )
            for part in HostOrders.all(of: host, in: view).parts() { try await send(.sync(part), epoch, view.revision) }
            await carry(watch, hello.facts, epoch: epoch, from: view.revision, logger)
        } catch {
            logger.notice("host stream ended", ["error": "\(error)"])
        }
        endStreams()
        await room.left(self)
    }

    private func carry(
        _ watch: Watch,
        _ facts: HostFacts,
        epoch: UInt64,
        from revision: Revision,
        _ logger: Logger
    ) async {
        await withTaskGroup(of: String.self) { group in
            group.addTask { await self.reason { try await self.sendChanges(watch, epoch, revision) } }
            group.addTask { await self.reason { try await self.receive() } }
            group.addTask { await self.reason { try await self.writeReports(epoch) } }
            group.addTask { await self.reason { try await self.keepAlive(facts, epoch) } }
            let reason: String = await group.next() ?? ""
            logger.notice("host disconnected", ["reason": .string(reason)])
            await socket.close()
            group.cancelAll()
        }
    }

    private func reason(_ body: () async throws -> Void) async -> String {
        do {
            try await body()
            return "the stream was closed"
        } catch {
            return "\(error)"
        }
    }

    private func hello() async throws -> Hello? {
        guard let message: WebSocketMessage = try await socket.receive() else { return nil }
        guard case .hello(let hello) = try Self.frame(message).message else {
            throw HostFault.unexpected("the first frame was no hello")
        }
        return hello
    }

    private func sendChanges(_ watch: Watch, _ epoch: UInt64, _ revision: Revision) async throws {
        var held: Revision = revision
        while let event: WatchEvent = try await watch.next() {
            let sync: Sync = HostOrders.delta(event.changes.compactMap(\.after), since: held)
            guard !sync.instances.isEmpty || !sync.tombstones.isEmpty else { continue }
            for part in sync.parts() { try await send(.sync(part), epoch, event.revision) }
            held = event.revision
        }
    }

    /// Never waits for the disk: what a host says is heard while its last report is still being written.
    private func receive() async throws {
        while let message: WebSocketMessage = try await socket.receive() {
            lastHeard.withLock { $0 = MonotonicClock.now }
            switch try Self.frame(message).message {
            case .report(let report):
                guard reports.add(report) else {
                    throw HostFault.unexpected("it reports of more instances than a host can have")
                }
            case .log(let chunk): pass(chunk)
            case .logEnd(let end): finish(end)
            case .credit(let credit): passCredit(credit)
            case .exit(let exit): finish(exit)
            case .hello, .pong, .unknown: continue
            }
        }
    }

    private func writeReports(_ epoch: UInt64) async throws {
        while true {
            switch try await reports.next() {
            case .observations(let some):
                try await room.propose(for: self) { view, time in
                    HostReports.writes(some, host: host, scope: project, epoch: epoch, time: time, in: view)
                }
            case .orphans(let orphans):
                try await room.propose(for: self) { view, time in
                    HostReports.orphans(orphans, host: host, scope: project, epoch: epoch, time: time, in: view)
                }
            }
        }
    }

    private func write(_ facts: HostFacts, _ epoch: UInt64) async throws {
        try await room.propose(for: self) { view, time in
            HostReports.facts(facts, host: host, scope: project, epoch: epoch, time: time, in: view)
        }
    }

    private func keepAlive(_ facts: HostFacts, _ epoch: UInt64) async throws {
        while true {
            try await room.loop.sleep(milliseconds: Limits.hostPingSeconds * 1_000)
            // Read first: what is heard in between must not lie ahead of the time that it is taken from.
            let heard: UInt64 = lastHeard.withLock { $0 }
            let silence: UInt64 = MonotonicClock.now - heard
            guard silence < UInt64(Limits.hostSilenceSeconds) * 1_000_000_000 else { throw HostFault.silent }
            guard room.ownership.epoch(of: project) == epoch else { throw HostFault.moved }
            guard !room.isCutOff else { throw HostFault.cutOff }
            guard room.isWelcome(host) else { throw HostFault.removed }
            // Ended in good order it comes back at once, gets its certificate, and loses nothing.
            guard !room.isBehind(host) else { throw HostFault.recertified }
            if !HostReports.isShownActive(host, in: room.state.store.view) { try await write(facts, epoch) }
            let servers: [String] = room.servers.baseURLs
            let isNews: Bool = toldServers.withLock { told in
                defer { told = servers }
                return told != servers
            }
            if isNews { try await send(.servers(servers), epoch, room.state.store.appliedIndex) }
            try await send(.ping, epoch, room.state.store.appliedIndex)
        }
    }

    private func send(_ message: ServerMessage, _ epoch: UInt64, _ revision: Revision) async throws {
        let stamp = FrameStamp(incarnation: room.incarnation, epoch: epoch, revision: revision)
        try await socket.send(making: { ServerFrame(stamp, message).encoded })
    }

    /// Sends what is about a stream.
    ///
    /// The revision is read when the frame takes its place: with an older one than a sync before it has, the host would
    /// refuse the frame, and a lost credit stops its stream for good.
    func send(_ message: ServerMessage) async throws {
        try await socket.send(making: { [self] in
            let stamp = FrameStamp(
                incarnation: room.incarnation,
                epoch: room.ownership.epoch(of: project) ?? 0,
                revision: room.state.store.appliedIndex
            )
            return ServerFrame(stamp, message).encoded
        })
    }

    private static func frame(_ message: WebSocketMessage) throws -> AgentFrame {
        switch message {
        case .text(let text): try AgentFrame(decoding: Array(text.utf8))
        case .binary(let bytes): try AgentFrame(decoding: bytes)
        }
    }

    /// The scope has moved: the host is told to look for its new owner, not all hosts in the same moment.
    func move(after epoch: UInt64, among count: Int) async {
        let spread: UInt64 = min(UInt64(count) * Limits.hostMoveSpreadMilliseconds, Limits.hostMoveMilliseconds)
        try? await send(.moved(withinMilliseconds: spread), epoch, room.state.store.appliedIndex)
        Task(executorPreference: room.loop) {
            // A host that does not hear it does not answer the close, either.
            await self.socket.close(code: 1012, reason: "\(HostFault.moved)")
        }
    }

    /// A newer stream of the same host has come: this one is of no more use.
    func replace() async { await socket.close(code: 1001, reason: "a newer stream of this host took over") }
}

/// Why a host's stream ended.
enum HostFault: Error, Equatable, Sendable, CustomStringConvertible {
    case unexpected(String)
    case silent
    case moved
    case recertified
    case cutOff
    case replaced
    case removed
    case readerTooSlow
    case runtime(String)
    case notOwned
    case streamEnded
    case noAnswer

    var description: String {
        switch self {
        case .unexpected(let what): what
        case .silent: "the host was not heard from for \(Limits.hostSilenceSeconds) seconds"
        case .moved: "the environment moved to another node"
        case .recertified: "the host is to get a certificate of the new authority"
        case .cutOff: "this node has not reached a majority of the cluster for \(Limits.hostCutOffSeconds) seconds"
        case .replaced: "a newer stream of this host took over"
        case .removed: "the host was removed"
        case .readerTooSlow: "the reader is too slow for the output"
        case .runtime(let reason): reason
        case .streamEnded: "the host's stream ended"
        case .noAnswer:
            "the host's agent does not answer; one that is older than this server knows no commands: bring it up to date"
        case .notOwned: "this node does not own the environment"
        }
    }
}
