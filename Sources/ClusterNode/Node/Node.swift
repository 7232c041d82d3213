import Certificates
import EventLoop
import Gateway
import HTTP
import JSON
package import Logging
import Model
import RaftCore
import RaftGroup
import RaftTransport
import Store
import Synchronization

/// One server node: the rooms of the house wired together, started in order and stopped in the opposite one.
package final class Node: Sendable {
    package var configuration: NodeConfiguration { node.configuration }
    let node: NodeContext
    private let listeners: NodeListeners
    private let control: NodeControl
    private let peers: NodePeers
    let telemetry: Telemetry
    private let keepers: NodeKeepers

    /// Where the API listens, with the real port.
    package var endpoint: String { "\(listeners.http.endpoint)" }
    /// Where it listens over TLS, with the real port; nil for a node without it.
    package var secureEndpoint: String? { listeners.https.map { "\($0.endpoint)" } }

    private init(
        _ node: NodeContext,
        _ listeners: NodeListeners,
        _ control: NodeControl,
        _ peers: NodePeers,
        _ telemetry: Telemetry,
        _ keepers: NodeKeepers
    ) {
        self.node = node
        self.listeners = listeners
        self.control = control
        self.peers = peers
        self.telemetry = telemetry
        self.keepers = keepers
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
        try folder.checkWhole()
        folder.forgetBegun()
        let security: NodeSecurity? = try NodeSecurity.load(folder, configuration)
        let loops: Loops
        do throws(NetworkFault) {
            loops = try Loops.start()
        } catch {
            throw .network("\(error)")
        }
        do throws(NodeFault) {
            let core: NodeCore = try NodeCore.open(
                folder,
                configuration,
                peering: security.map { NodeCore.Peering(security: $0, loops: loops) },
                logger: logger,
                fatal: fatal
            )
            if let objection: NodeFault = NodeAnnouncement.objection(configuration, in: core.state.store.view) {
                await core.close()
                throw objection
            }
            if let objection: String = ClusterLevel.objection(
                FeatureGate.ownLevel,
                version: version,
                in: core.state.store.view
            ) {
                await core.close()
                throw .storage("\(configuration.name) cannot start: \(objection)")
            }
            do throws(NodeFault) {
                return try await wire(
                    NodeContext(
                        folder: folder,
                        configuration: configuration,
                        core: core,
                        security: security,
                        loops: loops,
                        loop: loops.next(),
                        logger: logger,
                        version: version,
                        fatal: fatal
                    )
                )
            } catch {
                await core.close()
                throw error
            }
        } catch {
            await loops.stop()
            throw error
        }
    }

    private static func wire(_ node: NodeContext) async throws(NodeFault) -> Node {
        let (core, configuration): (NodeCore, NodeConfiguration) = (node.core, node.configuration)
        if let security: NodeSecurity = node.security,
            security.credentials.certificate.notAfter <= WallClock.milliseconds
        {
            // The node slept past its certificate, and the others with it perhaps: it can open the authority itself.
            try CertificateKeeper.rescue(security, node.folder, configuration, core.state, node.logger)
        }
        let control = NodeControl(node)
        let peers = NodePeers(node, control.ownership)
        let (steering, membership): (any GroupSteering, MembershipMaster) = (control.steering, control.membership)
        let security: NodeSecurity? = node.security
        let health = NodeHealth(
            look: { steering.look },
            reasons: { membership.reasons },
            store: core.state.store,
            folder: node.folder.path,
            version: node.version,
            certificateNotAfter: { security?.credentials.certificate.notAfter }
        )
        let address = Mutex(configuration.http.description)
        let journal = Journal(node.folder, logger: node.logger.labelled("audit"), now: node.now)
        let gateway: Gateway = try NodeGateway.make(
            node,
            control,
            peers,
            health,
            journal,
            address: { address.withLock { $0 } }
        )
        let (calls, comparison): (PeerCalls, StateComparison) = NodeKeepers.answering(node, control, health)
        core.transport?.onCall = { member, bytes in await calls.answer(bytes, from: member) }
        core.transport?.start(receiver: core.state.group)
        let telemetry = Telemetry(
            core: core,
            gateway: gateway,
            hosts: control.hosts,
            ownership: control.ownership,
            security: security,
            health: health,
            loops: node.loops,
            folder: node.folder,
            version: node.version
        )
        let listeners: NodeListeners = try await NodeListeners.start(
            configuration,
            core,
            security,
            gateway,
            telemetry,
            node.loops,
            node.logger,
            node.now
        )
        address.withLock { $0 = "\(listeners.http.endpoint)" }
        var real: NodeConfiguration = configuration
        real.http.port = listeners.http.endpoint.port ?? configuration.http.port
        // Who is answered by this node can rely on it as soon as there is a leader; without one it says so.
        try? await core.state.group.awaitLeader()
        let keepers = NodeKeepers(node, real: real, control, peers, health, comparison, journal)
        node.logger.notice(
            "node started",
            [
                "node.name": .string(configuration.name), "http.address": .string("\(listeners.http.endpoint)"),
                "https.address": JSONValue(listeners.https.map { "\($0.endpoint)" }),
                "peer.address": JSONValue(listeners.peer.map { "\($0.endpoint)" }),
            ]
        )
        return Node(node, listeners, control, peers, telemetry, keepers)
    }

    /// Hands leadership and scopes over, stops taking requests, lets those that run finish, writes a checkpoint, closes the log.
    package func stop() async {
        // Whoever stops a node was often cancelled himself, and what is done here takes its time all the same.
        await Task { await self.end() }.value
    }

    private func end() async {
        let (core, ownership): (NodeCore, Ownership) = (node.core, control.ownership)
        telemetry.stop()
        let isAlone: Bool = core.state.group.status.configuration.voters.count < 2
        if !isAlone { await leaving.handOver() }
        core.state.store.closeWatches()
        keepers.cancel()
        await listeners.stop(drains: !isAlone)
        peers.pool?.close()
        await core.shutdown()
        // Whoever still waited for an answer of the cluster has one now; nobody works on this folder when it is given back.
        await keepers.settle()
        await control.driver.stop()
        await ownership.settle()
        await core.checkpointAndClose()
        await node.loops.stop()
    }

    private var leaving: Leaving {
        Leaving(
            state: node.state,
            ownership: control.ownership,
            directory: node.core.directory,
            node: configuration.name,
            loop: node.loop,
            logger: node.logger.labelled("ownership"),
            now: node.now
        )
    }
}
