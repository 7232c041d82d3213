import EventLoop

/// How long it takes until a thousand watchers have heard of one change.
enum WatchBench {
    private static let watchers: Int = 1_000
    private static let changes: Int = 10

    static func run(
        _ sides: [any BenchSide],
        _ loops: Loops,
        _ options: BenchOptions,
        _ peerName: String?
    ) async throws -> BenchCase {
        var pairing = Pairing()
        for round in 1...options.rounds {
            for (index, side) in sides.enumerated() {
                options.progress("watch-\(watchers), round \(round): \(side.name)")
                let times: [Double] = try await measure(side, loops, firstTick: (round * 2 + index) * 1_000)
                pairing.add(Statistics.median(times) ?? .nan, of: index)
            }
        }
        return pairing.item(
            "watch-\(watchers)",
            "ms",
            peerName: peerName,
            notes: [
                "from sending a put to the moment at which the last watcher, in one process, has read the event;"
                    + " ours are \(watchers) WebSockets over TLS, etcd's \(watchers) streams on 100 connections"
            ]
        )
    }

    private static func measure(_ side: any BenchSide, _ loops: Loops, firstTick: Int) async throws -> [Double] {
        let board = WatchBoard(watchers: watchers)
        return try await withThrowingTaskGroup(of: [Double].self) { group in
            for (index, client) in side.watchers(count: watchers, board: board).enumerated() {
                let loop: EventLoop = loops.all[index % loops.all.count]
                group.addTask(executorPreference: loop) {
                    try await client(board, loop)
                    return []
                }
            }
            group.addTask(executorPreference: loops.all[0]) {
                try await board.waitUntilReady()
                let line: any BenchLine = try await side.line(to: try await side.leader(), value: 0, on: loops.all[0])
                var times: [Double] = []
                for change in 0..<changes {
                    // Subscribers of ours get a second change of one resource within a second a little later, on purpose.
                    try await Task.sleep(for: .milliseconds(1_200))
                    let tick: Int = firstTick + change
                    let time: Double = try await board.measure(tick) {
                        guard try await line.put(.tick(tick), before: .after(seconds: 30)) else {
                            throw BenchFault("\(side.name) refused a change")
                        }
                    }
                    times.append(time)
                }
                return times
            }
            defer { group.cancelAll() }
            while let times: [Double] = try await group.next() {
                if !times.isEmpty { return times }
            }
            throw BenchFault("all watchers of \(side.name) ended")
        }
    }
}
