import Glibc
import JSON
import Subprocess
import Testing

/// The runtimes that need no engine, in whole clusters.
enum Supervised: String, Sendable {
    case oci, process

    /// Those that this machine permits.
    static let available: [Supervised] = {
        guard geteuid() == 0 else { return [] }
        let tried: Int32 = system("{ unshare -mnpiu true && { command -v crun || command -v runc; }; } >/dev/null 2>&1")
        return tried == 0 ? [.oci, .process] : [.process]
    }()
}

extension EndToEnd {
    @Suite(.serialized, .enabled("only root may run containers without an engine", { geteuid() == 0 }))
    struct SupervisedTests {
        @Test(.enabled(if: Supervised.available.contains(.oci), "no namespaces, or neither crun nor runc"))
        func `an OCI runtime is among those that are tried`() {
            #expect(Supervised.available.contains(.oci))
        }

        @Test(arguments: Supervised.available)
        func `every host answers, the runtime agrees, and rm leaves nothing`(runtime: Supervised) async throws {
            try await Self.run(runtime) { rig in
                let port: Int = .random(in: 10_000...19_999)
                let path: String = try rig.compose("shop", Self.compose(rig, "everywhere", port: port))
                try await rig.up(path).ends(0)
                let there = try await rig.agree { rig.supervised(runtime) }
                try #require(there.shown.count == 2)
                try #require(there.shown.map(\.name) == there.held.map(\.name))
                var answers: Set<String> = []
                for address in ["127.1.0.1", "127.1.0.2"] {
                    answers.insert(
                        try await wait(for: "\(address):\(port)") { try await rig.get(address, port) }
                    )
                }
                try #require(answers.count == 2, "\(answers)")
                let logs: String = try await rig.run(["logs", "shop/everywhere"]).ends(0).out
                try #require(logs.split(separator: "\n").count { $0.hasSuffix("serves") } == 2, "\(logs)")
                try await rig.run(["rm", "--type", "stack", "shop"]).ends(0)
                try #require(rig.supervised(runtime).isEmpty)
            }
        }

        @Test(arguments: Supervised.available)
        func `kill -9 of the node, of an agent, of both in the middle of up loses and doubles nothing`(
            runtime: Supervised
        ) async throws {
            try await Self.run(runtime) { rig in
                let crashes = Crashes(
                    rig,
                    compose: { stack, scale in
                        try rig.compose(
                            stack,
                            Self.compose(rig, "web", port: nil),
                            rancher: "version: '2'\nservices:\n  web:\n    scale: \(scale)\n"
                        )
                    },
                    held: { rig.supervised(runtime) },
                    count: { rig.supervised(runtime).count(where: \.isRunning) }
                )
                try await crashes.run([["host1"], ["node1", "host1", "host2"]], scale: 10, seed: 7)
            }
        }

        @Test(arguments: Supervised.available)
        func `a cluster that is started again restarts no container`(runtime: Supervised) async throws {
            try await Self.run(runtime) { rig in
                let path: String = try rig.compose("kept", Self.compose(rig, "web", port: nil))
                try await rig.up(path).ends(0)
                let before = try await rig.agree { rig.supervised(runtime) }
                try await rig.stop()
                try #require(rig.supervised(runtime) == before.held)
                try await rig.start()
                let after = try await rig.agree { rig.supervised(runtime) }
                try #require(after.held == before.held)
                try #require(after.shown == before.shown)
            }
        }

        /// One that says its id at a port, on every host when the port is published.
        private static func compose(_ rig: DevRig, _ service: String, port: Int?) -> String {
            let published: String =
                port.map { "    ports: ['\($0):8080']\n    labels: {io.rancher.scheduler.global: 'true'}\n" } ?? ""
            let script: String =
                "echo $$DROVER_ADDRESS $$HOSTNAME > /www/index.html; echo $$(hostname) serves; "
                + "httpd -f -p $${DROVER_ADDRESS:-0.0.0.0}:8080 -h /www & trap 'exit 0' TERM; wait"
            return """
                version: '2'
                services:
                  \(service):
                    image: tar:\(rig.folder)/root.tar
                    command: ["/bin/sh", "-c", "\(script)"]
                \(published)
                """
        }

        private static func run(_ runtime: Supervised, _ body: (DevRig) async throws -> Void) async throws {
            try await DevRig.run(
                runtime: runtime.rawValue,
                afterwards: { await $0.removeSupervised(runtime) },
                { rig in
                    try await makeRoot(rig)
                    try await body(rig)
                }
            )
        }

        private static func makeRoot(_ rig: DevRig) async throws {
            let script: String = """
                set -e; root=$(mktemp -d); trap 'rm -r "$root"' EXIT
                mkdir -p "$root/bin" "$root/tmp" "$root/www" "$root/dev"; cp "$(command -v busybox)" "$root/bin/busybox"
                for name in sh echo hostname httpd; do ln -s busybox "$root/bin/$name"; done
                tar -C "$root" -c -f "$1" .
                """
            let packed: SubprocessResult = try await Subprocess.run(
                "sh",
                ["-c", script, "sh", "\(rig.folder)/root.tar"],
                environment: Program.environment()
            )
            guard packed.status.isSuccess else { throw RigFailure("no image: \(packed.errorText)") }
        }
    }
}

extension DevRig {
    /// All containers of this cluster's hosts on disk, running or not.
    func supervised(_ runtime: Supervised) -> [Held] {
        var all: [Held] = []
        for host in ["host1", "host2"] {
            let folder: String = "\(data)/\(host)/\(runtime.rawValue)/containers"
            for uuid in Files.names(in: folder) {
                func document(_ name: String) -> JSONValue? {
                    Files.read("\(folder)/\(uuid)/\(name)").flatMap { try? JSONReader.parse($0) }
                }
                guard let plan: JSONValue = document("plan.json") else { continue }
                let state: JSONValue? = document("state.json")
                all.append(
                    Held(
                        host: host,
                        name: plan["name"]?.string ?? "",
                        uuid: uuid,
                        externalID: uuid,
                        isRunning: state?["phase"]?.string == "running",
                        startedAt: state?["startedAt"]?.string ?? ""
                    )
                )
            }
        }
        return all.sorted { ($0.name, $0.externalID) < ($1.name, $1.externalID) }
    }

    /// Containers outlive their cluster; those of a test must not.
    func removeSupervised(_ runtime: Supervised) async {
        for host in ["host1", "host2"] {
            let folder: String = "\(data)/\(host)/\(runtime.rawValue)/containers"
            for uuid in Files.names(in: folder) {
                guard let process = Files.read("\(folder)/\(uuid)/lock").flatMap({ Int32($0.filter(\.isNumber)) }),
                    let line: String = Files.read("/proc/\(process)/cmdline"), line.contains("container-shim\0")
                else { continue }
                kill(process, SIGUSR1)
                try? await wait(for: "the supervisor of \(uuid) to end", seconds: 20) { kill(process, 0) != 0 }
            }
        }
    }
}
