import EventLoop
import Glibc
import Synchronization

/// What one client of a run has done in the measured time.
struct LoadTally: Sendable {
    /// Milliseconds, one for each request that ended in the measured time.
    var latencies: [Double] = []
}

/// Clients that connect first, then all work at once for a while, of which the beginning does not count.
///
/// Order: every client connects and calls ``arrive()``; when the last has, they begin; what ends between the end of the
/// warm-up and the end of the run is counted.
final class LoadRun: Sendable {
    /// Opens a connection, calls ``arrive()``, works until ``isOver``; runs on the loop that it is given.
    typealias Client = @Sendable (LoadRun, EventLoop) async throws -> LoadTally

    /// A client that asks the same again and again, over one connection, and expects 200.
    static func asking(_ request: [UInt8], of place: ServerPlace) -> Client {
        asking([request], of: place)
    }

    /// The same with several requests in turn.
    static func asking(_ requests: [[UInt8]], of place: ServerPlace) -> Client {
        { run, loop in
            let client: HTTPLoadClient = try await run.turnstile.pass { try await HTTPLoadClient(place, on: loop) }
            try await run.arrive()
            var tally = LoadTally()
            var turn: Int = 0
            while !run.isOver {
                let start: UInt64 = MonotonicClock.now
                turn = (turn + 1) % requests.count
                guard try await client.exchange(requests[turn]) == 200 else {
                    throw BenchFault("a request was refused: \(client.refusal)")
                }
                run.count(start, into: &tally)
            }
            return tally
        }
    }

    private let expected: Int
    private let warmUp: Double
    private let measured: Double
    private let state = Mutex(State())
    /// Monotonic nanoseconds; 0 until all have arrived.
    private let from = Atomic<UInt64>(0)
    private let until = Atomic<UInt64>(.max)
    /// So many connect at a time: a server answers handshakes in bulk no faster, and refuses those that wait too long.
    let turnstile = Turnstile(32)

    private struct State {
        var arrived: Int = 0
        var waiting: [CheckedContinuation<Void, Never>] = []
        var isCancelled: Bool = false
    }

    init(clients: Int, warmUp: Double, seconds: Double) {
        expected = clients
        self.warmUp = warmUp
        measured = seconds
    }

    var isOver: Bool { MonotonicClock.now >= until.load(ordering: .relaxed) }

