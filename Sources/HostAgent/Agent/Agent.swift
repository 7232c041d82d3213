import WebSocket
import Certificates
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
    nonisolated let transport: AgentTransport
    nonisolated let runtime: any ContainerRuntime
    private let folder: AgentFolder
    private(set) var identity: AgentIdentity
    /// Servers that servers told of, of the scheme that this agent speaks.
    private var learned: [ServerURL]
    /// The stream's end was announced: the next is wanted within so many milliseconds.
    private var comeBack: Int?
    private var wasRestless: Bool = false
    private var core: AgentCore
    /// What the connected stream sends, in order; nil when there is none.
    private var outbound: AsyncStream<AgentFrame>.Continuation?
    private var session: AgentSession?
    private var work: [UInt64: Task<Void, Never>] = [:]
    /// By stream.
    private var pumps: [UInt64: Pump] = [:]
    private var workCount: UInt64 = 0
    /// Why it must end; nothing is done any more.
    private var fault: AgentFault?
    private var whenFailed: AsyncStream<AgentFault>.Continuation?

    /// Carries one stream of output.
    private struct Pump {
        /// Tells it from a later one for a stream of the same name.
        var number: UInt64
        var task: Task<Void, Never>
        /// For its output.
        var gate: CreditGate
        /// nil for the output of a container.
        var feed: ExecFeed?
    }

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
        guard let first: ServerURL = configuration.urls.first else { throw AgentFault("give a server with --url") }
        guard configuration.urls.allSatisfy({ $0.isSecure == first.isSecure }) else {
            throw AgentFault(
                "the addresses of the servers must be all of https, or all of http: a stream never falls back"
            )
        }
        if !first.isSecure {
            logger.notice(
                "the stream to the server is in plain text: whoever is on the way can read and change it; use https",
                ["server.url": .string("\(first)")]
            )
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
                    "server.url": .string(configuration.urls.map(\.description).joined(separator: " ")),
                ]
            )
            let agent = Agent(
                configuration: configuration,
                folder: folder,
                identity: identity,
                orders: try folder.orders(),
                starts: try folder.starts(),
                learned: ServerList.usable(try folder.servers(), beside: configuration.urls),
                transport: try transport(configuration, identity, loops.network),
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

    private static func transport(
        _ configuration: AgentConfiguration,
        _ identity: AgentIdentity,
        _ loop: EventLoop
    ) throws(AgentFault) -> AgentTransport {
        guard configuration.urls.contains(where: \.isSecure) else { return AgentTransport(plainOn: loop) }
        return try AgentTransport(
            on: loop,
            trust: try trust(configuration, identity),
            certificate: identity.certificate?.shown(at: configuration.now())
        )
    }

    /// Whom this host knows; a host that knows nobody yet goes by its token.
    private static func trust(
        _ configuration: AgentConfiguration,
        _ identity: AgentIdentity
    ) throws(AgentFault) -> ServerTrust {
        if let known: HostCertificate = identity.certificate { return .authorities(known.authorities) }
        if let token = configuration.token, let pin = try AuthorityPin(token: token.reveal()) { return .pinned(pin) }
        throw AgentFault(
            "https needs a registration token that names the server's authority, which is its fourth part: make a new "
                + "token on a server that has an authority, and start the agent with --token"
        )
    }

    private init(
        configuration: AgentConfiguration,
        folder: AgentFolder,
        identity: AgentIdentity,
        orders: DesiredSet,
        starts: StartLedger,
        learned: [ServerURL],
        transport: AgentTransport,
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
        self.learned = learned
        self.transport = transport
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
        transport.client.close()
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
        case .openExec(let order, let externalID): openExec(order, externalID)
        case .feed(let stream, let what): feed(stream, what)
        case .closeLogs(let stream): pumps.removeValue(forKey: stream)?.task.cancel()
        case .send(let frame):
            if case .dropped? = outbound?.yield(frame) { leave("the server reads too slowly") }
        case .closeStream(let reason): leave(reason)
        case .heard(.addresses(let addresses)): try learn(addresses)
        case .heard(.moved(let milliseconds)):
            comeBack = Int(min(milliseconds, UInt64(Limits.hostReconnectSeconds) * 1_000))
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

    /// The servers to try: those of the configuration, and those that are known besides.
    var servers: (given: [ServerURL], learned: [ServerURL]) { (configuration.urls, learned) }

    /// On disk before it is used.
    private func learn(_ addresses: [String]) throws(AgentFault) {
        let usable: [ServerURL] = ServerList.usable(addresses, beside: configuration.urls)
        guard !usable.isEmpty, usable != learned else { return }
        try folder.save(servers: usable.map(\.description))
        learned = usable
    }

    func registered(_ outcome: Registration.Outcome) throws(AgentFault) {
        var next: AgentIdentity = identity
        next.key = outcome.key
        if let certificate = outcome.certificate { next.certificate = certificate }
        try become(next)
        try learn(outcome.servers)
    }

    /// Saves a certificate and shows it from the next connection on.
    func certified(_ certificate: HostCertificate) throws(AgentFault) {
        var next: AgentIdentity = identity
        next.certificate = certificate
        try become(next)
    }

    /// On disk before it is used.
    private func become(_ next: AgentIdentity) throws(AgentFault) {
        try folder.save(next)
        identity = next
        guard let certificate: HostCertificate = next.certificate else { return }
        try showCertificate()
        logger.notice("has a certificate", ["certificate.notAfter": .int(certificate.certificate.notAfter)])
    }

    /// Shows the certificate, if there is a valid one, on the next connections.
    func showCertificate() throws(AgentFault) {
        guard transport.isSecure else { return }
        try transport.use(
            try Self.trust(configuration, identity),
            certificate: identity.certificate?.shown(at: configuration.now())
        )
    }

    /// Shows no certificate on the next connections: for asking for one with the key.
    func hideCertificate() throws(AgentFault) {
        try transport.use(try Self.trust(configuration, identity), certificate: nil)
    }

    /// The next stream is to be opened within so many milliseconds of this one's end.
    func comeBack(withinMilliseconds most: Int) { comeBack = most }

    func takeComeBack() -> Int? {
        defer { comeBack = nil }
        return comeBack
    }

    /// Whether the stream that ends now was welcomed, and neither it nor the one before was short.
    func isGood(streamLasted isLong: Bool) -> Bool {
        defer { wasRestless = !isLong }
        // Who is told to come back was welcomed.
        return (core.isWelcomed || comeBack != nil) && (isLong || !wasRestless)
    }

    /// A stream is open: what comes out of the returned queue is to be sent on it, until it ends.
    func opened(_ session: AgentSession) -> AsyncStream<AgentFrame> {
        let (frames, continuation) = AsyncStream<AgentFrame>.makeStream(
            bufferingPolicy: .bufferingOldest(Limits.webSocketQueuedMessages)
        )
        outbound?.finish()
        outbound = continuation
        self.session = session
        comeBack = nil
        input(.streamOpened(facts))
        return frames
    }

    func closed() {
        outbound?.finish()
        outbound = nil
        session = nil
        input(.streamClosed)
    }

    // MARK: Output of containers, and commands in them

    private func openLogs(_ request: LogsRequest, _ externalID: String) {
        guard let session else { return }
        let gate = CreditGate(request.credit, pieceCost: StreamCredit.cost(bytes: 0))
        let output = OutputSender(agent: self, session: session, stream: request.stream, gate: gate)
        let pump = LogPump(output: output, request: request, externalID: externalID)
        carry(request.stream, gate, nil) { await pump.run() }
    }

    private func openExec(_ order: ExecOrder, _ externalID: String) {
        guard let session else { return }
        logger.notice(
            "runs a command",
            [
                "instance.uuid": .string(order.uuid), "exec.program": .string(order.command.first ?? ""),
                "exec.tty": .bool(order.isTerminal),
            ]
        )
        let gate = CreditGate(order.credit, pieceCost: StreamCredit.cost(bytes: 0))
        let output = OutputSender(agent: self, session: session, stream: order.stream, gate: gate)
        let feed = ExecFeed(stream: order.stream)
        let pump = ExecPump(output: output, order: order, externalID: externalID, feed: feed)
        carry(order.stream, gate, feed) { await pump.run() }
    }

    private func carry(
        _ stream: UInt64,
        _ gate: CreditGate,
        _ feed: ExecFeed?,
        _ run: @escaping @Sendable () async -> Void
    ) {
        workCount += 1
        let number: UInt64 = workCount
        let task = Task(executorPreference: loop) {
            await run()
            await self.pumpEnded(stream, number)
        }
        pumps[stream] = Pump(number: number, task: task, gate: gate, feed: feed)
    }

    private func feed(_ stream: UInt64, _ what: AgentCore.StreamFeed) {
        guard let pump: Pump = pumps[stream] else { return }
        switch what {
        case .credit(let bytes): pump.gate.add(bytes)
        case .resize(let columns, let rows): pump.feed?.resize(columns: columns, rows: rows)
        case .input(let bytes, let isLast):
            guard let feed: ExecFeed = pump.feed, !feed.take(bytes, isLast: isLast) else { return }
            // Memory is worth more than a server that breaks its word.
            logger.notice("a command is ended: the server sends more input than it may", ["stream": JSONValue(stream)])
            pump.task.cancel()
        }
    }

    private func pumpEnded(_ stream: UInt64, _ number: UInt64) {
        guard pumps[stream]?.number == number else { return }
        pumps[stream] = nil
        input(.logsEnded(stream: stream))
    }
}
