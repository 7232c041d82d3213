internal import Checkers
internal import Store
internal import StoreFormat

/// What a simulated client is doing.
struct ClusterClient {
    /// Something it wants, with everything that a repetition needs.
    struct Task {
        enum Kind {
            case openSession(nonce: UInt64)
            case read(key: Int)
            /// One or two keys of the same transaction.
            case change([(key: Int, request: ClientOperation.Request)])
            /// A record with a number that apply chooses.
            case allocate
            /// Something about a service, for hosts to carry out.
            case order
        }

        var kind: Kind
        /// Unique for ever; the request id of its transaction.
        var name: String
        var transaction: Transaction?
        var payload: [UInt8] = []
        var since: Int
        var invoked: Int64
        var attempts: Int = 0
        /// An attempt may have run.
        var mayHaveRun: Bool = false
        var isRepeatable: Bool
    }

    let number: Int
    var name: String { "c\(number)" }
    var task: Task?
    /// The attempt under way.
    var call: Int?
    var callUntil: Int = 0
    var idleUntil: Int = 0
    var session: SessionID?
    var sequence: UInt64 = 0
    var tasks: Int = 0
    /// By key, the revision that it saw last.
    var seen: [Int: UInt64] = [:]
}

/// One attempt, on its way through the cluster.
struct ClusterCall {
    enum Asker {
        case client(Int)
        /// The process of the gateway itself.
        case server(Fleet.Origin)
    }

    let asker: Asker
    let isRead: Bool
    let key: Int
    let payload: [UInt8]
    /// The member that the client asked.
    let gateway: Int
    let gatewayLife: Int
    /// What the leader decided, while the gateway has not applied it yet.
    var decided: TransactionOutcome?
    /// For a read: what was committed anywhere when the group was asked.
    var floor: UInt64 = 0
}

/// What an attempt comes to.
enum ClusterAnswer {
    case decided(TransactionOutcome)
    case read(Record?)
    /// It certainly did not run.
    case refused
    /// Nobody knows.
    case unknown
}

/// A reader of watches, which moves from member to member.
struct ClusterWatcher {
    let number: Int
    let filter: WatchFilter
    var record: WatchRecord
    var member: Int?
    var watch: Watch?
    /// The revision to go on from.
    var next: UInt64 = 1
    var restsUntil: Int = 0
    var isStarted: Bool = false
}