    /// Waits for the other clients.
    func arrive() async throws {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isLast: [CheckedContinuation<Void, Never>]? = state.withLock { state in
                    state.arrived += 1
                    guard !state.isCancelled, state.arrived < expected else {
                        defer { state.waiting = [] }
                        return state.waiting + [continuation]
                    }
                    state.waiting.append(continuation)
                    return nil
                }
                if let isLast { begin(isLast) }
            }
        } onCancel: {
            let waiting: [CheckedContinuation<Void, Never>] = state.withLock { state in
                state.isCancelled = true
                defer { state.waiting = [] }
                return state.waiting
            }
            for each in waiting { each.resume() }
        }
        try Task.checkCancellation()
    }

    private func begin(_ waiting: [CheckedContinuation<Void, Never>]) {
        let now: UInt64 = MonotonicClock.now
        let start: UInt64 = now + UInt64(warmUp * 1e9)
        until.store(start + UInt64(measured * 1e9), ordering: .relaxed)
        from.store(start, ordering: .relaxed)
        for each in waiting { each.resume() }
    }

    /// Counts a request that began at `start` and has just ended.
    func count(_ start: UInt64, into tally: inout LoadTally) {
        let now: UInt64 = MonotonicClock.now
        guard now >= from.load(ordering: .relaxed), now < until.load(ordering: .relaxed) else { return }
        tally.latencies.append(Double(now - start) / 1e6)
    }

    /// Runs all clients and says what they did and what it cost.
    ///
    /// - Parameter processes: the servers, whose processor time is counted.
    static func perform(
        _ clients: [Client],
        on loops: Loops,
        warmUp: Double,
        seconds: Double,
        processes: @escaping @Sendable () -> [Int32]
    ) async throws -> LoadResult {
        let run = LoadRun(clients: clients.count, warmUp: warmUp, seconds: seconds)
        return try await withThrowingTaskGroup(of: Part.self) { group in
            for (index, client) in clients.enumerated() {
                let loop: EventLoop = loops.all[index % loops.all.count]
                group.addTask(executorPreference: loop) { .tally(try await client(run, loop)) }
            }
            group.addTask {
                let cost: (servers: [Double], generator: Double) = try await run.cost(processes)
                return .cost(servers: cost.servers, generator: cost.generator)
            }
            var result = LoadResult(seconds: seconds)
            for try await part in group {
                switch part {
                case .tally(let tally): result.latencies += tally.latencies
                case .cost(let servers, let generator):
                    result.eachServerSeconds = servers
                    result.generatorSeconds = generator
                }
            }
            return result
        }
    }

    private enum Part: Sendable {
        case tally(LoadTally)
        case cost(servers: [Double], generator: Double)
    }

    /// Processor time between the two ends of the measured time.
    private func cost(_ processes: @Sendable () -> [Int32]) async throws -> (servers: [Double], generator: Double) {
        let (start, end): (UInt64, UInt64) = try await bounds()
        try await Self.sleep(until: start)
        let all: [Int32] = processes()
        let before: [Double] = all.map { ProcessUsage.processorSeconds(of: [$0]) }
        let ownBefore: Double = ProcessUsage.ownProcessorSeconds
        try await Self.sleep(until: end)
        return (
            zip(all, before).map { ProcessUsage.processorSeconds(of: [$0]) - $1 },
            ProcessUsage.ownProcessorSeconds - ownBefore
        )
    }

    private func bounds() async throws -> (UInt64, UInt64) {
        // Connecting takes as long as it takes; a short step costs nothing and is over before the warm-up is.
        while from.load(ordering: .relaxed) == 0 { try await Task.sleep(for: .milliseconds(5)) }
        return (from.load(ordering: .relaxed), until.load(ordering: .relaxed))
    }

    static func sleep(until moment: UInt64) async throws {
        let now: UInt64 = MonotonicClock.now
        if moment > now { try await Task.sleep(for: .nanoseconds(Int64(moment - now))) }
    }
}

/// What a run did and what it cost.
struct LoadResult: Sendable {
    /// Milliseconds of each request.
    var latencies: [Double] = []
    var seconds: Double
    /// Processor time of each server, and of the load generator, in the measured time.
    var eachServerSeconds: [Double] = []
    var generatorSeconds: Double = 0

    init(seconds: Double) {
        self.seconds = seconds
    }

    var serverSeconds: Double { eachServerSeconds.reduce(0, +) }
    var perSecond: Double { Double(latencies.count) / seconds }
    /// Microseconds of the servers' processor time for each request.
    var serverMicros: Double { serverSeconds * 1e6 / Double(max(1, latencies.count)) }
    var generatorMicros: Double { generatorSeconds * 1e6 / Double(max(1, latencies.count)) }
    /// How many processors the load generator kept busy.
    var generatorShare: Double { generatorSeconds / seconds }
}

/// Lets so many through at a time.
final class Turnstile: Sendable {
    private let state: Mutex<(free: Int, waiting: [CheckedContinuation<Void, Never>])>

    init(_ free: Int) {
        state = Mutex((free, []))
    }

    /// Runs `body` when its turn has come.
    func pass<Result>(_ body: () async throws -> Result) async rethrows -> Result {
        await withCheckedContinuation { continuation in
            let isFree: Bool = state.withLock { state in
                if state.free > 0 {
                    state.free -= 1
                    return true
                }
                state.waiting.append(continuation)
                return false
            }
            if isFree { continuation.resume() }
        }
        defer {
            let next: CheckedContinuation<Void, Never>? = state.withLock { state in
                if !state.waiting.isEmpty { return state.waiting.removeFirst() }
                state.free += 1
                return nil
            }
            next?.resume()
        }
        return try await body()
    }
}
