import Glibc
import Subprocess
import TestSupport
import Testing

/// What a cluster does when nobody asks anything of it, and when it hardly gets any time.
struct Steadiness: Sendable {
    let rig: DevRig
    static let nodes: [String] = ["node1", "node2", "node3"]

    struct Figures: Sendable {
        var commit: UInt64
        var term: UInt64
        var leader: String?
        /// By node.
        var cpuSeconds: [Double]
        var memoryBytes: [Double]
    }

    func figures() async throws -> Figures {
        var all = Figures(commit: 0, term: 0, leader: nil, cpuSeconds: [], memoryBytes: [])
        for node in Self.nodes {
            let page: [Substring] = try await rig.plain("/metrics", node: node).text.split(separator: "\n")
            func value(_ name: String) -> Double {
                page.first { $0.hasPrefix("\(name) ") }.flatMap { Double($0.dropFirst(name.count + 1)) } ?? .nan
            }
            all.commit = max(all.commit, UInt64(value("drover_raft_commit_index")))
            all.term = max(all.term, UInt64(value("drover_raft_term")))
            if page.contains("drover_raft_role{role=\"leader\"} 1") { all.leader = node }
            all.cpuSeconds.append(value("process_cpu_seconds_total"))
            all.memoryBytes.append(value("process_resident_memory_bytes"))
        }
        return all
    }

    /// Once everything has been assigned and announced, nothing is left to write.
    private func settled() async throws -> Figures {
        try await wait(for: "three seconds without an entry", seconds: 60) {
            let before: UInt64 = try await figures().commit
            try await Task.sleep(for: .seconds(3))
            let after: Figures = try await figures()
            return before == after.commit && after.leader != nil ? after : nil
        }
    }

    /// - Returns: the most processor time of a node, as a part of one core, and the most memory.
    func idle(seconds: Int) async throws -> (cpu: Double, memoryBytes: Double) {
        let before: Figures = try await settled()
        try await Task.sleep(for: .seconds(seconds))
        let after: Figures = try await figures()
        let cpu: [Double] = zip(after.cpuSeconds, before.cpuSeconds).map { ($0 - $1) / Double(seconds) }
        let megabytes: [Int] = after.memoryBytes.map { Int($0 / 1e6) }
        let parts: [String] = cpu.map { "\(Double(Int($0 * 10_000)) / 100) %" }
        print(
            "idle for \(seconds) s: \(after.commit - before.commit) entries, of one core "
                + "\(parts.joined(separator: ", ")), memory \(megabytes) MB"
        )
        try #require(after.commit == before.commit, "an idle cluster wrote \(after.commit - before.commit) entries")
        try #require(after.term == before.term, "an idle cluster had an election")
        return (cpu.max() ?? 0, after.memoryBytes.max() ?? 0)
    }

    /// Every core busy with something else, and nodes stopped for 300 ms one after the other: nobody is deposed.
    func starved(seconds: Int) async throws {
        let before: Figures = try await settled()
        let cores: Int = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        let burners: [ChildProcess] = try (0..<cores).map { _ in
            try .spawn(SubprocessCommand("sh", ["-c", "while :; do :; done"], environment: Program.environment()))
        }
        defer { for burner in burners { burner.kill() } }
        var random = Seeded(11)
        var pauses: Int = 0
        let end: ContinuousClock.Instant = .now + .seconds(seconds)
        while ContinuousClock.now < end {
            let node: String = Self.nodes[Int(random.next() % 3)]
            guard let process: Int32 = rig.process(node) else { throw RigFailure("\(node) does not run") }
            kill(process, SIGSTOP)
            try? await Task.sleep(for: .milliseconds(300))
            kill(process, SIGCONT)
            pauses += 1
            try await Task.sleep(for: .milliseconds(700))
        }
        let after: Figures = try await figures()
        print("starved for \(seconds) s with \(pauses) pauses: term \(before.term) before, \(after.term) after")
        try #require(after.term == before.term && after.leader == before.leader, "there was an election: \(after)")
    }
}

extension EndToEnd {
    @Suite(.serialized) struct SteadinessTests {
        @Test func `an idle cluster writes nothing, and one without time elects nobody`() async throws {
            try await DevRig.run(nodes: 3, hosts: 2) { rig in
                try await rig.up(try rig.plain("shop", scale: 2)).ends(0)
                try await rig.agree()
                _ = try await Steadiness(rig: rig).idle(seconds: 20)
                try await Steadiness(rig: rig).starved(seconds: 20)
            }
        }
    }
}

/// The same for long, on a machine that does nothing else.
@Suite(.serialized, .enabled(if: EndToEnd.isThorough, "--all runs it")) struct LongSteadinessTests {
    /// `DROVER_STEADY_MINUTES`, of each.
    private static let minutes: Int = getenv("DROVER_STEADY_MINUTES").flatMap { Int(String(cString: $0)) } ?? 10

    @Test func `ten minutes of rest write nothing and cost next to nothing`() async throws {
        try await DevRig.run(nodes: 3, hosts: 2) { rig in
            let cost = try await Steadiness(rig: rig).idle(seconds: 60 * Self.minutes)
            // A debug build may take some times of what is wanted of a release build: 1 %, 100 MB.
            #expect(cost.cpu < 0.1)
            #expect(cost.memoryBytes < 300e6)
        }
    }

    @Test func `ten minutes without time elect nobody`() async throws {
        try await DevRig.run(nodes: 3, hosts: 2) { rig in
            try await Steadiness(rig: rig).starved(seconds: 60 * Self.minutes)
        }
    }
}
