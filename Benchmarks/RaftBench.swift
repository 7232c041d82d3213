import EventLoop
import Glibc

/// A cluster of three nodes beside a three-member etcd: same machine, same disk, same run, turn by turn.
///
/// What each case is: `docs/performance.md`.
package enum RaftBench {
    /// How many values there are in the cases that do not say how many.
    private static let values: Int = 1_000
    private static let many: Int = 100_000

    /// Measures all cases that are wanted; a few minutes.
    ///
    /// - Throws: ``BenchFault``, and what the servers and connections threw; everything started is ended first.
    package static func run(_ options: BenchOptions) async throws -> BenchReport {
        BenchOptions.raiseDescriptorLimit()
        let folder: String = try Scratch.make(in: options.folder)
        var sides: [any BenchSide] = []
        var report = BenchReport(benchmark: "raft", cases: [])
        let loops: Loops = try .start(count: 2)
        let result: Result<Void, any Error>
        do {
            options.progress("starting three nodes")
            sides.append(try await DroverCluster.start(in: folder))
            options.progress("starting three etcd members")
            if let etcd = try await EtcdCluster.start(in: folder, certificates: try BenchCertificates(in: folder)) {
                sides.append(etcd)
            } else {
                report.notes.append(
                    "etcd is not installed, so nothing stands beside our figures: apt-get install etcd-server"
                )
            }
            try await cases(sides, loops, options, &report)
            result = .success(())
        } catch {
            result = .failure(error)
        }
        for side in sides { await side.end() }
        await loops.stop()
        Scratch.remove(folder)
        try result.get()
        if options.wants("internal") { report.cases += try await GroupBench.run(in: options.folder) }
        if let load: Double = Machine.load {
            report.notes.append(
                "load average at the end: \(Statistics.text(load)); other work on the machine moves every figure"
            )
        }
        return report
    }

    private static func cases(
        _ sides: [any BenchSide],
        _ loops: Loops,
        _ options: BenchOptions,
        _ report: inout BenchReport
    ) async throws {
        let peerName: String? = sides.dropFirst().first?.name
        options.progress("making \(values) values on each side")
        for side in sides { try await side.fill(values, from: 0, on: loops) }
        if options.wants("put-1-p50") {
            report.cases.append(try await latency(sides, loops, options, peerName))
        }
        for (name, work, clients) in [
            ("put-100", BenchWork.put, 100), ("put-1000", .put, 1_000), ("read-100", .get, 100),
        ]
        where options.wants(name) {
            var pairing = Pairing()
            for round in 1...options.rounds {
                for (index, side) in sides.enumerated() {
                    options.progress("\(name), round \(round): \(side.name)")
                    let result: LoadResult = try await LoadRun.perform(
                        side.clients(work, count: clients),
                        on: loops,
                        warmUp: options.warmUp,
                        seconds: options.seconds,
                        processes: { side.processes() }
                    )
                    pairing.add(result.perSecond, of: index, result)
                }
            }
            report.cases.append(pairing.item(name, "ops/s", peerName: peerName))
        }
        if options.wants("watch-1000") {
            report.cases.append(try await WatchBench.run(sides, loops, options, peerName))
        }
        if options.wants("failover") {
            report.cases.append(try await FailoverBench.run(sides, loops, options, peerName))
        }
        if options.wants("memory-100k", onlyThorough: true) || options.wants("restart-100k", onlyThorough: true) {
            report.cases += try await manyValues(sides, loops, options, peerName)
        }
    }

    /// One client that talks to each node in turn.
    private static func latency(
        _ sides: [any BenchSide],
        _ loops: Loops,
        _ options: BenchOptions,
        _ peerName: String?
    ) async throws -> BenchCase {
        var pairing = Pairing()
        var byNode: [[[Double]]] = sides.map { Array(repeating: [], count: $0.nodeCount) }
        for round in 1...options.rounds {
            var merged: [LoadResult] = sides.map { _ in LoadResult(seconds: 0) }
            for node in 0..<3 {
                for (index, side) in sides.enumerated() {
                    options.progress("put-1-p50, round \(round), node \(node + 1): \(side.name)")
                    let result: LoadResult = try await LoadRun.perform(
                        [
                            { run, loop in
                                let line: any BenchLine = try await side.line(to: node, value: 0, on: loop)
                                try await run.arrive()
                                return try await line.work(.put, in: run)
                            }
                        ],
                        on: loops,
                        warmUp: options.warmUp / 2,
                        seconds: options.seconds / 2,
                        processes: { side.processes() }
                    )
                    merged[index].add(result)
                    byNode[index][node] += result.latencies
                }
            }
            for (index, result) in merged.enumerated() {
                pairing.add(Statistics.median(result.latencies) ?? .nan, of: index, result)
            }
        }
        var notes: [String] = []
        for (index, side) in sides.enumerated() {
            let leader: Int = try await side.leader()
            let words: [String] = byNode[index].enumerated().map { node, latencies in
                let text: String = Statistics.text(Statistics.median(latencies) ?? .nan)
                return "node \(node + 1)\(node == leader ? " (leads)" : "") \(text)"
            }
            var line: String = "\(side.name), p50 through " + words.joined(separator: ", ") + " ms"
            if let own = side as? DroverCluster {
                line += "; node \(try await own.places().owner + 1) owns the environment"
            }
            notes.append(line)
        }
        return pairing.item("put-1-p50", "ms", peerName: peerName, notes: notes)
    }

    /// Memory with many values, and the time until they can be read after a restart of all nodes.
    private static func manyValues(
        _ sides: [any BenchSide],
        _ loops: Loops,
        _ options: BenchOptions,
        _ peerName: String?
    ) async throws -> [BenchCase] {
        var memory = Pairing()
        var restart = Pairing()
        for (index, side) in sides.enumerated() {
            options.progress("making \(many) values: \(side.name)")
            try await side.fill(many - values, from: values, on: loops)
            // What is built up in the background, such as a checkpoint, is part of the cost; wait until it is quiet.
            try await quiet(side)
            let all: [Double] = side.processes().compactMap { ProcessUsage.residentMegabytes(of: $0) }
            memory.add(all.reduce(0, +) / Double(max(1, all.count)), of: index)
        }
        if options.wants("restart-100k", onlyThorough: true) {
            for round in 1...3 {
                for (index, side) in sides.enumerated() {
                    options.progress("restart-100k, round \(round): \(side.name)")
                    try await side.stopAll()
                    let start: UInt64 = MonotonicClock.now
                    try await side.startAll()
                    try await FailoverBench.awaitRead(side, step: .milliseconds(10))
                    restart.add(Double(MonotonicClock.now - start) / 1e9, of: index)
                }
            }
        }
        var cases: [BenchCase] = []
        if options.wants("memory-100k", onlyThorough: true) {
            cases.append(
                memory.item(
                    "memory-100k",
                    "MB",
                    peerName: peerName,
                    notes: ["resident memory of a node, mean of three"]
                )
            )
        }
        if options.wants("restart-100k", onlyThorough: true) {
            let note: String = "from starting three processes to the first linearizable read through any of them"
            cases.append(restart.item("restart-100k", "s", peerName: peerName, notes: [note]))
        }
        return cases
    }

    /// Until the servers use less than a tenth of a processor for a second, at most a minute.
    private static func quiet(_ side: any BenchSide) async throws {
        for _ in 0..<60 {
            let processes: [Int32] = side.processes()
            let before: Double = ProcessUsage.processorSeconds(of: processes)
            try await Task.sleep(for: .seconds(1))
            if ProcessUsage.processorSeconds(of: processes) - before < 0.1 { return }
        }
    }
}

extension LoadResult {
    /// Joins what was measured one after the other.
    mutating func add(_ other: LoadResult) {
        latencies += other.latencies
        seconds += other.seconds
        eachServerSeconds += other.eachServerSeconds
        generatorSeconds += other.generatorSeconds
    }
}
