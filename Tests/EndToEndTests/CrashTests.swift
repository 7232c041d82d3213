import Glibc
import JSON
import Synchronization
import Testing

extension EndToEnd {
    @Suite(.serialized) struct CrashTests {
        @Test func `kill -9 of the node, of an agent, of both in the middle of up loses and doubles nothing`() async throws {
            try await DevRig.run { rig in
                let rounds: [[String]] = [["node1"], ["host1"], ["node1", "host1"], ["node1", "host1", "host2"]]
                try await Crashes(rig: rig).run(rounds, scale: 40, seed: 1)
            }
        }

        @Test(.enabled(if: EndToEnd.isThorough, "--all runs it"))
        func `twenty kills -9 at any moment lose and double nothing`() async throws {
            try await DevRig.run { rig in
                let targets: [[String]] = [["node1"], ["host1"], ["host2"], ["node1", "host1"], ["host1", "host2"]]
                try await Crashes(rig: rig).run((0..<20).map { targets[$0 % targets.count] }, scale: 30, seed: 7)
            }
        }

        @Test func `a cluster that is started again has everything and restarts nothing`() async throws {
            try await DevRig.run { rig in
                try await rig.up(try rig.plain("kept", scale: 5, withGlobal: true)).ends(0)
                let before = try await rig.agree()
                let stacks: [String] = try await rig.list("stacks").compactMap { $0["id"]?.string }
                try await rig.stop()
                try #require(rig.access == nil, "access.json outlived its cluster")
                try await rig.start()
                let after = try await rig.agree()
                try #require(after.held == before.held)
                try #require(after.shown == before.shown)
                try #require(try await rig.list("stacks").compactMap { $0["id"]?.string } == stacks)
                // It still works.
                try await rig.run(["scale", "kept/web=6"]).ends(0)
                try #require(try await rig.agree().shown.count == 8)
            }
        }
    }
}

/// Kills in the middle of `drover up`, and what must hold afterwards.
private struct Crashes {
    let rig: DevRig

    func run(_ rounds: [[String]], scale: Int, seed: UInt64) async throws {
        var random = SplitMix(seed: seed)
        try await rig.up(try rig.plain("before", scale: 4, withGlobal: true)).ends(0)
        let before = try await rig.agree()
        let writer = Writer(rig: rig)
        let writing = Task { await writer.run() }
        defer { writing.cancel() }
        for (number, targets) in rounds.enumerated() {
            try await round("round\(number)", targets, scale: scale, after: 1 + Int(random.next() % UInt64(scale / 3)))
        }
        writing.cancel()
        await writing.value

        let after = try await rig.agree()
        try #require(after.shown.count == before.shown.count + rounds.count * scale)
        try #require(Set(before.held).isSubset(of: after.held), "containers that ran before were touched")
        let uuids: Set<String> = Set(before.shown.map(\.uuid))
        try #require(after.shown.allSatisfy { !uuids.contains($0.uuid) || $0.startCount == 1 }, "\(after.shown)")
        try await writer.check()
    }

    /// One `up`; once `count` of its containers are made, `targets` are killed.
    private func round(_ stack: String, _ targets: [String], scale: Int, after count: Int) async throws {
        let path: String = try rig.plain(stack, scale: scale)
        let others: Int = rig.held().count
        let isOver = Mutex(false)
        async let doubles: [String] = watch { isOver.withLock { $0 } }
        async let upping: Ended = rig.up(path, seconds: 180)
        do {
            try await wait(for: "\(count) containers of \(stack)") { rig.held().count >= others + count }
            try await rig.kill9(targets)
            try await upping.ends(0)
        } catch {
            isOver.withLock { $0 = true }
            throw error
        }
        let settled = try await rig.agree()
        try #require(settled.shown.count == others + scale)
        try #require(settled.held.count == others + scale)
        isOver.withLock { $0 = true }
        let seen: [String] = await doubles
        try #require(seen.isEmpty, "there twice at some moment: \(seen)")
    }

    /// Looks at the hosts again and again: which container was there twice at any moment.
    private func watch(_ isOver: () -> Bool) async -> [String] {
        var doubles: Set<String> = []
        while !isOver(), !Task.isCancelled {
            var seen: Set<String> = []
            for container in rig.held() where !seen.insert(container.name).inserted { doubles.insert(container.name) }
            try? await Task.sleep(for: .milliseconds(50))
        }
        return doubles.sorted()
    }
}

/// Creates stacks as fast as it gets answers, and remembers those that were acknowledged.
private final class Writer: Sendable {
    private let rig: DevRig
    private let acknowledged = Mutex<[String: String]>([:])

    init(rig: DevRig) { self.rig = rig }

    func run() async {
        var number: Int = 0
        while !Task.isCancelled {
            number += 1
            let name: String = "written-\(number)"
            do {
                let answer = try await rig.api("POST", "projects/1a5/stacks", ["name": .string(name)])
                if answer.status == 201, let id: String = answer.body["id"]?.string {
                    acknowledged.withLock { $0[id] = name }
                }
            } catch {
                // Nobody said that it was written.
            }
            try? await Task.sleep(for: .milliseconds(20))
        }
    }

    func check() async throws {
        let acknowledged: [String: String] = acknowledged.withLock { $0 }
        try #require(acknowledged.count > 10, "only \(acknowledged.count) writes were acknowledged")
        let stacks: [JSONValue] = try await rig.list("stacks")
        let there: [String: String] = Dictionary(
            stacks.map { ($0["id"]?.string ?? "", $0["name"]?.string ?? "") }) { first, _ in first }
        let lost = acknowledged.filter { there[$0.key] != $0.value }
        try #require(lost.isEmpty, "acknowledged, and lost: \(lost)")
    }
}

/// The same numbers each time.
private struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed: UInt64 = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
