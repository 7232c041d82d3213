package import HostProtocol

/// What is worth telling of the core's decisions: the driver logs it, scripts show it.
package enum AgentNote: Sendable, Hashable {
    /// A frame from the past, from another cluster, or out of turn: it changed nothing.
    case refusedFrame(type: String, stamp: FrameStamp, reason: String)
    case unknownFrame(type: String)
    /// Part of an accepted sync that contradicts what is held.
    case ignoredOrder(uuid: String, reason: String)
    case adopted(incarnation: String, instead: String?)
    /// The server stopped listing it; its container is kept.
    case orphaned(uuid: String, name: String)
    /// A second container for one instance; it is kept and told about.
    case duplicate(uuid: String, externalID: String)
    /// Started without a new order, since it ran when the host or the agent went down.
    case revived(uuid: String, name: String)
    case removed(uuid: String)
    case failed(uuid: String, name: String, message: String)
    case inventoryFailed(message: String)
}
