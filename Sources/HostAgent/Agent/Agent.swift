import EventLoop
import HostAgentCore
import HostProtocol
import HostRuntime
import HTTP
import JSON
import Limits
package import Logging

/// One host's agent: holds the core, does what it says, and tells it what happened.
///
/// The core and its files live on a thread of their own, since flushing them blocks; the network has another.
package actor Agent {
    nonisolated let configuration: AgentConfiguration
    nonisolated let logger: Logger
    /// Of the network.
    nonisolated let loop: EventLoop
    /// Of this actor.
    private nonisolated let coreLoop: EventLoop
    nonisolated let client: HTTPClient
    nonisolated let runtime: any ContainerRuntime
    private let folder: AgentFolder
    private(set) var identity: AgentIdentity
    private var core: AgentCore
    /// What the connected stream sends, in order; nil when there is none.
    private var outbound: AsyncStream<AgentFrame>.Continuation?
    private var session: AgentSession?
    private var work: [UInt64: Task<Void, Never>] = [:]
    /// By stream; the number tells a pump from a later one for a stream of the same name.
    private var pumps: [UInt64: (number: UInt64, task: Task<Void, Never>)] = [:]
    private var workCount: UInt64 = 0
    /// Why it must end; nothing is done any more.
    private var fault: AgentFault?
    private var whenFailed: AsyncStream<AgentFault>.Continuation?

    package nonisolated var unownedExecutor: UnownedSerialExecutor { coreLoop.asUnownedSerialExecutor() }

    /// Runs an agent until its task is cancelled: then it stops itself and leaves all containers as they are.
    ///
    /// - Throws: when it cannot work: a folder in use, no runtime, a token that is refused, a host that was removed (exit code 3).
    package static func run(_ configuration: AgentConfiguration, logger: Logger) async throws(AgentFault) {
        let folder: AgentFolder = try AgentFolder(configuration.dataFolder)
        let identity: AgentIdentity
        if let known: AgentIdentity = try folder.identity() {
            identity = known
        } else {
            identity = .fresh()
            // Before the first registration: a crash after it must not make a second host.
            try folder.save(identity)
        }
        guard identity.key != nil || configuration.token != nil else {
            throw AgentFault("this host is not registered yet: give the registration token with --token")
        }
        let loops: (network: EventLoop, core: EventLoop)
        do {
            loops = (try EventLoop.start(), try EventLoop.start())
        } catch {
            throw AgentFault("\(error)")
        }
        let result: Result<Void, AgentFault> = await run(configuration, folder, identity, loops, logger)
        await loops.network.stop()
        await loops.core.stop()
        try result.get()
    }

    private static func run(
        _ configuration: AgentConfiguration,
        _ folder: AgentFolder,
        _ identity: AgentIdentity,
        _ loops: (network: EventLoop, core: EventLoop),
        _ logger: Logger
    ) async -> Result<Void, AgentFault> {
        do throws(AgentFault) {
            let runtime: any ContainerRuntime = try await RuntimeSelection.choose(
                configuration,
                hostUUID: identity.hostUUID,
                folder: folder,
                loop: loops.network,
                logger: logger
            )
            logger.notice(
                "agent starts",
                [
                    "host.uuid": .string(identity.hostUUID), "host.runtime": .string(runtime.name),
                    "server.url": .string("\(configuration.url)"),
                ]
            )
            let agent = Agent(
                configuration: configuration,
                folder: folder,
                identity: identity,
                orders: try folder.orders(),
                starts: try folder.starts(),
                runtime: runtime,
                loops: loops,
                logger: logger
            )
            let fault: AgentFault? = await agent.live()
            if let fault { return .failure(fault) }
            logger.notice("agent stops; containers stay as they are")
            return .success(())
        } catch {
            return .failure(error)
        }
    }

    private init(
        configuration: AgentConfiguration,
        folder: AgentFolder,
        identity: AgentIdentity,
        orders: DesiredSet,
        starts: StartLedger,
        runtime: any ContainerRuntime,
        loops: (network: EventLoop, core: EventLoop),
        logger: Logger
    ) {
        self.configuration = configuration
        self.folder = folder
        self.identity = identity
        self.runtime = runtime
        self.logger = logger
        loop = loops.network
        coreLoop = loops.core
        client = HTTPClient(loop: loops.network)
        core = AgentCore(orders: orders, starts: starts)
    }

    /// Until cancelled (nil) or until something makes it end.
    private func live() async -> AgentFault? {
        let (faults, continuation) = AsyncStream<AgentFault>.makeStream(bufferingPolicy: .bufferingOldest(1))
        whenFailed = continuation
        input(.began(milliseconds: Self.milliseconds))
        let fault: AgentFault? = await withTaskGroup(of: AgentFault?.self) { group in
            group.addTask { await faults.first { _ in true } }
            group.addTask { await self.tick() }
            group.addTask { await self.listen() }
            group.addTask { await AgentConnection(agent: self).keep() }
            let first: AgentFault? = await group.next() ?? nil
            group.cancelAll()
            return first
        }
        self.fault = fault ?? AgentFault("the agent has stopped")
        for task in work.values { task.cancel() }
        for pump in pumps.values { pump.task.cancel() }
        client.close()
        return fault
    }

    private static var milliseconds: Int64 { Int64(MonotonicClock.now / 1_000_000) }

    /// nil when cancelled.
    private func tick() async -> AgentFault? {
        do {
            while true {
                try await loop.sleep(milliseconds: 250)
                input(.tick(milliseconds: Self.milliseconds))
            }
        } catch {
            return nil
        }
    }

    private func listen() async -> AgentFault? {
        for await event in runtime.events() {
            switch event {
            case .changed(let uuid): input(.containerChanged(uuid: uuid))
            case .interrupted: input(.eventsInterrupted)
            }
        }
        return nil
    }

    // MARK: The core

    /// Tells the core, and does what it says.
    ///
    /// Nothing suspends in between: inputs and their effects keep their order.
    func input(_ input: AgentCore.Input) {
        guard fault == nil else { return }
        for action in core.step(input) {
            do throws(AgentFault) {
                try perform(action)
            } catch {
                // What could not be written must not be acted on.
                fault = error
                whenFailed?.yield(error)
                return
            }
        }
    }

    private func perform(_ action: AgentCore.Action) throws(AgentFault) {
        switch action {
        case .note(let note): AgentNotes.log(note, logger)
        case .persistOrders(let orders): try folder.save(orders)
        case .persistStarts(let starts): try folder.save(starts)
        case .takeInventory: begin { agent in await agent.takeInventory() }
        case .run(let operation): begin { agent in await agent.carryOut(operation) }
        case .openLogs(let request, let externalID): openLogs(request, externalID)
        case .closeLogs(let stream): pumps.removeValue(forKey: stream)?.task.cancel()
        case .send(let frame):
            if case .dropped? = outbound?.yield(frame) { leave("the server reads too slowly") }
        case .closeStream(let reason): leave(reason)
        }
    }

    private func leave(_ reason: String) {
        logger.notice("leaving the server's stream", ["reason": .string(reason)])
        outbound?.finish()
        outbound = nil
    }

    private func begin(_ body: @escaping @Sendable (Agent) async -> Void) {
        workCount += 1
        let number: UInt64 = workCount
        work[number] = Task(executorPreference: loop) {
            await body(self)
            await self.ended(number)
        }
    }

    private func ended(_ number: UInt64) { work[number] = nil }

    private nonisolated func takeInventory() async {
        do {
            await input(.inventory(try await runtime.inventory()))
        } catch {
            await input(.inventoryFailed(message: error.message))
        }
    }

    private nonisolated func carryOut(_ operation: Operation) async {
        do {
            await input(.finished(operation, try await RuntimeOperations.perform(operation, on: runtime)))
        } catch {
            await input(.finished(operation, .failed(error)))
        }
    }

    // MARK: The stream

    var facts: HostFacts {
        MachineFacts.gather(configuration, hostUUID: identity.hostUUID, runtime: runtime)
    }

    var isWelcomed: Bool { core.isWelcomed }
    var stamp: FrameStamp { core.stamp }

    func registered(_ key: AgentIdentity.Key) throws(AgentFault) {
        identity.key = key
        try folder.save(identity)
    }

    /// A stream is open: what comes out of the returned queue is to be sent on it, until it ends.
    func opened(_ session: AgentSession) -> AsyncStream<AgentFrame> {
        let (frames, continuation) = AsyncStream<AgentFrame>.makeStream(
            bufferingPolicy: .bufferingOldest(Limits.webSocketQueuedMessages)
        )
        outbound?.finish()
        outbound = continuation
        self.session = session
        input(.streamOpened(facts))
        return frames
    }

    func closed() {
        outbound?.finish()
        outbound = nil
        session = nil
        input(.streamClosed)
    }

    // MARK: Output of containers

    private func openLogs(_ request: LogsRequest, _ externalID: String) {
        guard let session else { return }
        let pump = LogPump(agent: self, session: session, request: request, externalID: externalID)
        workCount += 1
        let number: UInt64 = workCount
        let task = Task(executorPreference: loop) {
            await pump.run()
            await self.logsEnded(request.stream, number)
        }
        pumps[request.stream] = (number, task)
    }

    private func logsEnded(_ stream: UInt64, _ number: UInt64) {
        guard pumps[stream]?.number == number else { return }
        pumps[stream] = nil
        input(.logsEnded(stream: stream))
    }
}
