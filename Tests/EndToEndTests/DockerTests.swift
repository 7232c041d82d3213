import EventLoop
import JSON
import Testing

extension EndToEnd {
    /// Against a real Docker Engine: two hosts share it.
    @Suite(.serialized, .enabled("no Docker Engine answers", { await Docker.mayRun() }))
    struct DockerTests {
        @Test func `every replica answers, docker ps agrees, and rm takes only its own`() async throws {
            try await DockerTests.run { rig in
                // Somebody else's container, of the same image.
                let foreign: String = try await Docker.run(["run", "--detach", Docker.image]).trimmed
                do {
                    try await check(rig)
                    let state: String = try await Docker.run(["inspect", "--format", "{{.State.Running}}", foreign])
                        .trimmed
                    try #require(state == "true", "a container of somebody else was touched")
                    try await Docker.run(["rm", "--force", foreign])
                } catch {
                    _ = try? await Docker.run(["rm", "--force", foreign])
                    throw error
                }
            }
        }

        private func check(_ rig: DevRig) async throws {
            let port: Int = try freePort()
            try await rig.up(
                try rig.compose(
                    "shop",
                    """
                    version: '2'
                    services:
                      web:
                        image: \(Docker.image)
                      everywhere:
                        image: \(Docker.image)
                        ports:
                          - '\(port):8080'
                        labels:
                          io.rancher.scheduler.global: 'true'
                    """,
                    rancher: "version: '2'\nservices:\n  web:\n    scale: 4\n"
                )
            ).ends(0)
            let there = try await rig.agree(rig.engineContainers)
            try #require(there.shown.count == 6)
            try #require(there.shown.map(\.name) == there.held.map(\.name))
            for host in ["host1", "host2"] { try #require(there.held.count { $0.host == host } == 3, "\(there.held)") }

            var answers: Set<String> = []
            for container in there.shown {
                let text: String = try await wait(for: "\(container.name) at \(container.address)") {
                    try await rig.get(container.address, 8080).trimmed
                }
                answers.insert(text)
            }
            try #require(answers.count == 6, "\(answers)")
            for address in ["127.1.0.1", "127.1.0.2"] {
                let text: String = try await wait(for: "\(address):\(port)") {
                    try await rig.get(address, port).trimmed
                }
                try #require(answers.contains(text), "\(text) at \(address):\(port) is none of \(answers)")
            }

            let logs: String = try await rig.run(["logs", "shop/web"]).ends(0).out
            for container in there.shown where container.name.contains("web") {
                let line: String? = logs.split(separator: "\n").first { $0.contains(container.name) }.map(String.init)
                try #require(line?.hasSuffix("serves") == true, "\(logs)")
            }

            try await rig.run(["scale", "shop/web=2"]).ends(0)
            try #require(try await rig.agree(rig.engineContainers).held.count == 4)
            try await rig.run(["rm", "--type", "stack", "shop"]).ends(0)
            try #require(try await rig.engineContainers().isEmpty)
        }

        @Test func `a port that another program has is named, and taken once it is free`() async throws {
            try await DockerTests.run { rig in
                let port: Int = try freePort()
                let loop: EventLoop = try .start()
                let holder: Listener = try .bind(.tcp(host: "127.1.0.1", port: port), on: loop)
                let path: String = try rig.compose(
                    "busy",
                    """
                    version: '2'
                    services:
                      web:
                        image: \(Docker.image)
                        ports:
                          - '\(port):8080'
                        labels:
                          io.rancher.scheduler.global: 'true'
                    """
                )
                let ended = try await rig.run(
                    ["up", "-d", "--file", "\(path)/docker-compose.yml", "--stack", "busy", "--timeout", "15"])
                let own: String = try #require(PortHolder.find(address: "127.1.0.1", port: port)).description
                holder.close()
                await loop.stop()
                try ended.ends(1)
                try #require(ended.error.contains("\(port)") && ended.error.contains(own), "\(own): \(ended)")
                try await rig.up(path).ends(0)
                let there = try await rig.agree(rig.engineContainers)
                try #require(there.held.count == 2)
            }
        }

        @Test func `kill -9 of the node, of an agent, of both in the middle of up loses and doubles nothing`()
            async throws
        {
            try await DockerTests.run { rig in
                let rounds: [[String]] = [["node1"], ["host1"], ["node1", "host1", "host2"]]
                try await crashes(rig).run(rounds, scale: 10, seed: 3)
            }
        }

        @Test(.enabled(if: EndToEnd.isThorough, "--all runs it"))
        func `ten kills -9 at any moment lose and double nothing`() async throws {
            try await DockerTests.run { rig in
                let targets: [[String]] = [["node1"], ["host1"], ["host2"], ["node1", "host1"], ["host1", "host2"]]
                try await crashes(rig).run((0..<10).map { targets[$0 % targets.count] }, scale: 10, seed: 5)
            }
        }

        @Test func `a cluster that is started again restarts no container`() async throws {
            try await DockerTests.run { rig in
                try await rig.up(try plain(rig, "kept", 3)).ends(0)
                let before = try await rig.agree(rig.engineContainers)
                try await rig.stop()
                try #require(try await rig.engineContainers() == before.held)
                try await rig.start()
                let after = try await rig.agree(rig.engineContainers)
                try #require(after.held == before.held)
                try #require(after.shown == before.shown)
            }
        }

        private func crashes(_ rig: DevRig) -> Crashes {
            Crashes(rig, compose: { try plain(rig, $0, $1) }, held: rig.engineContainers, count: rig.engineCount)
        }

        private func plain(_ rig: DevRig, _ stack: String, _ scale: Int) throws -> String {
            try rig.compose(
                stack,
                "version: '2'\nservices:\n  web:\n    image: \(Docker.image)\n",
                rancher: "version: '2'\nservices:\n  web:\n    scale: \(scale)\n"
            )
        }

        private static func run(_ body: (DevRig) async throws -> Void) async throws {
            try #require(try await Docker.run(["version"]).isEmpty == false)
            try await Docker.makeImage()
            try await DevRig.run(runtime: "docker", afterwards: { await $0.removeEngineContainers() }, body)
        }

        /// One that neither host's address has in use.
        private func freePort() throws -> Int {
            for _ in 0..<100 {
                let port: Int = .random(in: 10_000...19_999)
                if PortHolder.find(address: "0.0.0.0", port: port) == nil { return port }
            }
            throw RigFailure("no free port")
        }
    }
}

extension String {
    /// Without the line's end.
    fileprivate var trimmed: String { String(prefix { $0 != "\n" }) }
}
