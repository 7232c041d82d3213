import CLI
import ClusterNode
import Gateway
import Glibc
import JSON

/// `dev`: a whole cluster on this machine, each part a process of its own.
enum DevCommand {
    static let command = Command(
        "dev",
        summary: "run a whole cluster on this machine, for trying and developing",
        details: """
            Starts a server node and some hosts as separate processes, keeps them running, and writes DIR/access.json with
            their addresses and the administrator's key. Host N publishes its ports on 127.1.0.N. Everything stops with
            ctrl-C, and goes on where it stopped when it is started again with the same DIR.
            """,
        options: [
            OptionSpec("nodes", value: "N", "server nodes (only 1 for now)"),
            OptionSpec("hosts", value: "N", "hosts (default 2)"),
            OptionSpec("clusters", value: "N", "clusters (only 1 for now)"),
            OptionSpec("runtime", value: "NAME", "auto, docker, oci, process or simulated (default auto)"),
            OptionSpec("data", value: "DIR", "where everything is kept (default .drover-dev)"),
            OptionSpec("port", value: "PORT", "where the API listens (default 8080; 0 takes a free one)"),
            OptionSpec("no-auth", "switch access control off: everybody is the administrator"),
        ]
    ) { invocation in
        let options: DevOptions = try DevOptions(invocation)
        let cluster: DevCluster = try DevCluster(options, invocation.console)
        do {
            try await cluster.start()
            await Cancellation.wait()
        } catch {
            await cluster.stop()
            throw error
        }
        invocation.console.note("drover: stopping")
        await cluster.stop()
        return 0
    }
}

/// What `dev` was told.
struct DevOptions: Sendable {
    var hosts: Int
    var runtime: String
    var data: String
    var port: Int
    var accessControl: Bool
    var environment: [String: String]

    init(_ invocation: Invocation) throws(CommandFailure) {
        let arguments: ParsedArguments = invocation.arguments
        guard (try arguments.count("nodes") ?? 1) == 1 else {
            throw .usage("--nodes: a cluster of several nodes is not built yet; leave it out, or say 1")
        }
        guard (try arguments.count("clusters") ?? 1) == 1 else {
            throw .usage("--clusters: a federation of several clusters is not built yet; leave it out, or say 1")
        }
        hosts = try arguments.count("hosts") ?? 2
        guard (0...250).contains(hosts) else { throw .usage("--hosts is 0 to 250") }
        runtime = arguments.value("runtime") ?? "auto"
        guard ["auto", "docker", "oci", "process", "simulated"].contains(runtime) else {
            throw .usage("--runtime is auto, docker, oci, process or simulated; '\(runtime)' is none")
        }
        let path: String = arguments.value("data") ?? ".drover-dev"
        data = path.hasPrefix("/") ? path : "\(invocation.directory)/\(path)"
        port = try arguments.count("port") ?? 8080
        guard (0...65_535).contains(port) else { throw .usage("--port is 0 to 65535") }
        accessControl = !arguments.has("no-auth")
        environment = invocation.environment
    }
}
