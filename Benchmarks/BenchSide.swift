import EventLoop
import Glibc

/// One of the two clusters that a benchmark of replication compares: three nodes that keep values of 256 bytes.
protocol BenchSide: Sendable {
    /// Such as `etcd 3.4.23`.
    var name: String { get }
    var nodeCount: Int { get }

    /// The server processes that run now.
    func processes() -> [Int32]
    /// The node that leads now.
    func leader() async throws -> Int
    /// A connection to a node over which one value after the other is written or read.
    func line(to node: Int, value: Int, on loop: EventLoop) async throws -> any BenchLine
    /// So many clients, dealt out to all nodes, in the way that suits the server best.
    func clients(_ work: BenchWork, count: Int) -> [LoadRun.Client]
    /// So many watchers of one value each, dealt out to all nodes.
    func watchers(count: Int, board: WatchBoard) -> [WatchBoard.Client]
    /// Makes so many values, the first of which number 0.
    func fill(_ count: Int, from first: Int, on loops: Loops) async throws
    /// Ends a node's process at once, as a crash does.
    func kill(_ node: Int) throws
    /// Brings back what was killed, and returns when it runs.
    func revive(_ node: Int) async throws
    /// Ends all nodes in an orderly way.
    func stopAll() async throws
    /// Starts all nodes again; returns when their processes run, not when they answer.
    func startAll() async throws
    /// Ends everything that this side started, whatever state it is in.
    func end() async
}

enum BenchWork: Sendable {
    case put
    case get
}

/// A connection that carries one request at a time.
protocol BenchLine: AnyObject {
    /// - Returns: whether the server acknowledged it.
    func put(_ value: BenchValue, before deadline: Deadline) async throws -> Bool
    /// A read that is as new as anything that was acknowledged before.
    func get(before deadline: Deadline) async throws -> Bool
    /// What the server said when it did not do the last request.
    var refusal: String { get }
}

/// 256 bytes that differ from all others.
struct BenchValue {
    static let length: Int = 256
    private static let markLength: Int = 26
    /// What watchers look for, with six digits behind it.
    static let tick: [UInt8] = Array("tick-".utf8)

    var bytes: [UInt8]

    /// Made of the time, so that no value is written twice: what changes nothing costs nothing.
    static func now() -> BenchValue {
        BenchValue(mark: "value-", number: MonotonicClock.now, digits: 20)
    }

    static func tick(_ number: Int) -> BenchValue {
        BenchValue(mark: "tick-", number: UInt64(number), digits: 6)
    }

    private init(mark: StaticString, number: UInt64, digits: Int) {
        bytes = [UInt8](repeating: UInt8(ascii: "x"), count: Self.length)
        let name: Int = mark.utf8CodeUnitCount
        mark.withUTF8Buffer { for (index, byte) in $0.enumerated() { bytes[index] = byte } }
        var rest: UInt64 = number
        for index in (name..<(name + digits)).reversed() {
            bytes[index] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        }
    }

    /// The number of the tick that stands in `bytes`.
    static func tick(in bytes: ArraySlice<UInt8>) -> Int? {
        bytes.withUnsafeBytes { all in
            guard let base = all.baseAddress else { return nil }
            var position: Int = 0
            while let found = memchr(base + position, Int32(tick[0]), all.count - position) {
                let start: Int = UnsafeRawPointer(found) - base
                position = start + 1
                guard start + tick.count + 6 <= all.count else { return nil }
                guard memcmp(base + start, tick, tick.count) == 0 else { continue }
                return all[(start + tick.count)..<(start + tick.count + 6)].reduce(0) { $0 * 10 + Int($1 & 0xF) }
            }
            return nil
        }
    }
}

extension BenchLine {
    /// One request after the other until the run is over.
    func work(_ work: BenchWork, in run: LoadRun) async throws -> LoadTally {
        var tally = LoadTally()
        while !run.isOver {
            let start: UInt64 = MonotonicClock.now
            let isDone: Bool =
                work == .put
                ? try await put(.now(), before: .after(seconds: 30)) : try await get(before: .after(seconds: 30))
            guard isDone else { throw BenchFault("a request was refused in the middle of a run: \(refusal)") }
            run.count(start, into: &tally)
        }
        return tally
    }
}
