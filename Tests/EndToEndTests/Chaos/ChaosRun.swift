import Checkers
import EventLoop
import Glibc
import HTTP
import JSON
import TestSupport
import Testing

/// One cluster, one seed: a load, faults after each other, and the judgement.
struct ChaosRun: Sendable {
    let nodeCount: Int
    /// One after the other; those of one round overlap.
    let rounds: [[ChaosFault.Kind]]
    let seed: UInt64
    /// How long a fault lasts, in milliseconds.
    let lasting: ClosedRange<Int>
    /// Histories and verdicts are kept here.
    let folder: String

    /// What one round came to.
    struct Passage: Sendable {
        var kinds: [ChaosFault.Kind]
        var lastedMilliseconds: Int
        var longestGapMilliseconds: Int
        var recoveryMilliseconds: Int
    }

    struct Verdict: Sendable {
        var passages: [Passage]
        var operations: Int
        var acknowledged: Int
        var unknown: Int
        var watched: Int
        var complaints: [String]
        var history: String
    }

    func run() async throws -> Verdict {
        let nodes: [String] = (1...nodeCount).map { "node\($0)" }
        let name: String = "\(nodeCount)-nodes-seed-\(seed)"
        let history = try HistoryFile("\(folder)/\(name).history.jsonl")
        var passages: [Passage] = []
        var complaints: [String] = []
        var watched: Int = 0
        try await NetRig.run(nodes: nodeCount, hosts: 0, diskMegabytes: 256, withShim: true) { rig in
            let loop: EventLoop = try await rig.loop(in: "desk")
            let endpoints: [Endpoint] = nodes.map { NetRig.endpoint($0) }
            let key: (access: String, secret: String) = try #require(rig.credentials)
            let load = ChaosLoad(endpoints, key: key, loop: loop, history: history, seed: seed)
            let health = HTTPClient(loop: loop)
            try await wait(for: "every node to be ready") { await Self.areReady(endpoints, health) }
            try await load.prepare()
            let watchers: [ChangeWatcher] = nodes.map { node in
                ChangeWatcher(node, NetRig.endpoint(node), key: key, client: health, stacks: load.stacks)
            }
            for watcher in watchers { watcher.start() }
            load.start()
            var random = Seeded(seed)
            do {
                for kinds in rounds {
                    passages.append(try await pass(kinds, rig, nodes, load, health, &random))
                    load.nextGeneration()
                }
            } catch {
                await load.stop()
                for watcher in watchers { await watcher.stop() }
                keepLogs(of: rig, nodes, name)
                throw error
            }
            await load.stop()
            history.note("the load has ended")
            // Changes of one object within a second are told together: the last word is late by as much.
            try await Task.sleep(for: .milliseconds(1_500))
            if !(await load.readAll()) { complaints.append("not every key could be read in the end") }
            for watcher in watchers {
                await watcher.stop()
                watched += watcher.count
                complaints += watcher.complaints(history.operations)
            }
            var judged = History()
            judged.operations = history.operations
            complaints += judged.complaints()
            if !complaints.isEmpty { keepLogs(of: rig, nodes, name) }
            try Files.write(
                watchers.map(\.lines).joined(),
                to: "\(folder)/\(name).watches.jsonl"
            )
        }
        let operations: [ClientOperation] = history.operations
        let verdict = Verdict(
            passages: passages,
            operations: operations.count,
            acknowledged: operations.count { if case .done = $0.outcome { true } else { false } },
            unknown: operations.count { $0.outcome == .unknown },
            watched: watched,
            complaints: complaints,
            history: history.path
        )
        try Files.write(
            verdict.complaints.isEmpty ? "nothing is wrong\n" : verdict.complaints.joined(separator: "\n\n") + "\n",
            to: "\(folder)/\(name).verdict"
        )
        return verdict
    }

