import EventLoop
import Synchronization

/// From `kill -9` of the leader to the next write that a survivor acknowledges.
enum FailoverBench {
    /// A new attempt begins so often, on one survivor or the other; so fine is the figure.
    private static let spacing: UInt64 = 10_000_000
    private static let writers: Int = 150
    /// A client that hears nothing for so long gives up and opens a new connection.
    private static let patience: Int = 1_000

    static func run(
        _ sides: [any BenchSide],
        _ loops: Loops,
        _ options: BenchOptions,
        _ peerName: String?
    ) async throws -> BenchCase {
        var pairing = Pairing()
        for trial in 1...options.failovers {
            for (index, side) in sides.enumerated() {
                options.progress("failover \(trial): \(side.name)")
                try await awaitWhole(side)
                pairing.add(try await measure(side, loops), of: index)
            }
        }
        var notes: [String] = ["default timers on both sides; the next write is one that began after the kill"]
        for (name, values) in zip(["ours", peerName ?? "peer"], pairing.values) where !values.isEmpty {
            notes.append(
                "\(name): p95 \(Statistics.text(Statistics.percentile(values, 95) ?? .nan)) s of \(values.count)"
            )
        }
        return pairing.item("failover", "s", peerName: peerName, notes: notes)
    }

    private static func measure(_ side: any BenchSide, _ loops: Loops) async throws -> Double {
        let leader: Int = try await side.leader()
        let survivors: [Int] = (0..<side.nodeCount).filter { $0 != leader }
        let start = LoadRun(clients: writers + 1, warmUp: 0, seconds: 0)
        let killed = Moment()
        let end: UInt64 = try await withThrowingTaskGroup(of: UInt64.self) { group in
            for writer in 0..<writers {
                let loop: EventLoop = loops.all[writer % loops.all.count]
                group.addTask(executorPreference: loop) {
                    let node: Int = survivors[writer % survivors.count]
                    var line: (any BenchLine)? = try await start.turnstile.pass {
                        try await side.line(to: node, value: writer, on: loop)
                    }
                    try await start.arrive()
                    while killed.nanoseconds == 0 { try await loop.sleep(milliseconds: 1) }
                    let from: UInt64 = killed.nanoseconds
                    for turn in 0..<100 {
                        let due: UInt64 = from + UInt64(turn * writers + writer) * spacing
                        let now: UInt64 = MonotonicClock.now
                        if due > now { try await loop.sleep(milliseconds: Int((due - now) / 1_000_000)) }
                        try Task.checkCancellation()
                        do {
                            if line == nil { line = try await side.line(to: node, value: writer, on: loop) }
                            let deadline: Deadline = .after(milliseconds: patience)
                            if try await line?.put(.now(), before: deadline) == true { return MonotonicClock.now }
                        } catch {
                            try Task.checkCancellation()
                            line = nil
                        }
                    }
                    throw BenchFault("\(side.name) took no write in minutes after its leader was killed")
                }
            }
            group.addTask {
                try await start.arrive()
                let now: UInt64 = MonotonicClock.now
                try side.kill(leader)
                killed.set(now)
                try await Task.sleep(for: .seconds(600))
                throw BenchFault("\(side.name) took no write in minutes after its leader was killed")
            }
            defer { group.cancelAll() }
            return try await group.next() ?? 0
        }
        try await side.revive(leader)
        return Double(end - killed.nanoseconds) / 1e9
    }

    /// Until every node answers linearizable reads, and a little longer: elections and moves of owners have settled then.
    private static func awaitWhole(_ side: any BenchSide) async throws {
        for node in 0..<side.nodeCount {
            try await awaitRead(side, nodes: [node], step: .milliseconds(100))
        }
        try await Task.sleep(for: .seconds(5))
        _ = try await side.leader()
    }

    /// Until one of the nodes answers a linearizable read.
    static func awaitRead(_ side: any BenchSide, nodes: [Int] = [0, 1, 2], step: Duration) async throws {
        let loop: EventLoop = try EventLoop.start()
        let result: Result<Void, any Error>
        do {
            try await Patience.wait(seconds: 180, for: "\(side.name) to answer a read", step: step) {
                for node in nodes {
                    let isRead: Bool? = try? await loop.run {
                        let line: any BenchLine = try await side.line(to: node, value: 0, on: loop)
                        return try await line.get(before: .after(seconds: 2))
                    }
                    if isRead == true { return true }
                }
                return false
            }
            result = .success(())
        } catch {
            result = .failure(error)
        }
        await loop.stop()
        try result.get()
    }
}

/// A moment of the monotonic clock that others wait for; 0 until it has come.
private final class Moment: Sendable {
    private let value = Atomic<UInt64>(0)

    var nanoseconds: UInt64 { value.load(ordering: .acquiring) }

    func set(_ nanoseconds: UInt64) { value.store(nanoseconds, ordering: .releasing) }
}
