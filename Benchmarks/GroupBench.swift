internal import RaftCore
internal import RaftGroup
internal import RaftLog
internal import Synchronization

/// Puts through a group of one with its real log in a folder of its own, and a state machine that does nothing.
enum GroupBench {
    private static let entryBytes: Int = 256

    /// Runs all cases.
    ///
    /// - Parameter parent: where the data folder is made; the disk below it is what is measured.
    static func run(in parent: String) async throws -> [BenchCase] {
        let folder: String = try Scratch.make(in: parent)
        defer { Scratch.remove(folder) }
        let group: RaftGroup<Counter> = try start(in: folder)
        try await group.awaitLeader()
        let latency: Double = try await medianLatency(of: group, puts: 500)
        let throughput: Double = try await throughput(of: group, clients: 100, puts: 200)
        await group.shutdown()
        return [
            BenchCase(name: "internal-group-of-one-put-1-p50", unit: "ms", ours: latency),
            BenchCase(name: "internal-group-of-one-put-100", unit: "ops/s", ours: throughput),
        ]
    }

    private static func start(in folder: String) throws -> RaftGroup<Counter> {
        let member = MemberID(1)
        try FileLog.create(
            in: folder,
            member: member,
            group: GroupIdentity(cluster: 1, incarnation: 1),
            configuration: Configuration(voters: [member])
        )
        return RaftGroup(storage: try FileLog(opening: folder), machine: Counter()) { fault in
            fatalError("the benchmark's disk failed: \(fault)")
        }
    }

    /// One client, one put after the other, in milliseconds.
    private static func medianLatency(of group: RaftGroup<Counter>, puts: Int) async throws -> Double {
        let payload: [UInt8] = [UInt8](repeating: 7, count: entryBytes)
        let clock = ContinuousClock()
        var times: [Duration] = []
        for _ in 0..<puts {
            let start: ContinuousClock.Instant = clock.now
            _ = try await group.propose(payload)
            times.append(start.duration(to: clock.now))
        }
        return seconds(times.sorted()[puts / 2]) * 1_000
    }

    /// Many clients, each one put after the other, in puts a second.
    private static func throughput(of group: RaftGroup<Counter>, clients: Int, puts: Int) async throws -> Double {
        let clock = ContinuousClock()
        let start: ContinuousClock.Instant = clock.now
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for client in 0..<clients {
                tasks.addTask {
                    let payload = [UInt8](repeating: UInt8(client % 251), count: entryBytes)
                    for _ in 0..<puts { _ = try await group.propose(payload) }
                }
            }
            try await tasks.waitForAll()
        }
        return Double(clients * puts) / seconds(start.duration(to: clock.now))
    }

    private static func seconds(_ duration: Duration) -> Double {
        Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
    }

    /// Counts what is applied.
    private final class Counter: StateMachine {
        private let count = Mutex<UInt64>(0)

        var appliedIndex: LogIndex { 0 }

        func apply(index: LogIndex, term: Term, version: UInt8, payload: [UInt8]) -> UInt64 {
            count.withLock {
                $0 += 1
                return $0
            }
        }

        func pass(index: LogIndex, term: Term) {}

        struct NoSnapshots: Error {}
        func snapshot(to path: String) throws -> LogIndex { throw NoSnapshots() }
        func install(from path: String) throws { throw NoSnapshots() }
    }
}
