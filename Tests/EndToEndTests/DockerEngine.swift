import EventLoop
import Glibc
import HTTP
import JSON
import Subprocess
import Testing

/// The Docker Engine that the tests use, through its own client: a second opinion on what Drover says.
enum Docker {
    static var isRequired: Bool { getenv("DROVER_REQUIRE_DOCKER") != nil }

    /// An engine answers; or one must, and then that none does is a failure of the tests.
    static func mayRun() async -> Bool {
        if isRequired { return true }
        return (try? await run(["version"])) != nil
    }

    static var socket: String {
        let host: String = getenv("DOCKER_HOST").map { String(cString: $0) } ?? ""
        return host.hasPrefix("unix://") ? String(host.dropFirst("unix://".count)) : "/var/run/docker.sock"
    }

    /// What the client prints.
    @discardableResult
    static func run(_ arguments: [String], input: [UInt8] = []) async throws -> String {
        let result: SubprocessResult = try await Subprocess.run(
            "docker",
            arguments,
            environment: Program.environment(["HOME": "/nonexistent"]),
            input: input
        )
        guard result.status.isSuccess else {
            throw DockerFailure(description: "docker \(arguments.joined(separator: " ")): \(result.errorText)")
        }
        return result.outputText
    }

    /// Everything that passes by itself, such as a container that goes while it is looked at.
    struct DockerFailure: Error, CustomStringConvertible {
        let description: String
    }

    /// Serves its host name on port 8080, says on its output that it does, and ends when it is told to.
    static let image: String = "drover-e2e:1"
    private static let command: String =
        #"mkdir -p /www; hostname > /www/index.html; echo "$(hostname) serves"; httpd -f -p 8080 -h /www & trap "exit 0" TERM; wait"#

    static func makeImage() async throws {
        let script: String = """
            set -e; root=$(mktemp -d); trap 'rm -r "$root"' EXIT
            mkdir -p "$root/bin" "$root/tmp"; cp "$(command -v busybox)" "$root/bin/busybox"
            for name in sh echo mkdir hostname httpd cat stty sleep; do ln -s busybox "$root/bin/$name"; done
            tar -C "$root" -c .
            """
        let packed: SubprocessResult = try await Subprocess.run(
            "sh",
            ["-c", script],
            environment: Program.environment()
        )
        guard packed.status.isSuccess else { throw RigFailure("no image: \(packed.errorText)") }
        let escaped: String = String(decoding: JSONWriter.bytes(["/bin/sh", "-c", .string(command)]), as: UTF8.self)
        try await run(["import", "--change", "CMD \(escaped)", "-", image], input: packed.standardOutput)
    }
}

extension DevRig {
    /// The uuid of `host1`, …, as its agent keeps it.
    private func uuid(_ host: String) -> String? {
        Files.read("\(data)/\(host)/identity.json").flatMap { try? JSONReader.parse($0) }?["hostUuid"]?.string
    }

    /// All containers of this cluster's hosts in the engine, running or not.
    func engineContainers() async throws -> [Held] {
        var all: [Held] = []
        for host in ["host1", "host2"] {
            guard let uuid: String = uuid(host) else { continue }
            let ids: [String] = try await Docker.run([
                "ps", "--all", "--quiet", "--no-trunc", "--filter", "label=io.drover.host.uuid=\(uuid)",
            ]).split(separator: "\n").map(String.init)
            guard !ids.isEmpty else { continue }
            for each in try JSONReader.parse(try await Docker.run(["inspect"] + ids)).array ?? [] {
                let name: String = each["Name"]?.string ?? ""
                // `/app-web-1.<of the host's uuid>.<of the container's>`
                let short: Substring = name.dropFirst().split(separator: ".").first ?? ""
                all.append(
                    Held(
                        host: host,
                        name: String(short),
                        uuid: each["Config"]?["Labels"]?["io.drover.instance.uuid"]?.string ?? "",
                        externalID: each["Id"]?.string ?? "",
                        isRunning: each["State"]?["Running"]?.bool ?? false,
                        startedAt: each["State"]?["StartedAt"]?.string ?? ""
                    )
                )
            }
        }
        return all.sorted { ($0.name, $0.externalID) < ($1.name, $1.externalID) }
    }

    /// How many of those run, without the client, which takes a while to start.
    func engineCount() async throws -> Int {
        let filters: JSONValue = ["label": ["io.drover.host.uuid"]]
        let query: String = PercentCoding.encode(String(decoding: JSONWriter.bytes(filters), as: UTF8.self))
        let all: JSONValue = try await get(.unix(path: Docker.socket), "/containers/json?filters=\(query)")
        let own: Set<String> = Set(["host1", "host2"].compactMap { uuid($0) })
        return (all.array ?? []).count { own.contains($0["Labels"]?["io.drover.host.uuid"]?.string ?? "") }
    }

    /// Containers outlive their cluster; those of a test must not.
    func removeEngineContainers() async {
        let ids: [String] = ((try? await engineContainers()) ?? []).map(\.externalID)
        if !ids.isEmpty { _ = try? await Docker.run(["rm", "--force"] + ids) }
    }
}
