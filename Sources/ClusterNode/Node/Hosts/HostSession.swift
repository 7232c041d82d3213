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
    private let project: UInt64
    private let socket: WebSocket
    private let room: HostStreams
    private let logs = Mutex(LogStreams())
    private let lastHeard: Mutex<UInt64>

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
            try await room.propose(for: self) { view, time in
                HostReports.facts(hello.facts, host: host, scope: project, epoch: epoch, time: time, in: view)
            }
            logger.notice("host connected", ["host.runtime": .string(hello.facts.runtime)])
            // The watch begins right after the view: what changes meanwhile is in it, and nothing is told twice.
            let view: StoreView = room.state.store.view
            let watch: Watch = try room.state.store.watch(
                from: view.revision + 1,
                filter: WatchFilter(tables: [.instance], term: RecordWriting.term("hostId", host))
            )
            try await send(
                .welcome(
                    Welcome(
                        hostID: "1h\(host)",
                        hostNumber: host,
                        pingSeconds: UInt64(Limits.hostPingSeconds)
                    )
                ),
                epoch,
                view.revision
            )
            for part in HostOrders.all(of: host, in: view).parts() { try await send(.sync(part), epoch, view.revision) }
            await carry(watch, epoch: epoch, from: view.revision, logger)
        } catch {
            logger.notice("host stream ended", ["error": "\(error)"])
        }
        endLogs()
        await room.left(self)
    }

    private func carry(_ watch: Watch, epoch: UInt64, from revision: Revision, _ logger: Logger) async {
        await withTaskGroup(of: String.self) { group in
            group.addTask { await self.reason { try await self.sendChanges(watch, epoch, revision) } }
            group.addTask { await self.reason { try await self.receive(epoch) } }
            group.addTask { await self.reason { try await self.keepAlive(epoch) } }
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

    private func receive(_ epoch: UInt64) async throws {
        while let message: WebSocketMessage = try await socket.receive() {
            lastHeard.withLock { $0 = MonotonicClock.now }
            switch try Self.frame(message).message {
            case .report(let report): try await take(report, epoch)
            case .log(let chunk): pass(chunk)
            case .logEnd(let end): finish(end)
            case .hello, .pong, .credit, .exit, .unknown: continue
            }
        }
    }

    private func take(_ report: Report, _ epoch: UInt64) async throws {
        let batch: Int = 100
        for start in stride(from: 0, to: report.observations.count, by: batch) {
            let some: [Observation] = Array(report.observations[start..<min(start + batch, report.observations.count)])
            try await room.propose(for: self) { view, time in
                HostReports.writes(some, host: host, scope: project, epoch: epoch, time: time, in: view)
            }
        }
        if let orphans: [Orphan] = report.orphans {
            try await room.propose(for: self) { view, time in
                HostReports.orphans(orphans, host: host, scope: project, epoch: epoch, time: time, in: view)
            }
        }
    }

    private func keepAlive(_ epoch: UInt64) async throws {
        while true {
            try await room.loop.sleep(milliseconds: Limits.hostPingSeconds * 1_000)
            // Read first: what is heard in between must not lie ahead of the time that it is taken from.
            let heard: UInt64 = lastHeard.withLock { $0 }
            let silence: UInt64 = MonotonicClock.now - heard
            guard silence < UInt64(Limits.hostSilenceSeconds) * 1_000_000_000 else { throw HostFault.silent }
            guard room.ownership.epoch(of: project) == epoch else { throw HostFault.moved }
            guard room.isWelcome(host) else { throw HostFault.removed }
            try await send(.ping, epoch, room.state.store.appliedIndex)
        }
    }

    private func send(_ message: ServerMessage, _ epoch: UInt64, _ revision: Revision) async throws {
        let stamp = FrameStamp(incarnation: room.incarnation, epoch: epoch, revision: revision)
        try await socket.send(text: String(decoding: ServerFrame(stamp, message).encoded, as: UTF8.self))
    }

    private static func frame(_ message: WebSocketMessage) throws -> AgentFrame {
        switch message {
        case .text(let text): try AgentFrame(decoding: Array(text.utf8))
        case .binary(let bytes): try AgentFrame(decoding: bytes)
        }
    }

    /// A newer stream of the same host has come: this one is of no more use.
    func replace() async { await socket.close(code: 1001, reason: "a newer stream of this host took over") }

    // MARK: Output of containers

    private struct LogStreams {
        var next: UInt64 = 1
        var open: [UInt64: AsyncThrowingStream<OutputChunk, any Error>.Continuation] = [:]
    }

    func openLogs(uuid: String, _ request: LogRequest) async throws(HostUnavailable) -> LogStream {
        let (chunks, continuation) = AsyncThrowingStream.makeStream(
            of: OutputChunk.self,
            throwing: (any Error).self,
            bufferingPolicy: .bufferingOldest(Limits.webSocketQueuedMessages)
        )
        let stream: UInt64 = logs.withLock { logs in
            defer { logs.next += 1 }
            logs.open[logs.next] = continuation
            return logs.next
        }
        do {
            let wanted = LogsRequest(
                stream: stream,
                uuid: uuid,
                follow: request.follow,
                lines: request.lines.map { UInt64(max(0, $0)) },
                timestamps: request.timestamps,
                since: request.since.flatMap { UInt64($0) }
            )
            try await send(
                .logs(wanted),
                room.ownership.epoch(of: project) ?? 0,
                room.state.store.appliedIndex
            )
        } catch {
            logs.withLock { logs in logs.open[stream] = nil }
            throw HostUnavailable(message: "the host's stream broke: \(error)")
        }
        return LogStream(chunks: chunks) { [weak self] in
            guard let self else { return }
            Task(executorPreference: self.room.loop) { await self.cancelLogs(stream) }
        }
    }

    private func cancelLogs(_ stream: UInt64) async {
        guard let open = logs.withLock({ $0.open.removeValue(forKey: stream) }) else { return }
        open.finish()
        try? await send(
            .cancel(stream: stream),
            room.ownership.epoch(of: project) ?? 0,
            room.state.store.appliedIndex
        )
    }

    private func pass(_ chunk: HostProtocol.LogChunk) {
        guard let open = logs.withLock({ $0.open[chunk.stream] }) else { return }
        let text: [UInt8] = chunk.time.map { Array("\($0) ".utf8) + chunk.bytes } ?? chunk.bytes
        let piece = OutputChunk(isError: chunk.kind == .stderr, bytes: text)
        if case .dropped = open.yield(piece) {
            // Rather an end that says so than a gap that says nothing.
            open.finish(throwing: HostFault.readerTooSlow)
            Task(executorPreference: room.loop) { await self.cancelLogs(chunk.stream) }
        }
    }

    private func finish(_ end: LogEnd) {
        guard let open = logs.withLock({ $0.open.removeValue(forKey: end.stream) }) else { return }
        if let error: String = end.error { open.finish(throwing: HostFault.runtime(error)) } else { open.finish() }
    }

    private func endLogs() {
        let open = logs.withLock { logs in
            defer { logs.open = [:] }
            return Array(logs.open.values)
        }
        for stream in open { stream.finish(throwing: HostFault.silent) }
    }
}

/// Why a host's stream ended.
enum HostFault: Error, Equatable, Sendable, CustomStringConvertible {
    case unexpected(String)
    case silent
    case moved
    case replaced
    case removed
    case readerTooSlow
    case runtime(String)
    case notOwned

    var description: String {
        switch self {
        case .unexpected(let what): what
        case .silent: "the host was not heard from for \(Limits.hostSilenceSeconds) seconds"
        case .moved: "the environment moved to another node"
        case .replaced: "a newer stream of this host took over"
        case .removed: "the host was removed"
        case .readerTooSlow: "the reader is too slow for the output"
        case .runtime(let reason): reason
        case .notOwned: "this node does not own the environment"
        }
    }
}
