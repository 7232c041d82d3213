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
            Starts server nodes and hosts as separate processes, keeps them running, and writes DIR/access.json with
            their addresses and the administrator's key. The nodes form one cluster over mutual TLS; any of them answers.
            Host N publishes its ports on 127.1.0.N. Everything stops with ctrl-C, and goes on where it stopped when it is
            started again with the same DIR.
            """,
        options: [
            OptionSpec("nodes", value: "N", "server nodes (default 3)"),
            OptionSpec("hosts", value: "N", "hosts (default 2)"),
            OptionSpec("clusters", value: "N", "clusters (only 1 for now)"),
            OptionSpec("runtime", value: "NAME", "auto, docker, oci, process or simulated (default auto)"),
            OptionSpec("data", value: "DIR", "where everything is kept (default .drover-dev)"),
            OptionSpec(
                "port",
                value: "PORT",
                "where the first node's API listens, the others on the ports that follow (default 8080; 0 takes free ones)"
            ),
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
    var nodes: Int
    var hosts: Int
    var runtime: String
    var data: String
    var port: Int
    var accessControl: Bool
    var environment: [String: String]

    init(_ invocation: Invocation) throws(CommandFailure) {
        let arguments: ParsedArguments = invocation.arguments
        nodes = try arguments.count("nodes") ?? 3
        guard (1...9).contains(nodes) else { throw .usage("--nodes is 1 to 9; 3 or 5 survive the loss of one or two") }
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
        // HTTPS and the peers' ports follow some hundreds above it.
        guard (0...65_000).contains(port) else { throw .usage("--port is 0 to 65000") }
        accessControl = !arguments.has("no-auth")
        environment = invocation.environment
    }
}
