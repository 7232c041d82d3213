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

        @Test func `the authority is exchanged under load while a node sleeps, and a disk of the past opens nothing`()
            async throws
        {
            try await HandRig.run { rig in
                try await rig.found(["node1", "node2", "node3"])
                try await rig.host("host1", nodes: ["node1", "node2", "node3"])
                let before: String = try #require(Files.read("\(rig.data("node1"))/tls/authority.pem"))
                let key: String = try #require(Files.read("\(rig.data("node1"))/sealing.key"))
                try await rig.stop("node3")
                let clients: [RestartClient] = (0...1).map { RestartClient(rig: rig, first: $0, nodes: 2) }
                let load: [Task<Void, Never>] = clients.map { client in Task { await client.run() } }
                defer { for task in load { task.cancel() } }

                let done: Ended = try await rig.drover(["cluster", "rotate-ca", "--wait", "15"], node: "node2").ends(0)
                // In the end each phase waited for nobody but the one that slept.
                let waits: [Substring] = done.error.split(separator: "\n")
                try #require(waits.last?.hasSuffix("waiting for node3") == true, "\(done)")
                try #require(waits.count { $0.hasSuffix("waiting for node3") } == 2, "\(done)")
                for task in load { task.cancel() }
                for task in load { await task.value }
                let refusals: [String] = clients.flatMap(\.refusals)
                try #require(refusals.isEmpty, "\(refusals.prefix(5))")
                try #require(clients.flatMap(\.acknowledged).count > 20)

                // Everybody has what is new, and nothing of what is old.
                let after: String = try await wait(for: "node1 to forget the old authority") {
                    let text: String? = Files.read("\(rig.data("node1"))/tls/authority.pem")
                    return text.flatMap { $0.contains(before) ? nil : $0 }
                }
                for node in ["node1", "node2"] {
                    try await wait(for: "\(node) to forget the old authority") {
                        Files.read("\(rig.data(node))/tls/authority.pem") == after
                            && Files.read("\(rig.data(node))/sealing.key") != key
                            && Files.read("\(rig.data(node))/sealing.next") == nil
                    }
                }
                try await wait(for: "the host to be back with a new certificate") {
                    let identity: JSONValue? = Files.read("\(rig.data("host1"))/identity.json").flatMap {
                        try? JSONReader.parse($0)
                    }
                    guard identity?["tls"]?["authority"]?.string == after else { return false }
                    return try await rig.isActive("host1", node: "node1")
                }
                // What a thief of an old disk has opens nothing of the cluster of today.
                let file: String = "\(rig.folder)/today.backup"
                try await rig.drover(["cluster", "backup", file], node: "node1").ends(0)
                try Files.write(key, to: "\(rig.folder)/old.key")
                let thief: Ended = try await rig.drover(
                    ["cluster", "restore", file, "--sealing-key", "\(rig.folder)/old.key"] + rig.options("node9")
                ).ends(1)
                try #require(thief.error.contains("is not the one of the backup"), "\(thief)")

                // The one that slept is not believed any more, and comes in with a token.
                try rig.start("node3")
                try await wait(for: "node3 to be refused") { rig.log("node1").contains("tls.refused") }
                try await rig.kill9("node3")
                try await rig.drover(["cluster", "remove", "node3"], node: "node1").ends(0)
                try await wait(for: "node3 to be gone") {
                    try await rig.api("GET", "cluster", node: "node1").body["members"]?.array?.count == 2
                }
                try await Files.remove(rig.data("node3"))
                try await rig.join("node3", through: "node1")
                try await rig.voters(3, through: "node1")
            }
        }
    }
}

/// Writes and reads through whatever node takes its connection, as clients behind a balancer do: only a connection that nobody
/// takes is tried elsewhere, everything else counts.
final class RestartClient: Sendable {
    private let rig: HandRig
    private let first: Int
    private let nodes: Int
    private let written = Mutex<[String]>([])
    private let refused = Mutex<[String]>([])

    var acknowledged: [String] { written.withLock { $0 } }
    var refusals: [String] { refused.withLock { $0 } }

    init(rig: HandRig, first: Int, nodes: Int = 3) {
        self.rig = rig
        self.nodes = nodes
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
        for offset in 0..<nodes {
            let node: String = "node\((first + offset) % nodes + 1)"
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
