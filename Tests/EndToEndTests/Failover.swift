import Glibc
import JSON
import Synchronization
import Testing

/// Who is what in a cluster, as `/v2-beta/cluster` tells.
struct Places: Sendable {
    var leader: String
    /// The node that owns the environment Default.
    var owner: String
    var voters: [String]
    var owners: [String: String]

    init?(_ status: JSONValue) {
        guard let leader: String = status["leader"]?.string, let members: [JSONValue] = status["members"]?.array,
            let scopes: [JSONValue] = status["scopes"]?.array
        else { return nil }
        self.leader = leader
        owners = Dictionary(
            scopes.compactMap { scope in
                guard let id: String = scope["scope"]?.string, let owner: String = scope["owner"]?.string else {
                    return nil
                }
                return (id, owner)
            }
        ) { first, _ in first }
        guard let owner: String = owners["1a5"] else { return nil }
        self.owner = owner
        voters = members.filter { ["leader", "voter"].contains($0["role"]?.string) }.compactMap { $0["id"]?.string }
    }
}

extension DevRig {
    func places(node: String? = nil) async throws -> Places {
        try await wait(for: "a leader and owners") { Places(try await api("GET", "cluster", node: node).body) }
    }

    /// Hands leadership to a node, and waits until it leads.
    func lead(_ node: String) async throws {
        try await wait(for: "\(node) to lead") {
            if try await places().leader == node { return true }
            _ = try await api("POST", "cluster?action=transfer", ["to": .string(node)])
            try await Task.sleep(for: .milliseconds(300))
            return try await places().leader == node
        }
    }
}

/// Kills a node in the middle of `drover up`, again and again, while others write.
struct Failover: Sendable {
    enum Target: String, Sendable, CaseIterable {
        case leader, owner, both

        /// All of them, or the one that `DROVER_KILL` names.
        static let chosen: [Target] = {
            guard let name = getenv("DROVER_KILL") else { return allCases }
            return [Target(rawValue: String(cString: name))].compactMap { $0 }
        }()
    }

    let rig: DevRig

    /// - Returns: for each kill, the longest time without an acknowledged write, in milliseconds.
    func run(_ targets: [Target], scale: Int) async throws -> [(target: Target, gap: Int)] {
        var gaps: [(target: Target, gap: Int)] = []
        for (number, target) in targets.enumerated() {
            let gap: Int = try await round("round\(number)", target, scale: scale)
            gaps.append((target, gap))
            print("kill -9 of the \(target.rawValue): the longest gap in acknowledged writes was \(gap) ms")
        }
        return gaps
    }

    private func round(_ stack: String, _ target: Target, scale: Int) async throws -> Int {
        let victim: String = try await arrange(target)
        let survivors: [String] = try await rig.places().voters.filter { $0 != victim }
        let path: String = try rig.plain(stack, scale: scale)
        let others: Int = rig.held().count
        let writers: [GapWriter] = (0..<4).map {
            GapWriter(rig: rig, node: survivors[$0 % survivors.count], prefix: "\(stack)-\($0)")
        }
        let writing: [Task<Void, Never>] = writers.map { writer in Task { await writer.run() } }
        defer { for task in writing { task.cancel() } }

        async let upping: Ended = rig.run(
            ["up", "-d", "--file", "\(path)/docker-compose.yml", "--stack", stack],
            seconds: 120,
            environment: ["DROVER_URL": try rig.url(of: survivors[0])]
        )
        try await wait(for: "some containers of \(stack)") { rig.held().count(where: \.isRunning) > others + scale / 8 }
        rig.freeze()
        defer { rig.thaw() }
        let killed: ContinuousClock.Instant = .now
        try await rig.kill9([victim])
        // Long enough for the gap to be over; without end they would fill the environment.
        try await Task.sleep(for: .seconds(4))
        for task in writing { task.cancel() }
        for task in writing { await task.value }
        try await upping.ends(0)
        let settled = try await rig.agree(node: survivors[1])
        try #require(settled.held.count == others + scale, "\(settled.held.count) containers, not \(others + scale)")
        try #require(settled.shown.allSatisfy { $0.startCount == 1 }, "a container was started twice")
        // What the survivors say without the third is what there is.
        try #require(try await rig.containers(node: survivors[0]).count == settled.shown.count)
        let gap: Duration = GapWriter.longestGap(writers, from: killed)

        rig.thaw()
        try await wait(for: "\(victim) to be back") {
            try await rig.api("GET", "cluster", node: victim).body["leader"]?.string != nil
        }
        try await GapWriter.check(writers, rig)
        return Int(gap / .milliseconds(1))
    }

