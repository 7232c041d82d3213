import Certificates
import Crypto
import EventLoop
import Gateway
import HTTP
import JSON
import Limits
package import Logging
import Metrics
import Model
import RaftCore
import RaftGroup
import RaftLog
import RaftTransport
import Store
import StoreFormat
import Synchronization
import TLS

/// One server node: the rooms of the house wired together, started in order and stopped in the opposite one.
package final class Node: Sendable {
    package let configuration: NodeConfiguration
    private let core: NodeCore
    private let loops: Loops
    private let listeners: NodeListeners
    private let peers: PooledPeers?
    private let ownership: Ownership
    private let driver: ControllerDriver
    let telemetry: Telemetry
    private let leaving: Leaving
    private let tasks: [Task<Void, Never>]

    /// Where the API listens, with the real port.
    package var endpoint: String { "\(listeners.http.endpoint)" }
    /// Where it listens over TLS, with the real port; nil for a node without it.
    package var secureEndpoint: String? { listeners.https.map { "\($0.endpoint)" } }

    private init(
        _ configuration: NodeConfiguration,
        _ core: NodeCore,
        _ loops: Loops,
        _ listeners: NodeListeners,
        _ peers: PooledPeers?,
        _ ownership: Ownership,
        _ driver: ControllerDriver,
        _ telemetry: Telemetry,
        _ leaving: Leaving,
        _ tasks: [Task<Void, Never>]
    ) {
        self.configuration = configuration
        self.core = core
        self.loops = loops
        self.listeners = listeners
        self.peers = peers
        self.ownership = ownership
        self.driver = driver
        self.telemetry = telemetry
        self.leaving = leaving
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
                return try await wire(folder, configuration, core, security, loops, logger, version, fatal)
            } catch {
                await core.close()
                throw error
            }
        } catch {
            await loops.stop()
            throw error
        }
    }

    private static func wire(
        _ folder: DataFolder,
        _ configuration: NodeConfiguration,
        _ core: NodeCore,
        _ security: NodeSecurity?,
        _ loops: Loops,
        _ logger: Logger,
        _ version: String,
        _ fatal: @escaping @Sendable (String) -> Void
    ) async throws(NodeFault) -> Node {
        let state: ReplicatedState = core.state
        if let security, security.credentials.certificate.notAfter <= WallClock.milliseconds {
            // The node slept past its certificate, and the others with it perhaps: it can open the authority itself.
            try CertificateKeeper.rescue(security, folder, configuration, state, logger)
        }
        let loop: EventLoop = loops.next()
        let parsed = ParsedDocuments()
        let now: @Sendable () -> Int64 = { WallClock.milliseconds }
        let ownership = Ownership(
            state: state,
            node: configuration.name,
            loop: loop,
            logger: logger.labelled("ownership"),
            now: now
        )
        let hosts = HostStreams(
            state: state,
            ownership: ownership,
            servers: ServerList(store: state.store),
            incarnation: String(configuration.group.incarnation, radix: 16),
            loop: loop,
            logger: logger.labelled("hosts"),
            now: now,
            rotation: { security?.rotation.withLock { $0 } }
        )
        let driver = ControllerDriver(
            state: state,
            ownership: ownership,
            parsed: parsed,
            loop: loop,
            logger: logger.labelled("controllers"),
            now: now
        )
        ownership.listen { await driver.ownershipChanged($0) }
        ownership.listen { await hosts.ownershipChanged($0) }
        let alarms: Alarms = core.alarms
        let steering = ClosureSteering(of: state.group)
        let membership = MembershipMaster(
            state: state,
            group: steering,
            loop: loop,
            logger: logger.labelled("membership"),
            now: now
        )
        let peers: PooledPeers? = core.links.map { links in
            PooledPeers(
                owner: { scope in
                    if ownership.epoch(of: scope) != nil { return .here }
                    guard let owner: ScopeOwner = state.store.view.epoch(scope),
                        let peer: PeerDirectory.Peer = core.directory.peer(named: owner.node),
                        peer.member != configuration.member
                    else { return .unknown }
                    return .peer(PeerAddress(member: peer.member.number, name: peer.name))
                },
                connector: { peer, loop, deadline in
                    try await links.connect(MemberID(peer.member), on: loop, before: deadline)
                }
            )
        }
        let address = Mutex(configuration.http.description)
        let health = NodeHealth(
            look: { steering.look },
            reasons: { membership.reasons },
            store: state.store,
            folder: folder.path,
            version: version,
            certificateNotAfter: { security?.credentials.certificate.notAfter }
        )
        let heard: @Sendable () -> Set<MemberID> = {
            let peers: [PeerStatus] = core.transport?.status() ?? []
            return Set(peers.filter { $0.silentMilliseconds ?? .max < Limits.healthCallMilliseconds }.map(\.member))
        }
        let ask: @Sendable (MemberID, PeerCall) async -> PeerReply? = { member, call in
            let milliseconds: Int = call == .health ? Limits.healthCallMilliseconds : Limits.peerCallSeconds * 1_000
            let answer: [UInt8]? = try? await core.transport?.call(
                member,
                call.encoded,
                before: .after(milliseconds: milliseconds)
            )
            return answer.flatMap { try? PeerReply(decoding: $0) }
        }
        let gateway = Gateway(
            state: state,
            proposer: state,
            hosts: hosts,
            explainer: Explainer(parsed: parsed),
            peers: peers,
            cluster: ClusterOffice(
                identity: configuration.group,
                group: steering,
                reasons: { membership.reasons },
                backups: BackupDesk(
                    state: state,
                    group: configuration.group,
                    folder: folder,
                    product: version,
                    sealingKey: { stored in security.flatMap { try? $0.authority.open(stored).key } },
                    now: now
                ),
                rotations: security.map {
                    RotationDesk(security: $0, folder: folder, cluster: configuration.group.cluster, now: now)
                },
                health: health,
                heard: heard,
                promoteHere: { await membership.promote($0) },
                ask: ask
            ),
            certificates: security.map { $0.desk(state.store) },
            servers: hosts.servers,
            recall: Recall(store: state.store),
            storageRefusal: { state.disk.refusal },
            logger: logger.labelled("gateway"),
            metrics: core.metrics,
            version: version,
            now: now,
            localAuthority: { address.withLock { $0 } }
        )
        let hashing = StateHashing(store: state.store, marks: core.marks)
        let quarantine: @Sendable (Quarantine) -> Void = { order in
            let reason: String =
                "the state here differed from that of \(order.agreeing.count) other members at entry \(order.index)"
            try? folder.quarantine(reason)
            fatal("\(NodeFault.quarantined(name: configuration.name, folder: folder.path, what: reason))")
        }
        let comparison = StateComparison(
            links: .of(core, hashing: hashing, look: { steering.look }, loop: loop, quarantine: quarantine),
            alarms: alarms,
            loop: loop,
            logger: logger.labelled("store")
        )
        let assigning = OwnershipMaster(
            state: state,
            directory: core.directory,
            node: configuration.name,
            loop: loop,
            logger: logger.labelled("ownership"),
            now: now,
            releaseHere: { await ownership.release($0, epoch: $1) }
        )
        let calls = PeerCalls(
            state: state,
            ownership: ownership,
            leaves: { await assigning.leaves($0) },
            health: health,
            sealingKey: { security?.nextSealingKey(named: $0) },
            promote: { await membership.promote($0) },
            hashing: hashing,
            loop: loop,
            quarantine: quarantine
        )
        core.transport?.onCall = { member, bytes in await calls.answer(bytes, from: member) }
        core.transport?.start(receiver: state.group)
        let telemetry = Telemetry(
            core: core,
            gateway: gateway,
            hosts: hosts,
            ownership: ownership,
            security: security,
            health: health,
            loops: loops,
            folder: folder,
            version: version
        )
        let listeners: NodeListeners = try await NodeListeners.start(
            configuration,
            core,
            security,
            gateway,
            telemetry,
            loops,
            logger,
            now
        )
        address.withLock { $0 = "\(listeners.http.endpoint)" }
        var real: NodeConfiguration = configuration
        real.http.port = listeners.http.endpoint.port ?? configuration.http.port
        let announcement = NodeAnnouncement(
            state: state,
            configuration: real,
            version: version,
            logger: logger.labelled("membership"),
            now: now
        )
        // Who is answered by this node can rely on it as soon as there is a leader; without one it says so.
        try? await state.group.awaitLeader()
        let checkpointing = Checkpointing(state: state, loop: loop, logger: logger.labelled("store"))
        let watch = DiskWatch(
            folders: [folder.log, folder.state],
            member: configuration.member,
            name: configuration.name,
            state: state,
            alarms: alarms,
            checkpointing: checkpointing,
            loop: loop,
            logger: logger.labelled("store")
        )
        let leveling = ClusterLevelKeeper(
            state: state,
            isLeader: { steering.look.isLeader },
            logger: logger.labelled("membership"),
            now: now
        )
        let announcing = AlarmAnnouncement(
            state: state,
            alarms: alarms,
            member: configuration.member.number,
            now: now
        )
        let rehearsal = RestoreRehearsal(
            store: state.store,
            folder: folder,
            health: health,
            loop: loop,
            logger: logger.labelled("store"),
            now: now
        )
        var tasks: [Task<Void, Never>] = [
            Task(executorPreference: loop) { await watch.run() },
            Task(executorPreference: loop) { await announcing.run(on: loop) },
            Task(executorPreference: loop) { await comparison.run() },
            Task(executorPreference: loop) { await leveling.run(on: loop) },
            Task(executorPreference: loop) { await driver.run() },
            Task(executorPreference: loop) { await ownership.run() },
            Task(executorPreference: loop) { await assigning.run() },
            Task(executorPreference: loop) { await membership.run() },
            Task(executorPreference: loop) { await checkpointing.run() },
            Task(executorPreference: loop) { await rehearsal.run() },
            Task(executorPreference: loop) {
                await announcement.announce(security?.credentials.certificate, on: loop)
            },
            Task(executorPreference: loop) {
                while (try? await loop.sleep(milliseconds: 5_000)) != nil {
                    state.store.bookmarkWatches()
                    for member in state.group.status.configuration.removed { peers?.forget(member.number) }
                }
            },
        ]
        if let security {
            let keeper = CertificateKeeper(
                state: state,
                folder: folder,
                configuration: configuration,
                logger: logger.labelled("membership"),
                now: now,
                renewed: { credentials in
                    security.renewed(credentials, logger)
                    await announcement.announce(credentials.certificate, on: loop)
                }
            )
            tasks.append(Task(executorPreference: loop) { await keeper.run(on: loop) })
            let rotations = RotationKeeper(
                state: state,
                folder: folder,
                configuration: configuration,
                security: security,
                loop: loop,
                logger: logger.labelled("membership"),
                now: now,
                isLeader: { state.group.status.role == .leader },
                others: { heard().sorted() },
                ask: ask,
                changed: { credentials in
                    security.renewed(credentials, logger)
                    // Connections that are kept were opened with the old certificate.
                    for member in state.group.status.configuration.members { peers?.forget(member.number) }
                }
            )
            tasks.append(Task(executorPreference: loop) { await rotations.run() })
        }
        logger.notice(
            "node started",
            [
                "node.name": .string(configuration.name), "http.address": .string("\(listeners.http.endpoint)"),
                "https.address": JSONValue(listeners.https.map { "\($0.endpoint)" }),
                "peer.address": JSONValue(listeners.peer.map { "\($0.endpoint)" }),
            ]
        )
        let leaving = Leaving(
            state: state,
            ownership: ownership,
            directory: core.directory,
            node: configuration.name,
            loop: loop,
            logger: logger.labelled("ownership"),
            now: now
        )
        return Node(configuration, core, loops, listeners, peers, ownership, driver, telemetry, leaving, tasks)
    }

    /// Hands leadership and scopes over, stops taking requests, lets those that run finish, writes a checkpoint, closes the log.
    package func stop() async {
        // Whoever stops a node was often cancelled himself, and what is done here takes its time all the same.
        await Task { await self.end() }.value
    }

    private func end() async {
        telemetry.stop()
        let isAlone: Bool = core.state.group.status.configuration.voters.count < 2
        if !isAlone { await leaving.handOver() }
        core.state.store.closeWatches()
        for task in tasks { task.cancel() }
        await listeners.stop(drains: !isAlone)
        peers?.close()
        await core.shutdown()
        // Whoever still waited for an answer of the cluster has one now; nobody works on this folder when it is given back.
        for task in tasks { await task.value }
        await driver.stop()
        await ownership.settle()
        await core.checkpointAndClose()
        await loops.stop()
    }
}
