import Gateway
import Logging
import RaftCore
import Store
import Synchronization

/// What decides on a node: for the environments that it owns, and, while it leads, for the cluster.
struct NodeControl: Sendable {
    let parsed = ParsedDocuments()
    let ownership: Ownership
    let hosts: HostStreams
    let driver: ControllerDriver
    let steering: any GroupSteering
    let membership: MembershipMaster
    let assigning: OwnershipMaster

    init(_ node: NodeContext) {
        let (state, loop): (ReplicatedState, _) = (node.state, node.loop)
        let ownership = Ownership(
            state: state,
            node: node.configuration.name,
            loop: loop,
            logger: node.logger.labelled("ownership"),
            now: node.now
        )
        let security: NodeSecurity? = node.security
        let hosts = HostStreams(
            state: state,
            ownership: ownership,
            servers: ServerList(store: state.store),
            incarnation: String(node.configuration.group.incarnation, radix: 16),
            loop: loop,
            logger: node.logger.labelled("hosts"),
            now: node.now,
            rotation: { security?.rotation.withLock { $0 } }
        )
        let driver = ControllerDriver(
            state: state,
            ownership: ownership,
            parsed: parsed,
            loop: loop,
            logger: node.logger.labelled("controllers"),
            now: node.now
        )
        ownership.listen { await driver.ownershipChanged($0) }
        ownership.listen { await hosts.ownershipChanged($0) }
        let steering = ClosureSteering(of: state.group)
        self.ownership = ownership
        self.hosts = hosts
        self.driver = driver
        self.steering = steering
        membership = MembershipMaster(
            state: state,
            group: steering,
            loop: loop,
            logger: node.logger.labelled("membership"),
            now: node.now
        )
        assigning = OwnershipMaster(
            state: state,
            directory: node.core.directory,
            node: node.configuration.name,
            loop: loop,
            logger: node.logger.labelled("ownership"),
            now: node.now,
            releaseHere: { await ownership.release($0, epoch: $1) }
        )
    }
}
