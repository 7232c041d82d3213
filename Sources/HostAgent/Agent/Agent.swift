import EventLoop
import HostAgentCore
import HostProtocol
import HTTP
import HostRuntime
import JSON
import Limits
import Logging

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
    let folder: AgentFolder
    var identity: AgentIdentity
    /// Servers that servers told of, of the scheme that this agent speaks.
    var learned: [ServerURL]
    /// The stream's end was announced: the next is wanted within so many milliseconds.
    var comeBack: Int?
    var wasRestless: Bool = false
    var core: AgentCore
    /// What the connected stream sends, in order; nil when there is none.
    var outbound: AsyncStream<AgentFrame>.Continuation?
    var session: AgentSession?
    private var work: [UInt64: Task<Void, Never>] = [:]
    /// By stream.
    var pumps: [UInt64: Pump] = [:]
    var workCount: UInt64 = 0
    /// Why it must end; nothing is done any more.
    private var fault: AgentFault?
    private var whenFailed: AsyncStream<AgentFault>.Continuation?

    package nonisolated var unownedExecutor: UnownedSerialExecutor { coreLoop.asUnownedSerialExecutor() }

    init(
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
    func live() async -> AgentFault? {
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
}
