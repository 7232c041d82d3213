import Bytes
import Checkers
import EventLoop
import HTTP
import Synchronization
import TestSupport

/// A mixed load on a cluster, through all its nodes, with every answer written down.
final class ChaosLoad: Sendable {
    let history: HistoryFile
    /// Where reads and changes are sent; a test may put something of its own between.
    private let nodes: [Endpoint]
    private let clients: [ChaosClient]
    private let seed: UInt64
    private let state = Mutex(State())

    private struct State {
        var tasks: [Task<Void, Never>] = []
        var stacks: [ChaosClient.Key] = []
        /// Keys of a generation are left alone after some time: a search for an order is quick over short lives.
        var generation: Int = 0
        /// When changes were acknowledged.
        var acknowledged: [Int64] = []
        var number: Int = 0
        var isStopping: Bool = false
    }

    init(
        _ nodes: [Endpoint],
        key: (access: String, secret: String),
        loop: EventLoop,
        history: HistoryFile,
        seed: UInt64
    ) {
        self.nodes = nodes
        self.history = history
        self.seed = seed
        let http = HTTPClient(loop: loop)
        let authorization: String = "Basic " + Base64.encode(Array("\(key.access):\(key.secret)".utf8))
        self.clients = (0..<nodes.count + 3).map { number in
            ChaosClient(name: "c\(number)", http: http, authorization: authorization, history: history)
        }
    }

    var stacks: [ChaosClient.Key] { state.withLock { $0.stacks } }

    /// Makes the stacks that are written to all the time.
    func prepare() async throws {
        for number in 0..<3 {
            let key: ChaosClient.Key = try await clients[0].make(
                "steady-\(number)",
                description: "made-\(number)",
                through: nodes[0]
            )
            state.withLock { $0.stacks.append(key) }
        }
    }

    func start() {
        state.withLock { $0.isStopping = false }
        for (number, client) in clients.enumerated() {
            // One stays at each node, so that the others are heard of while it hangs; the rest go about.
            let home: Endpoint? = number < nodes.count ? nodes[number] : nil
            let task = Task { await self.work(client, at: home, Seeded(seed &+ UInt64(number) &* 7_919)) }
            state.withLock { $0.tasks.append(task) }
        }
    }

    /// From here on other settings and names are used.
    func nextGeneration() { state.withLock { $0.generation += 1 } }

    /// Waits for the answers that are under way.
    func stop() async {
        let tasks: [Task<Void, Never>] = state.withLock { state in
            defer { state.tasks = [] }
            state.isStopping = true
            return state.tasks
        }
        for task in tasks { await task.value }
    }

    /// What every key has in the end, through every node.
    func readAll() async -> Bool {
        let keys: Set<String> = Set(history.operations.map(\.key))
        var all: Bool = true
        let known: [ChaosClient.Key] =
            stacks
            + keys.sorted().compactMap { text in
                let parts: [Substring] = text.split(separator: " ", maxSplits: 1)
                switch parts[0] {
                case "setting": return .setting(String(parts[1]))
                case "claim": return .claim(String(parts[1]))
                default: return nil
                }
            }
        for (place, key) in known.enumerated() {
            // One after the other: through every node it would take minutes.
            let isRead: Bool = await clients[0].read(key, from: nodes[place % nodes.count])
            all = all && isRead
        }
        return all
    }

    /// The longest time without an acknowledged change between two moments.
    func longestGap(from start: Int64, to end: Int64) -> Int64 {
        let times: [Int64] = state.withLock { $0.acknowledged }.filter { $0 > start && $0 < end }.sorted()
        var longest: Int64 = 0
        var last: Int64 = start
        for time in times + [end] {
            longest = max(longest, time - last)
            last = time
        }
        return longest
    }

    private func work(_ client: ChaosClient, at home: Endpoint?, _ random: Seeded) async {
        var random: Seeded = random
        while !state.withLock({ $0.isStopping }) {
            let drawn: Endpoint = nodes[Int(random.next() % UInt64(nodes.count))]
            let node: Endpoint = home ?? drawn
            let key: ChaosClient.Key = pick(&random)
            let dice: UInt64 = random.next() % 100
            var isFine: Bool
            if dice < 45 {
                isFine = await client.read(key, from: node)
            } else {
                let isSetting: Bool = if case .setting = key { true } else { false }
                let change: ChaosClient.Change = isSetting && dice < 57 ? .delete : .write(value(client))
                isFine = await client.change(key, change, through: node)
                if isFine { state.withLock { $0.acknowledged.append(HistoryFile.now) } }
            }
            // Nobody there: not thousands of times a second.
            try? await Task.sleep(for: .milliseconds(isFine ? 5 : 40))
        }
    }

    private func pick(_ random: inout Seeded) -> ChaosClient.Key {
        let (stacks, generation): ([ChaosClient.Key], Int) = state.withLock { ($0.stacks, $0.generation) }
        let dice: UInt64 = random.next() % 100
        if dice < 30 { return stacks[Int(dice) % stacks.count] }
        if dice < 40 { return .claim("claim-\(generation)-\(dice % 4)") }
        return .setting("chaos.g\(generation).k\(dice % 3)")
    }

    /// One that nobody else writes.
    private func value(_ client: ChaosClient) -> String {
        let number: Int = state.withLock { state in
            state.number += 1
            return state.number
        }
        return "\(client.name)-\(number)"
    }
}
