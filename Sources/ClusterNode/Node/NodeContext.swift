import EventLoop
import Logging
import Store

/// What every part of a node is made from.
struct NodeContext: Sendable {
    let folder: DataFolder
    let configuration: NodeConfiguration
    let core: NodeCore
    /// nil in a cluster without an authority.
    let security: NodeSecurity?
    let loops: Loops
    /// Where the node's own work runs.
    let loop: EventLoop
    let logger: Logger
    let version: String
    /// Ends the process: something broke that it must not survive.
    let fatal: @Sendable (String) -> Void
    /// Milliseconds since 1970.
    let now: @Sendable () -> Int64 = { WallClock.milliseconds }

    var state: ReplicatedState { core.state }
}
