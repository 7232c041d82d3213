import Gateway
import Logging
import RaftCore
import Store
import Synchronization

/// The gateway of a node, with what the cluster behind it can be asked and told.
enum NodeGateway {
    /// - Parameter address: where the listener is, once it is known.
    static func make(
        _ node: NodeContext,
        _ control: NodeControl,
        _ peers: NodePeers,
        _ health: NodeHealth,
        _ journal: Journal,
        address: @escaping @Sendable () -> String
    ) throws(NodeFault) -> Gateway {
        let state: ReplicatedState = node.state
        return Gateway(
            state: state,
            proposer: state,
            hosts: control.hosts,
            explainer: Explainer(parsed: control.parsed),
            peers: peers.pool,
            cluster: office(node, control, peers, health),
            certificates: node.security.map {
                $0.desk(state.store, incarnation: node.configuration.group.incarnation)
            },
            servers: control.hosts.servers,
            recall: Recall(store: state.store, trail: node.folder.trail),
            journal: journal,
            storageRefusal: { state.disk.refusal },
            sealing: node.security.map {
                IdentityKeySealing(security: $0, cluster: node.configuration.group.cluster)
            },
            federation: try node.folder.federation(),
            logger: node.logger.labelled("gateway"),
            metrics: node.core.metrics,
            version: node.version,
            now: node.now,
            localAuthority: address
        )
    }

    private static func office(
        _ node: NodeContext,
        _ control: NodeControl,
        _ peers: NodePeers,
        _ health: NodeHealth
    ) -> ClusterOffice {
        let (security, membership): (NodeSecurity?, MembershipMaster) = (node.security, control.membership)
        return ClusterOffice(
            identity: node.configuration.group,
            group: control.steering,
            reasons: { membership.reasons },
            backups: BackupDesk(
                state: node.state,
                group: node.configuration.group,
                folder: node.folder,
                product: node.version,
                sealingKey: { stored in security.flatMap { try? $0.authority.open(stored).key } },
                now: node.now
            ),
            rotations: security.map {
                RotationDesk(
                    security: $0,
                    folder: node.folder,
                    cluster: node.configuration.group.cluster,
                    now: node.now
                )
            },
            health: health,
            heard: { peers.heard },
            promoteHere: { await membership.promote($0) },
            ask: { await peers.ask($0, $1) }
        )
    }
}