    private func pass(
        _ kinds: [ChaosFault.Kind],
        _ rig: NetRig,
        _ nodes: [String],
        _ load: ChaosLoad,
        _ health: HTTPClient,
        _ random: inout Seeded
    ) async throws -> Passage {
        let endpoints: [Endpoint] = nodes.map { NetRig.endpoint($0) }
        let leader: String = try await wait(for: "a leader") { await Self.leader(nodes, health) }
        let faults: [ChaosFault] = kinds.map { .draw($0, leader: leader, nodes: nodes, &random) }
        let begun: Int64 = HistoryFile.now
        for fault in faults {
            let length: Int = lasting.lowerBound + Int(random.next() % UInt64(lasting.count))
            load.history.note("begins: \(fault)")
            try await rig.begin(fault, nodes: nodes)
            try await Task.sleep(for: .milliseconds(length))
        }
        let words: String = faults.map(\.description).joined(separator: ", ")
        load.history.note("ends: \(words)")
        let healed: Int64 = HistoryFile.now
        try await rig.healAll(nodes)
        do {
            try await wait(for: "every node to be ready after: \(words)", seconds: 60) {
                // What the fault has ended may end after it, too.
                for node in nodes where rig.isDown(node) { try rig.start(node) }
                return await Self.areReady(endpoints, health)
            }
        }
        let ready: Int64 = HistoryFile.now
        load.history.note("all nodes are ready")
        // Some quiet between two faults.
        try await Task.sleep(for: .milliseconds(500))
        return Passage(
            kinds: kinds,
            lastedMilliseconds: Int((healed - begun) / 1_000_000),
            longestGapMilliseconds: Int(load.longestGap(from: begun, to: ready) / 1_000_000),
            recoveryMilliseconds: Int((ready - healed) / 1_000_000)
        )
    }

    private func keepLogs(of rig: NetRig, _ nodes: [String], _ name: String) {
        for node in nodes { try? Files.write(rig.log(node), to: "\(folder)/\(name).\(node).log") }
    }

    private static func ask(_ path: String, _ node: Endpoint, _ client: HTTPClient) async -> HTTPClientResponse? {
        var limits = HTTPClientLimits()
        limits.connectMilliseconds = 500
        limits.answerMilliseconds = 1_000
        return try? await client.send(HTTPRequest(method: "GET", target: path), to: node, limits: limits)
    }

    static func areReady(_ nodes: [Endpoint], _ client: HTTPClient) async -> Bool {
        for node in nodes {
            guard await ask("/readyz", node, client)?.status == 200 else { return false }
        }
        return true
    }

    /// Who says of itself that it leads.
    static func leader(_ nodes: [String], _ client: HTTPClient) async -> String? {
        for node in nodes {
            guard let answer = await ask("/metrics", NetRig.endpoint(node), client) else { continue }
            if String(decoding: answer.body, as: UTF8.self).contains("\ndrover_raft_role{role=\"leader\"} 1\n") {
                return node
            }
        }
        return nil
    }
}

extension ChaosRun.Verdict {
    /// A line for each kind of fault.
    var summary: String {
        var lines: [String] = []
        var groups: [(name: String, of: [ChaosRun.Passage])] = ChaosFault.Kind.allCases.map { kind in
            (kind.rawValue, passages.filter { $0.kinds == [kind] })
        }
        groups.append(("two faults at once", passages.filter { $0.kinds.count > 1 }))
        for (name, of) in groups where !of.isEmpty {
            let gaps: [Int] = of.map(\.longestGapMilliseconds).sorted()
            let recoveries: [Int] = of.map(\.recoveryMilliseconds).sorted()
            lines.append(
                "chaos: \(name): \(of.count)×, longest time without an acknowledged change: median "
                    + "\(gaps[gaps.count / 2]) ms, most \(gaps.last ?? 0) ms; all ready again after at most "
                    + "\(recoveries.last ?? 0) ms"
            )
        }
        lines.append(
            "chaos: \(operations) operations, \(acknowledged) changes acknowledged, \(unknown) unknown, \(watched) events "
                + "watched; " + (complaints.isEmpty ? "nothing is wrong" : "\(complaints.count) complaints")
        )
        return lines.joined(separator: "\n")
    }
}
