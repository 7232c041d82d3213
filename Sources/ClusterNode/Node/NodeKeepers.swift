import EventLoop
import Gateway
import Logging
import RaftCore
import RaftGroup
import Store

/// What a node does without being asked, for as long as it runs.
struct NodeKeepers: Sendable {
    private var tasks: [Task<Void, Never>] = []

    /// Compares this node's state with the others', and answers what they ask of it.
    ///
    /// Before peers are listened to: from the first message on there is somebody who answers.
    static func answering(
        _ node: NodeContext,
        _ control: NodeControl,
        _ health: NodeHealth
    ) -> (calls: PeerCalls, comparison: StateComparison) {
        let (core, folder, fatal): (NodeCore, DataFolder, _) = (node.core, node.folder, node.fatal)
        let (configuration, security): (NodeConfiguration, NodeSecurity?) = (node.configuration, node.security)
        let hashing = StateHashing(store: node.state.store, marks: core.marks)
        let quarantine: @Sendable (Quarantine) -> Void = { order in
            let reason: String =
                "the state here differed from that of \(order.agreeing.count) other members at entry \(order.index)"
            try? folder.quarantine(reason)
            fatal("\(NodeFault.quarantined(name: configuration.name, folder: folder.path, what: reason))")
        }
        let (steering, membership, assigning): (any GroupSteering, MembershipMaster, OwnershipMaster) =
            (control.steering, control.membership, control.assigning)
        let comparison = StateComparison(
            links: .of(core, hashing: hashing, look: { steering.look }, loop: node.loop, quarantine: quarantine),
            alarms: core.alarms,
            loop: node.loop,
            logger: node.logger.labelled("store")
        )
        let calls = PeerCalls(
            state: node.state,
            ownership: control.ownership,
            leaves: { await assigning.leaves($0) },
            health: health,
            sealingKey: { security?.nextSealingKey(named: $0) },
            promote: { await membership.promote($0) },
            hashing: hashing,
            loop: node.loop,
            quarantine: quarantine
        )
        return (calls, comparison)
    }

    /// Starts them all.
    ///
    /// - Parameter real: the configuration with the ports that were really taken.
    init(
        _ node: NodeContext,
        real: NodeConfiguration,
        _ control: NodeControl,
        _ peers: NodePeers,
        _ health: NodeHealth,
        _ comparison: StateComparison,
        _ journal: Journal
    ) {
        let (loop, state): (EventLoop, ReplicatedState) = (node.loop, node.state)
        let announcement = NodeAnnouncement(
            state: state,
            configuration: real,
            version: node.version,
            logger: node.logger.labelled("membership"),
            now: node.now
        )
        let (driver, ownership): (ControllerDriver, Ownership) = (control.driver, control.ownership)
        let (assigning, membership): (OwnershipMaster, MembershipMaster) = (control.assigning, control.membership)
        start(on: loop) { await driver.run() }
        start(on: loop) { await ownership.run() }
        start(on: loop) { await assigning.run() }
        let hosts: HostStreams = control.hosts
        start(on: loop) { await hosts.keepInTouch() }
        start(on: loop) { await membership.run() }
        keepState(node, control, health, comparison)
        let retention = AuditRetention(
            state: state,
            journal: journal,
            loop: loop,
            logger: node.logger.labelled("audit"),
            now: node.now
        )
        start(on: loop) { await journal.run(on: loop) }
        start(on: loop) { await retention.run() }
        let security: NodeSecurity? = node.security
        start(on: loop) { await announcement.announce(security?.credentials.certificate, on: loop) }
        start(on: loop) {
            while (try? await loop.sleep(toMultipleOf: 5_000)) != nil {
                state.store.bookmarkWatches()
                peers.forget(state.group.status.configuration.removed)
            }
        }
        if let security { keepCertificates(node, security, peers, announcement) }
    }

    /// Tells all of them to end.
    func cancel() {
        for task in tasks { task.cancel() }
    }

    /// Returns when all have ended.
    func settle() async {
        for task in tasks { await task.value }
    }

    private mutating func start(on loop: EventLoop, _ work: @escaping @Sendable () async -> Void) {
        tasks.append(Task(executorPreference: loop) { await work() })
    }

    private mutating func keepState(
        _ node: NodeContext,
        _ control: NodeControl,
        _ health: NodeHealth,
        _ comparison: StateComparison
    ) {
        let (loop, state, alarms): (EventLoop, ReplicatedState, Alarms) = (node.loop, node.state, node.core.alarms)
        let steering: any GroupSteering = control.steering
        let checkpointing = Checkpointing(state: state, loop: loop, logger: node.logger.labelled("store"))
        let watch = DiskWatch(
            folders: [node.folder.log, node.folder.state],
            member: node.configuration.member,
            name: node.configuration.name,
            state: state,
            alarms: alarms,
            checkpointing: checkpointing,
            loop: loop,
            logger: node.logger.labelled("store")
        )
        let leveling = ClusterLevelKeeper(
            state: state,
            isLeader: { steering.look.isLeader },
            logger: node.logger.labelled("membership"),
            now: node.now
        )
        let announcing = AlarmAnnouncement(
            state: state,
            alarms: alarms,
            member: node.configuration.member.number,
            now: node.now
        )
        let rehearsal = RestoreRehearsal(
            store: state.store,
            folder: node.folder,
            health: health,
            loop: loop,
            logger: node.logger.labelled("store"),
            now: node.now
        )
        start(on: loop) { await watch.run() }
        start(on: loop) { await announcing.run(on: loop) }
        start(on: loop) { await comparison.run() }
        start(on: loop) { await leveling.run(on: loop) }
        start(on: loop) { await checkpointing.run() }
        start(on: loop) { await rehearsal.run() }
    }

    private mutating func keepCertificates(
        _ node: NodeContext,
        _ security: NodeSecurity,
        _ peers: NodePeers,
        _ announcement: NodeAnnouncement
    ) {
        let (loop, state, logger): (EventLoop, ReplicatedState, _) = (node.loop, node.state, node.logger)
        let keeper = CertificateKeeper(
            state: state,
            folder: node.folder,
            configuration: node.configuration,
            logger: logger.labelled("membership"),
            now: node.now,
            renewed: { credentials in
                security.renewed(credentials, logger)
                await announcement.announce(credentials.certificate, on: loop)
            }
        )
        let rotations = RotationKeeper(
            state: state,
            folder: node.folder,
            configuration: node.configuration,
            security: security,
            loop: loop,
            logger: logger.labelled("membership"),
            now: node.now,
            isLeader: { state.group.status.role == .leader },
            others: { peers.heard.sorted() },
            ask: { await peers.ask($0, $1) },
            changed: { credentials in
                security.renewed(credentials, logger)
                peers.forget(state.group.status.configuration.members)
            }
        )
        start(on: loop) { await keeper.run(on: loop) }
        start(on: loop) { await rotations.run() }
    }
}