    /// Moves leadership so that the wanted node is what it is to be; returns its name.
    private func arrange(_ target: Target) async throws -> String {
        let places: Places = try await rig.places()
        switch target {
        case .leader:
            if places.leader == places.owner {
                let other: String = try #require(places.voters.first { $0 != places.owner })
                try await rig.lead(other)
                return other
            }
            return places.leader
        case .owner:
            if places.leader == places.owner {
                try await rig.lead(try #require(places.voters.first { $0 != places.owner }))
            }
            return places.owner
        case .both:
            try await rig.lead(places.owner)
            return places.owner
        }
    }
}

/// Creates stacks through one node as fast as it gets answers, and remembers when each was acknowledged.
final class GapWriter: Sendable {
    private let rig: DevRig
    private let node: String
    private let prefix: String
    private let acknowledged = Mutex<[(id: String, name: String, at: ContinuousClock.Instant)]>([])
    private let refused = Mutex<[String]>([])

    /// What was answered to those that were not acknowledged.
    var refusals: [String] { refused.withLock { $0 } }

    init(rig: DevRig, node: String, prefix: String) {
        self.rig = rig
        self.node = node
        self.prefix = prefix
    }

    func run() async {
        var number: Int = 0
        while !Task.isCancelled {
            number += 1
            let name: String = "\(prefix)-\(number)"
            do {
                let answer = try await rig.api("POST", "projects/1a5/stacks", ["name": .string(name)], node: node)
                let now: ContinuousClock.Instant = .now
                if answer.status == 201, let id: String = answer.body["id"]?.string {
                    acknowledged.withLock { $0.append((id, name, now)) }
                } else {
                    refused.withLock { $0.append("\(node): \(answer)") }
                }
            } catch {
                if !Task.isCancelled { refused.withLock { $0.append("\(node): \(error)") } }
            }
            // Four writers together still show gaps of some tens of milliseconds; more would only fill the environment.
            try? await Task.sleep(for: .milliseconds(75))
        }
    }

    /// Of all writers together, from a moment on.
    static func longestGap(_ writers: [GapWriter], from start: ContinuousClock.Instant) -> Duration {
        let times: [ContinuousClock.Instant] = writers.flatMap { writer in
            writer.acknowledged.withLock { $0.map(\.at) }
        }.filter { $0 >= start }.sorted()
        var longest: Duration = .zero
        var last: ContinuousClock.Instant = start
        for time in times {
            longest = max(longest, last.duration(to: time))
            last = time
        }
        return times.isEmpty ? .seconds(3_600) : longest
    }

    /// What was acknowledged is there, under the name that it was given.
    static func check(_ writers: [GapWriter], _ rig: DevRig) async throws {
        let acknowledged: [(id: String, name: String, at: ContinuousClock.Instant)] = writers.flatMap { writer in
            writer.acknowledged.withLock { $0 }
        }
        try #require(acknowledged.count > 10, "only \(acknowledged.count) writes were acknowledged")
        // One by one: a collection shows no more than some thousands.
        var lost: [String] = []
        for each in acknowledged {
            let found = try await rig.api("GET", "projects/1a5/stacks/\(each.id)")
            if found.status != 200 || found.body["name"]?.string != each.name { lost.append("\(each.id) \(each.name)") }
        }
        try #require(lost.isEmpty, "acknowledged, and lost: \(lost.count), such as \(lost.prefix(5))")
    }
}
