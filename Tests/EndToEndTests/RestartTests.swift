import EventLoop
import Glibc
import JSON
import Synchronization
import Testing

extension EndToEnd {
    /// Nodes that are stopped in good order, one after the other, as for an upgrade.
    @Suite(.serialized) struct RestartTests {
        @Test func `three nodes are restarted one after the other under load, and no request is refused`() async throws
        {
            try await HandRig.run { rig in
                try await rig.found(["node1", "node2", "node3"])
                for number in 1...4 {
                    let made = try await rig.api("POST", "projects", ["name": .string("env\(number)")], node: "node1")
                    try #require(made.status == 201, "\(made)")
                }
                try await rig.stack("begin", node: "node1")
                let clients: [RestartClient] = (1...3).map { RestartClient(rig: rig, first: $0) }
                let load: [Task<Void, Never>] = clients.map { client in Task { await client.run() } }
                defer { for task in load { task.cancel() } }
                for name in ["node1", "node2", "node3"] {
                    // It leads when it is stopped, so that every restart moves leadership, too.
                    try await wait(for: "\(name) to lead") {
                        let status = try await rig.api("GET", "cluster", node: name)
                        if status.body["leader"]?.string == name { return true }
                        _ = try await rig.api("POST", "cluster?action=transfer", ["to": .string(name)], node: name)
                        try await Task.sleep(for: .milliseconds(200))
                        return false
                    }
                    try await rig.stop(name)
                    let next: String = name == "node1" ? "node2" : "node1"
                    let status = try await rig.api("GET", "cluster", node: next)
                    let owners: [String] = status.body["scopes"]?.array?.compactMap { $0["owner"]?.string } ?? []
                    // The cluster's own scope goes with the leadership a moment later.
                    try #require(
                        !(status.body["scopes"]?.array ?? []).contains {
                            $0["scope"]?.string != "cluster" && $0["owner"]?.string == name
                        },
                        "\(name) is down and owns something still: \(owners)"
                    )
                    try rig.start(name)
                    try await wait(for: "\(name) to be back") {
                        try await rig.api("GET", "cluster", node: name).body["leader"]?.string != nil
                    }
                }
                for task in load { task.cancel() }
                for task in load { await task.value }
                let refusals: [String] = clients.flatMap(\.refusals)
                try #require(refusals.isEmpty, "\(refusals.prefix(5))")
                let written: Set<String> = Set(clients.flatMap(\.acknowledged))
                try #require(written.count > 50, "only \(written.count) writes")
                let shown: Set<String> = try await rig.stacks(node: "node2")
                try #require(written.isSubset(of: shown), "lost: \(written.subtracting(shown).prefix(5))")
            }
        }
    }
}

/// Writes and reads through whatever node takes its connection, as clients behind a balancer do: only a connection that nobody
/// takes is tried elsewhere, everything else counts.
final class RestartClient: Sendable {
    private let rig: HandRig
    private let first: Int
    private let written = Mutex<[String]>([])
    private let refused = Mutex<[String]>([])

    var acknowledged: [String] { written.withLock { $0 } }
    var refusals: [String] { refused.withLock { $0 } }

    init(rig: HandRig, first: Int) {
        self.rig = rig
        self.first = first
    }

    func run() async {
        var number: Int = 0
        while !Task.isCancelled {
            number += 1
            let name: String = "load-\(first)-\(number)"
            if await ask("POST", "projects/1a5/stacks", ["name": .string(name)], 201) {
                written.withLock { $0.append(name) }
            }
            _ = await ask("GET", "projects/1a5/stacks?limit=1", nil, 200)
            try? await Task.sleep(for: .milliseconds(20))
        }
    }

    private func ask(_ method: String, _ path: String, _ body: JSONValue?, _ wanted: Int) async -> Bool {
        for offset in 0..<3 {
            let node: String = "node\((first + offset) % 3 + 1)"
            do {
                let answer = try await rig.api(method, path, body, node: node)
                if answer.status == wanted { return true }
                refused.withLock { $0.append("\(node) \(method): \(answer)") }
                return false
            } catch NetworkFault.system(_, _, let code) where code == ECONNREFUSED {
                continue
            } catch {
                if !Task.isCancelled { refused.withLock { $0.append("\(node) \(method): \(error)") } }
                return false
            }
        }
        if !Task.isCancelled { refused.withLock { $0.append("\(method): no node takes connections") } }
        return false
    }
}
