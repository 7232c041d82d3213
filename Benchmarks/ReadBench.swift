import EventLoop

/// What it costs a node to answer a read itself, beside HAProxy that passes the same read on to the node behind it.
///
/// A node never forwards a read: it asks the leader how far the log is and answers from its own state. So the two cases are a
/// read at the leader, and one at another node.
struct ReadBench {
    private let cluster: DroverCluster
    private let peer: HAProxy?
    private let loops: Loops
    private let options: BenchOptions

    private static let connections: Int = 64

    init(_ cluster: DroverCluster, _ peer: HAProxy?, on loops: Loops, _ options: BenchOptions) {
        self.cluster = cluster
        self.peer = peer
        self.loops = loops
        self.options = options
    }

    func cases(leader: Int, follower: Int) async throws -> [BenchCase] {
        var cases: [BenchCase] = []
        for (name, node) in [("read-leader-64-cpu", leader), ("read-follower-64-cpu", follower)]
        where options.wants(name) { cases.append(try await compare(name, node)) }
        return cases
    }

    private func compare(_ name: String, _ node: Int) async throws -> BenchCase {
        var pairing = Pairing()
        var behind: [Double] = []
        for round in 1...options.rounds {
            options.progress("\(name), round \(round): drover")
            let all: [Int32] = (0..<3).compactMap { cluster.process($0) }
            guard let own: Int32 = cluster.process(node) else { throw BenchFault("node \(node + 1) has ended") }
            let ours: LoadResult = try await load(cluster.place(node), [own] + all.filter { $0 != own })
            pairing.add(micros(ours, ours.eachServerSeconds.first ?? .nan), of: 0, ours)
            behind.append(micros(ours, ours.eachServerSeconds.dropFirst().reduce(0, +)))
            guard let peer else { continue }
            options.progress("\(name), round \(round): \(peer.name)")
            let theirs: LoadResult = try await load(peer.plain, [peer.process])
            pairing.add(theirs.serverMicros, of: 1, theirs)
        }
        let others: String = Statistics.text(Statistics.median(behind) ?? .nan)
        return pairing.item(
            name,
            "µs",
            peerName: peer?.name,
            notes: [
                "ours: the node that answers, with key, rights and the newest state; the other two took \(others) µs a request",
                "the peer passes the read on, and the node behind it has all of that still before it",
            ]
        )
    }

    private func micros(_ result: LoadResult, _ seconds: Double) -> Double {
        seconds * 1e6 / Double(max(1, result.latencies.count))
    }

    private func load(_ place: ServerPlace, _ processes: [Int32]) async throws -> LoadResult {
        let clients: [LoadRun.Client] = (0..<Self.connections).map { index in
            LoadRun.asking(cluster.request("GET", DroverCluster.path(of: cluster.volume(index))), of: place)
        }
        return try await LoadRun.perform(
            clients,
            on: loops,
            warmUp: options.warmUp,
            seconds: options.seconds,
            processes: { processes }
        )
    }
}
