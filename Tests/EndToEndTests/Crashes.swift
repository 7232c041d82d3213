import Glibc
import JSON
import Synchronization
import TestSupport
import Testing

/// Kills in the middle of `drover up`, and what must hold afterwards.
struct Crashes: Sendable {
    let rig: DevRig
    /// Writes the compose file of a stack of that scale, and returns its folder.
    let compose: @Sendable (_ stack: String, _ scale: Int) throws -> String
    let held: @Sendable () async throws -> [Held]
    /// How many containers run: asked while they are being made, so it must be quick.
    let count: @Sendable () async throws -> Int

    init(
        _ rig: DevRig,
        compose: (@Sendable (String, Int) throws -> String)? = nil,
        held: (@Sendable () async throws -> [Held])? = nil,
        count: (@Sendable () async throws -> Int)? = nil
    ) {
        self.rig = rig
        self.compose = compose ?? { try rig.plain($0, scale: $1) }
        self.held = held ?? { rig.held() }
        self.count = count ?? { rig.held().count(where: \.isRunning) }
    }

    func run(_ rounds: [[String]], scale: Int, seed: UInt64) async throws {
        var random = Seeded(seed)
        try await rig.up(try compose("before", 4)).ends(0)
        let before = try await rig.agree(held)
        let writer = Writer(rig: rig)
        let writing = Task { await writer.run() }
        defer { writing.cancel() }
        for (number, targets) in rounds.enumerated() {
            try await round("round\(number)", targets, scale: scale, after: 1 + Int(random.next() % UInt64(scale / 3)))
        }
        writing.cancel()
        await writing.value

        let after = try await rig.agree(held)
        try #require(after.shown.count == before.shown.count + rounds.count * scale)
        try #require(Set(before.held).isSubset(of: after.held), "containers that ran before were touched")
        let uuids: Set<String> = Set(before.shown.map(\.uuid))
        try #require(after.shown.allSatisfy { !uuids.contains($0.uuid) || $0.startCount == 1 }, "\(after.shown)")
        try await writer.check()
    }

    /// One `up`; once `wanted` of its containers run, `targets` are killed.
    private func round(_ stack: String, _ targets: [String], scale: Int, after wanted: Int) async throws {
        let path: String = try compose(stack, scale)
        let others: Int = try await held().count
        let watching = Task { await watch() }
        defer { watching.cancel() }
        async let upping: Ended = rig.up(path, seconds: 180)
        let made: Int = try await wait(for: "\(wanted) containers of \(stack)") {
            let made: Int = try await count() - others
            return made >= wanted ? made : nil
        }
        try await rig.kill9(targets)
        try #require(made < scale, "the kill came too late to be in the middle")
        try await upping.ends(0)
        let settled = try await rig.agree(held)
        try #require(settled.shown.count == others + scale)
        try #require(settled.held.count == others + scale)
        watching.cancel()
        let seen: [String] = await watching.value
        try #require(seen.isEmpty, "there twice at some moment: \(seen)")
    }

    /// Looks at the hosts again and again: which container was there twice at any moment.
    private func watch() async -> [String] {
        var doubles: Set<String> = []
        while !Task.isCancelled {
            var seen: Set<String> = []
            for container in (try? await held()) ?? [] where !seen.insert(container.name).inserted {
                doubles.insert(container.name)
            }
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
            stacks.map { ($0["id"]?.string ?? "", $0["name"]?.string ?? "") }
        ) { first, _ in first }
        let lost = acknowledged.filter { there[$0.key] != $0.value }
        try #require(lost.isEmpty, "acknowledged, and lost: \(lost)")
    }
}
