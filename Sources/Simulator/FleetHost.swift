internal import HostAgentCore
internal import HostProtocol
internal import StoreFormat

/// One simulated host: its agent, what the agent's disk holds, and its containers.
struct FleetHost {
    let number: UInt64
    let project: UInt64
    let facts: HostFacts
    /// Nil while the agent is down.
    var core: AgentCore?
    var orders = DesiredSet()
    var starts = StartLedger()
    /// By the runtime's id.
    ///
    /// They live on when the agent dies.
    var engine: [String: RuntimeContainer] = [:]
    var made: Int = 0
    /// Grows with every start of the agent.
    var life: UInt64 = 0
    var downUntil: Int = 0
    /// The open stream.
    var stream: UInt64?
    var connectAt: Int = 0
    /// Operations under way, by their id, and of which incarnation the orders were that they serve.
    var operations: [UInt64: Operation] = [:]
    var servedBy: [UInt64: String] = [:]
    /// Some of the frames that were ever sent to it, to be sent again by chance.
    var archive: [(stamp: FrameStamp, isWelcome: Bool, bytes: [UInt8])] = []

    func containers(of uuid: String) -> [RuntimeContainer] {
        engine.values.filter { $0.uuid == uuid }.sorted { $0.externalID < $1.externalID }
    }
}

/// A stream between a host and the member that owns it, through another one.
///
/// What was sent first arrives first; streams overtake each other.
struct FleetStream {
    let host: Int
    let hostLife: UInt64
    /// The member that the host asked, and the one that owns the host: both places.
    let gateway: Int
    let server: Int
    let serverLife: Int
    var isOpenAtHost: Bool = true
    var isOpenAtServer: Bool = true
    /// Nothing arrives any more, and nobody is told.
    var isDead: Bool = false
    /// The latest arrival so far, each way.
    var downAt: Int = 0
    var upAt: Int = 0
}
