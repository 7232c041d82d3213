import EventLoop

/// A node that forwards changes to the owner of their environment, beside HAProxy that forwards them to the same node.
///
/// What each case is: `docs/performance.md`.
package enum GatewayBench {
    private static let connections: Int = 64
    private static let bodyConnections: Int = 8
    private static let bodyBytes: Int = 1024 * 1024

    /// Measures all cases that are wanted; about eight minutes.
    ///
    /// - Throws: ``BenchFault``, and what the servers and connections threw; everything started is ended first.
    package static func run(_ options: BenchOptions) async throws -> BenchReport {
        BenchOptions.raiseDescriptorLimit()
        let folder: String = try Scratch.make(in: options.folder)
        var report = BenchReport(benchmark: "gateway", cases: [])
        let loops: Loops = try .start(count: 2)
        var cluster: DroverCluster?
        var peer: HAProxy?
        let result: Result<Void, any Error>
        do {
            options.progress("starting three nodes")
            let started: DroverCluster = try await .start(in: folder)
            cluster = started
            try await started.fill(connections, from: 0, on: loops)
            let (leader, owner): (Int, Int) = try await started.places()
            // Neither owner nor leader, if there is such a node: what it does is forwarding, and keeping its copy.
            let forwarder: Int = (0..<3).first { $0 != owner && $0 != leader } ?? (owner == 0 ? 1 : 0)
            let certificates = try BenchCertificates(in: folder)
            peer = try await HAProxy.start(
                in: folder,
                backend: started.nodes[owner].port,
                authorityFile: started.authorityFile,
                key: started.key,
                certificates: certificates
            )
            if peer == nil {
                report.notes.append(
                    "HAProxy is not installed, so nothing stands beside our figures: apt-get install haproxy"
                )
            }
            report.cases = try await Bench(started, owner, forwarder, peer, loops, options).cases()
            report.cases += try await ReadBench(started, peer, on: loops, options)
                .cases(leader: leader, follower: forwarder)
            if DestinationBench.isWanted(options) {
                let found = try await DestinationBench.run(
                    started,
                    node: forwarder,
                    in: folder,
                    certificates,
                    on: loops,
                    options
                )
                report.cases += found.cases
                report.notes += found.notes
            }
            result = .success(())
        } catch {
            result = .failure(error)
        }
        await peer?.end()
        await cluster?.end()
        await loops.stop()
        Scratch.remove(folder)
        try result.get()
        if let load: Double = Machine.load {
            report.notes.append(
                "load average at the end: \(Statistics.text(load)); other work on the machine moves every figure"
            )
        }
        return report
    }

    /// One cluster and the proxy before its owner.
    private struct Bench {
        let cluster: DroverCluster
        let owner: Int
        let forwarder: Int
        let peer: HAProxy?
        let loops: Loops
        let options: BenchOptions

        init(
            _ cluster: DroverCluster,
            _ owner: Int,
            _ forwarder: Int,
            _ peer: HAProxy?,
            _ loops: Loops,
            _ options: BenchOptions
        ) {
            self.cluster = cluster
            self.owner = owner
            self.forwarder = forwarder
            self.peer = peer
            self.loops = loops
            self.options = options
        }

        func cases() async throws -> [BenchCase] {
            var cases: [BenchCase] = []
            if options.wants("passthrough-64-cpu") || options.wants("policy-64-cpu") { cases += try await small() }
            if options.wants("body-1m") { cases.append(try await bodies()) }
            return cases
        }

        /// The same requests through our node, through HAProxy as a plain proxy, and through HAProxy with rules.
        private func small() async throws -> [BenchCase] {
            var passing = Pairing()
            var guarding = Pairing()
            var shares: [Double] = []
            for round in 1...options.rounds {
                options.progress("64 connections, round \(round): drover forwards")
                let ours: LoadResult = try await load(cluster.place(forwarder), connections, 0)
                guard let peer else {
                    passing.add(forwarding(ours, keeping: nil), of: 0, ours)
                    guarding.add(forwarding(ours, keeping: nil), of: 0, ours)
                    continue
                }
                options.progress("64 connections, round \(round): \(peer.name)")
                let plain: LoadResult = try await load(peer.plain, connections, 0, peer.process)
                options.progress("64 connections, round \(round): \(peer.name) with rules")
                let guarded: LoadResult = try await load(peer.guarded, connections, 0, peer.process)
                shares.append(micros(plain, 0))
                passing.add(forwarding(ours, keeping: plain), of: 0, ours)
                passing.add(micros(plain, 2), of: 1, plain)
                guarding.add(forwarding(ours, keeping: guarded), of: 0, ours)
                guarding.add(micros(guarded, 2), of: 1, guarded)
            }
            let note: String =
                "processor time of the process that forwards, a request; ours without the "
                + "\(Statistics.text(Statistics.median(shares) ?? 0)) µs that the node spends on its copy of the state meanwhile"
            let always: String =
                "ours checks key and rights and keeps an audit in both cases; the peer has rules in policy-64-cpu only"
            var cases: [BenchCase] = []
            if options.wants("passthrough-64-cpu") {
                cases.append(passing.item("passthrough-64-cpu", "µs", peerName: peer?.name, notes: [note, always]))
            }
            if options.wants("policy-64-cpu") {
                cases.append(guarding.item("policy-64-cpu", "µs", peerName: peer?.name, notes: [note, always]))
            }
            return cases
        }

        /// Bodies of 1 MiB: the same document as ever, and white space behind it.
        private func bodies() async throws -> BenchCase {
            var pairing = Pairing()
            for round in 1...options.rounds {
                options.progress("body-1m, round \(round): drover forwards")
                let ours: LoadResult = try await load(cluster.place(forwarder), bodyConnections, bodyBytes)
                pairing.add(megabytes(ours), of: 0, ours)
                guard let peer else { continue }
                options.progress("body-1m, round \(round): \(peer.name)")
                let theirs: LoadResult = try await load(peer.plain, bodyConnections, bodyBytes, peer.process)
                pairing.add(megabytes(theirs), of: 1, theirs)
            }
            let each: [String] = zip(["drover", peer?.name ?? "peer"], zip(pairing.results, [0, 2])).compactMap {
                name,
                part in
                let (results, process): ([LoadResult], Int) = part
                guard let median: Double = Statistics.median(results.map { micros($0, process) }) else { return nil }
                return "\(name): \(Statistics.text(median)) µs of processor a request in the process that forwards"
            }
            return pairing.item("body-1m", "MB/s", peerName: peer?.name, notes: each)
        }

        private func megabytes(_ result: LoadResult) -> Double { result.perSecond * Double(bodyBytes) / 1e6 }

        /// Puts over `count` connections to `place`; the processes are the forwarding node, the owner, and `proxy`.
        private func load(
            _ place: ServerPlace,
            _ count: Int,
            _ padding: Int,
            _ proxy: Int32? = nil
        ) async throws -> LoadResult {
            let processes: [Int32] = [cluster.process(forwarder), cluster.process(owner), proxy].compactMap { $0 }
            let clients: [LoadRun.Client] = (0..<count).map { index in
                let request = DroverCluster.PutRequest(cluster, volume: cluster.volume(index), padding: padding)
                return { run, loop in
                    var request: DroverCluster.PutRequest = request
                    let client: HTTPLoadClient = try await run.turnstile.pass {
                        try await HTTPLoadClient(place, on: loop)
                    }
                    try await run.arrive()
                    var tally = LoadTally()
                    while !run.isOver {
                        request.set(.now())
                        let start: UInt64 = MonotonicClock.now
                        let status: Int = try await client.exchange(request.bytes)
                        guard status == 200 else {
                            throw BenchFault(
                                "a request was refused (\(status)): \(String(decoding: client.body.prefix(300), as: UTF8.self))"
                            )
                        }
                        run.count(start, into: &tally)
                    }
                    return tally
                }
            }
            return try await LoadRun.perform(
                clients,
                on: loops,
                warmUp: options.warmUp,
                seconds: options.seconds,
                processes: { processes }
            )
        }

        private func micros(_ result: LoadResult, _ process: Int) -> Double {
            guard result.eachServerSeconds.count > process else { return .nan }
            return result.eachServerSeconds[process] * 1e6 / Double(max(1, result.latencies.count))
        }

        /// What forwarding costs our node: all that it spends, less what it spends on the same changes when it forwards none.
        private func forwarding(_ ours: LoadResult, keeping other: LoadResult?) -> Double {
            micros(ours, 0) - (other.map { micros($0, 0) } ?? 0)
        }
    }
}
