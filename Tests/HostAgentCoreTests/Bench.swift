import HostAgentCore
import HostProtocol
import JSON
import Testing

/// A core with the memory of a disk beside it; operations wait until a test says what came of them.
struct Bench {
    var core: AgentCore
    var disk: (orders: DesiredSet, starts: StartLedger)
    var operations: [Operation] = []
    var sent: [AgentMessage] = []
    var notes: [AgentNote] = []
    var closings: [String] = []
    var logs: [LogsRequest] = []
    var closedLogs: [UInt64] = []
    var execs: [(order: ExecOrder, externalID: String)] = []
    var feeds: [(stream: UInt64, what: AgentCore.StreamFeed)] = []
    var inventories: Int = 0
    var writes: Int = 0

    init(orders: DesiredSet = DesiredSet(), starts: StartLedger = StartLedger()) {
        core = AgentCore(orders: orders, starts: starts)
        disk = (orders, starts)
    }

    /// Began, with these containers, connected and welcomed.
    static func connected(_ containers: [RuntimeContainer] = []) -> Bench {
        var bench = Bench()
        bench.input(.began(milliseconds: 0))
        bench.input(.inventory(containers))
        bench.connect()
        return bench
    }

    /// The agent dies and starts again with what is on the disk.
    mutating func restart(_ containers: [RuntimeContainer]) {
        self = Bench(orders: disk.orders, starts: disk.starts)
        input(.began(milliseconds: 0))
        input(.inventory(containers))
    }

    mutating func connect(_ stamp: FrameStamp = FrameStamp(incarnation: "aa", epoch: 1, revision: 0)) {
        input(.streamOpened(Bench.facts))
        receive(.welcome(Welcome(hostID: "1h1", hostNumber: 1, pingSeconds: 5)), stamp)
    }

    static let facts = HostFacts(
        hostUUID: "h1",
        agentVersion: "1",
        runtime: "simulated",
        hostname: "h",
        address: "127.0.0.1"
    )

    mutating func receive(
        _ message: ServerMessage,
        _ stamp: FrameStamp
    ) {
        input(.received(ServerFrame(stamp, message)))
    }

    mutating func sync(
        _ revision: UInt64,
        full: Bool = true,
        since: UInt64 = 0,
        _ instances: [InstanceSpec],
        tombstones: [Tombstone] = [],
        epoch: UInt64 = 1,
        incarnation: String = "aa"
    ) {
        receive(
            .sync(Sync(isFull: full, since: since, instances: instances, tombstones: tombstones)),
            FrameStamp(incarnation: incarnation, epoch: epoch, revision: revision)
        )
    }

    mutating func input(_ input: AgentCore.Input) {
        for action in core.step(input) {
            switch action {
            case .note(let note): notes.append(note)
            case .persistOrders(let orders):
                disk.orders = orders
                writes += 1
            case .persistStarts(let starts):
                disk.starts = starts
                writes += 1
            case .takeInventory: inventories += 1
            case .run(let operation): operations.append(operation)
            case .openLogs(let request, _): logs.append(request)
            case .openExec(let order, let externalID): execs.append((order, externalID))
            case .feed(let stream, let what): feeds.append((stream, what))
            case .closeLogs(let stream): closedLogs.append(stream)
            case .send(let frame): sent.append(frame.message)
            case .heard: break
            case .closeStream(let reason): closings.append(reason)
            }
        }
    }

    /// Says what came of a waiting operation; that none of this kind waits is a failure of the test.
    mutating func finish(
        _ kind: Operation.Kind,
        _ outcome: OperationOutcome,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        guard let index: Int = operations.firstIndex(where: { $0.kind == kind }) else {
            Issue.record("no \(kind) waits, but \(operations.map(\.kind))", sourceLocation: sourceLocation)
            return
        }
        input(.finished(operations.remove(at: index), outcome))
    }

    var observations: [Observation] {
        sent.flatMap { message -> [Observation] in
            if case .report(let report) = message { report.observations } else { [] }
        }
    }

    func last(_ uuid: String) -> Observation? { observations.last { $0.uuid == uuid } }

    var orphans: [Orphan]? {
        sent.compactMap { message -> [Orphan]? in
            if case .report(let report) = message { report.orphans } else { nil }
        }.last
    }
}

func spec(
    _ uuid: String,
    _ goal: ContainerGoal = .running,
    generation: UInt64 = 1,
    revision: UInt64 = 1,
    labels: JSONObject = [:]
) -> InstanceSpec {
    InstanceSpec(
        uuid: uuid,
        number: 1,
        name: "n-\(uuid)",
        goal: goal,
        generation: generation,
        revision: revision,
        launch: ["imageUuid": "docker:busybox", "labels": .object(labels)]
    )
}

func container(_ uuid: String, _ phase: RuntimeContainer.Phase, exitCode: Int64? = nil) -> RuntimeContainer {
    RuntimeContainer(
        uuid: uuid,
        number: 1,
        externalID: "c-\(uuid)",
        name: "n-\(uuid)",
        phase: phase,
        exitCode: exitCode
    )
}

func tombstone(_ uuid: String, revision: UInt64) -> Tombstone {
    Tombstone(uuid: uuid, number: 1, generation: 1, revision: revision)
}
