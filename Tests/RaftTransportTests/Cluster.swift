import EventLoop
import Glibc
import Logging
import Metrics
import RaftCore
import RaftGroup
import RaftLog
import RaftTransport
import Synchronization
import TestSupport
import Testing

/// Members of one group in this process: real logs in folders, real connections on loopback.
final class Cluster: Sendable {
    struct Member: Sendable {
        let id: MemberID
        let machine: Recorder
        let group: RaftGroup<Recorder>
        let transport: RaftTransport
        let door: Door
    }

    let network = Network()
    let loops: Loops
    private let root = Folder()
    private let running = Mutex<[MemberID: Member]>([:])
    private let seen = Mutex<[String]>([])

    init() throws {
        loops = try .start(count: 2)
    }

    var members: [Member] { running.withLock { $0.values.sorted { $0.id < $1.id } } }
    subscript(number: UInt64) -> Member? { running.withLock { $0[MemberID(number)] } }
    /// What the members observed, as text.
    var observations: [String] { seen.withLock { $0 } }

    func folder(_ number: UInt64) -> String { "\(root.path)/\(number)" }

    /// A member's empty folder.
    func found(_ number: UInt64, voters: [UInt64], learners: [UInt64] = []) throws {
        mkdir(folder(number), 0o700)
        try FileLog.create(
            in: folder(number) + "/log",
            member: MemberID(number),
            group: Samples.group,
            configuration: Configuration(
                voters: voters.map { MemberID($0) },
                learners: learners.map { MemberID($0) }
            ),
            segmentBytes: 64 * 1024
        )
    }

    @discardableResult
    func start(_ number: UInt64) throws -> Member {
        let id = MemberID(number)
        let machine = Recorder(folder: folder(number))
        let snapshots = try SnapshotFolder(path: folder(number) + "/snapshots")
        let log = try FileLog(
            opening: folder(number) + "/log",
            knownCommitted: machine.appliedIndex,
            snapshots: snapshots,
            segmentBytes: 64 * 1024
        )
        let transport = RaftTransport(
            group: Samples.group,
            id: id,
            dialing: Dialing(network: network, own: id),
            loops: loops,
            logger: Logger(label: "raft", level: .error, sink: CapturingLogSink()),
            metrics: MetricsRegistry()
        )
        let group = RaftGroup(
            storage: log,
            machine: machine,
            transport: transport,
            snapshots: snapshots,
            observer: { [self] observation in seen.withLock { $0.append("\(number): \(observation)") } },
            fatal: { Issue.record("member \(number): \($0)") }
        )
        transport.start(receiver: group)
        let door = try Door(transport, loops: loops)
        network.listens(id, at: door.port)
        let member = Member(id: id, machine: machine, group: group, transport: transport, door: door)
        running.withLock { $0[id] = member }
        return member
    }

    /// The process ends: first its connections, as others see it.
    func stop(_ number: UInt64) async {
        guard let member = running.withLock({ $0.removeValue(forKey: MemberID(number)) }) else { return }
        network.listens(member.id, at: nil)
        member.transport.stop()
        await member.door.close()
        await member.group.shutdown()
    }

    func stopAll() async {
        for member in members { await stop(member.id.number) }
        await loops.stop()
    }

    func wipe(_ number: UInt64) { root.remove("\(number)") }

    /// The member that leads and is able to answer.
    func leader() async throws -> Member {
        var found: Member?
        _ = await eventually {
            for member in members where member.group.status.role == .leader {
                if (try? await member.group.readIndex()) != nil, member.group.status.role == .leader {
                    found = member
                    return true
                }
            }
            return false
        }
        return try #require(found, "no leader: \(members.map(\.group.status))")
    }

    /// Puts a line into the log, through whoever leads.
    func propose(_ line: String) async throws -> LogIndex {
        for _ in 0..<200 {
            let leader: Member = try await leader()
            do throws(ProposeError) {
                return try await leader.group.propose(Array(line.utf8)).index
            } catch {
                // A repetition may be applied twice; the tests that care do not come here.
                try await Task.sleep(for: .milliseconds(20))
            }
        }
        throw ReadError.timedOut
    }

    /// Many at once, through one leader.
    func fill(_ lines: Range<Int>) async throws {
        let leader: Member = try await leader()
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for line in lines {
                tasks.addTask { _ = try await leader.group.propose(Array("line \(line)".utf8)) }
            }
            try await tasks.waitForAll()
        }
    }
}
