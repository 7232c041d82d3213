import Crypto
import EventLoop
import Gateway
import HTTP
import JSON
import Limits
package import Logging
import Metrics
import RaftCore
import RaftGroup
import RaftLog
import Store
import StoreFormat
import Synchronization

/// One server node: the rooms of the house wired together, started in order and stopped in the opposite one.
package final class Node: Sendable {
    package let configuration: NodeConfiguration
    private let core: NodeCore
    private let loops: Loops
    private let server: HTTPServer
    private let tasks: [Task<Void, Never>]

    /// Where the API listens, with the real port.
    package var endpoint: String { "\(server.endpoint)" }

    private init(
        _ configuration: NodeConfiguration,
        _ core: NodeCore,
        _ loops: Loops,
        _ server: HTTPServer,
        _ tasks: [Task<Void, Never>]
    ) {
        self.configuration = configuration
        self.core = core
        self.loops = loops
        self.server = server
        self.tasks = tasks
    }

    /// Starts the node of a data folder and returns when it answers.
    ///
    /// - Parameters:
    ///   - http: where to listen instead of where the configuration says.
    ///   - fatal: something broke that this process must not survive; called at most once.
    package static func start(
        _ folder: DataFolder,
        http: ListenAddress? = nil,
        logger: Logger,
        version: String,
        fatal: @escaping @Sendable (String) -> Void
    ) async throws(NodeFault) -> Node {
        var configuration: NodeConfiguration = try folder.configuration()
        configuration.http = http ?? configuration.http
        let loops: Loops
        do throws(NetworkFault) {
            loops = try Loops.start()
        } catch {
            throw .network("\(error)")
        }
        let core: NodeCore
        do throws(NodeFault) {
            core = try NodeCore.open(folder, logger: logger, fatal: fatal)
        } catch {
            await loops.stop()
            throw error
        }
        let state: ReplicatedState = core.state
        // Who is answered by this node can rely on it: no request comes in before there is a leader.
        try? await state.group.awaitLeader()
        let loop: EventLoop = loops.next()
        let parsed = ParsedDocuments()
        let now: @Sendable () -> Int64 = { WallClock.milliseconds }
        let ownership = Ownership(
            state: state,
            node: configuration.name,
            logger: logger.labelled("ownership"),
            now: now
        )
        let hosts = HostStreams(
            state: state,
            ownership: ownership,
            incarnation: String(configuration.group.incarnation, radix: 16),
            loop: loop,
            logger: logger.labelled("hosts"),
            now: now
        )
        let address = Mutex(configuration.http.description)
        let gateway = Gateway(
            state: state,
            proposer: state,
            hosts: hosts,
            explainer: Explainer(parsed: parsed),
            logger: logger.labelled("gateway"),
            metrics: MetricsRegistry(),
            version: version,
            now: now,
            localAuthority: { address.withLock { $0 } }
        )
        let server: HTTPServer
        do throws(NetworkFault) {
            server = try HTTPServer.start(
                on: .tcp(host: configuration.http.host, port: configuration.http.port),
                loops: loops,
                refusal: { gateway.answer(to: $0) },
                handler: { request, connection in await gateway.handle(request, connection) }
            )
        } catch {
            await core.close()
            await loops.stop()
            throw .network("the API cannot listen: \(error)")
        }
        address.withLock { $0 = "\(server.endpoint)" }
        let driver = ControllerDriver(
            state: state,
            ownership: ownership,
            parsed: parsed,
            loop: loop,
            logger: logger.labelled("controllers"),
            now: now
        )
        let checkpointing = Checkpointing(state: state, loop: loop, logger: logger.labelled("store"))
        let tasks: [Task<Void, Never>] = [
            Task(executorPreference: loop) {
                hosts.expectAll()
                await driver.run()
            },
            Task(executorPreference: loop) { await checkpointing.run() },
            Task(executorPreference: loop) {
                while (try? await loop.sleep(milliseconds: 5_000)) != nil { state.store.bookmarkWatches() }
            },
        ]
        logger.notice(
            "node started",
            ["node.name": .string(configuration.name), "http.address": .string("\(server.endpoint)")]
        )
        return Node(configuration, core, loops, server, tasks)
    }

    /// Stops taking requests, lets those that run finish, writes a checkpoint, closes the log.
    package func stop() async {
        core.state.store.closeWatches()
        for task in tasks { task.cancel() }
        await server.stop(graceMilliseconds: Limits.httpStopSeconds * 1_000)
        await core.checkpointAndClose()
        await loops.stop()
    }
}
