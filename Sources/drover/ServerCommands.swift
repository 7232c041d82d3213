import CLI
import ClusterNode
import Gateway
import Glibc
import JSON
import Limits
import Logging
import Subprocess

/// `server init`, `server join` and `server run`.
enum ServerCommands {
    static let all: [Command] = [initialise, join, run]

    private static let initialise = Command(
        "server init",
        summary: "found a cluster on this machine",
        details: """
            Makes the data folder of the cluster's first node and prints the administrator's key, once. Start the node
            with 'drover server run'. Access control is on. Variables DEFAULT_CATTLE_* of the environment set settings:
            DEFAULT_CATTLE_API_HOST=http://… sets api.host.
            """,
        options: [
            OptionSpec("data", value: "DIR", "the node's data folder; must not hold a node yet"),
            OptionSpec("name", value: "NODE", "the node's name: a DNS label"),
        ] + addresses
    ) { invocation in
        let folder: DataFolder = try ServerCommands.folder(invocation)
        var options: ServerInit.Options = try options(invocation)
        options.settings = SettingSeeds.read(invocation.environment)
        let key: APIKey
        do throws(NodeFault) {
            key = try await ServerInit.found(folder, options, logger: .standard(invocation.environment, quiet: true))
        } catch {
            throw CommandFailure("\(error)")
        }
        if invocation.output == .table {
            invocation.console.line(
                "The cluster is founded in \(folder.path). Its administrator's key, shown only now:"
            )
            invocation.console.line("  access key  \(key.publicValue)")
            invocation.console.line("  secret key  \(key.secretValue)")
            invocation.console.line("Start the node: drover server run --data \(folder.path)")
        } else {
            invocation.console.line(
                JSONWriter.pretty(["accessKey": .string(key.publicValue), "secretKey": .string(key.secretValue)])
            )
        }
        return 0
    }

    /// What a first node is told, without settings.
    static func options(_ invocation: Invocation) throws(CommandFailure) -> ServerInit.Options {
        ServerInit.Options(
            name: try name(invocation),
            http: try address(invocation) ?? defaultHTTP,
            https: try address(invocation, "https"),
            peer: try peer(invocation),
            advertise: try advertise(invocation)
        )
    }

    /// Where a node listens; the same for the first and for all others.
    static let addresses: [OptionSpec] = [
        OptionSpec("http", value: "ADDR", "where the API listens (default 127.0.0.1:8080)"),
        OptionSpec("https", value: "ADDR", "where it listens with TLS (default: it does not)"),
        OptionSpec("peer", value: "ADDR", "where other nodes come in (default: as --http, with its port + 1000)"),
        OptionSpec("advertise", value: "HOST", "the name or address under which others reach this node"),
    ]
    private static let defaultHTTP = ListenAddress(host: "127.0.0.1", port: 8080)

    private static let join = Command(
        "server join",
        summary: "make this machine a node of a cluster that runs",
        details: """
            Trades a token that 'drover cluster token' printed for a certificate, and makes the node's data folder. Give the
            peer address of any node, or of several: they are tried in order. The token says which cluster it must be; no
            other one is believed. Start the node with 'drover server run': it gets the state and becomes a voter by itself.
            """,
        options: [
            OptionSpec("data", value: "DIR", "the node's data folder; must not hold a node yet"),
            OptionSpec("name", value: "NODE", "the node's name: a DNS label, unique in the cluster"),
            OptionSpec(
                "token",
                value: "TOKEN",
                "from 'drover cluster token' (default: DROVER_TOKEN); lets one node in"
            ),
            OptionSpec("peer-url", value: "HOST:PORT", "peer address of a node; may be given several times"),
        ] + addresses
    ) { invocation in
        try refuseOperands(invocation)
        let folder: DataFolder = try ServerCommands.folder(invocation)
        // Command lines can be read by everybody on the machine, environments cannot.
        guard let token: String = invocation.arguments.value("token") ?? invocation.environment["DROVER_TOKEN"] else {
            throw CommandFailure.usage("--token TOKEN is needed, or DROVER_TOKEN in the environment")
        }
        let urls: [String] = invocation.arguments.values("peer-url")
        guard !urls.isEmpty else { throw CommandFailure.usage("--peer-url HOST:PORT is needed") }
        guard let peer: ListenAddress = try peer(invocation) else {
            throw CommandFailure.usage("--peer ADDR is needed: where the other nodes reach this one")
        }
        let advertise: String? = try advertise(invocation)
        guard advertise != nil || (peer.host != "0.0.0.0" && peer.host != "::") else {
            throw CommandFailure.usage("--advertise HOST is needed: \(peer.host) tells the other nodes no place")
        }
        let options = ServerJoin.Options(
            name: try name(invocation),
            token: token,
            peerURLs: urls,
            http: try address(invocation) ?? defaultHTTP,
            https: try address(invocation, "https"),
            peer: peer,
            advertise: advertise
        )
        do throws(NodeFault) {
            let joined: ServerJoin.Joined = try await ServerJoin.join(
                folder,
                options,
                logger: .standard(invocation.environment, quiet: true)
            )
            if invocation.output == .table {
                invocation.console.line("\(joined.name) is let in as member \(joined.member).")
                invocation.console.line("Start the node: drover server run --data \(folder.path)")
            } else {
                invocation.console.line(
                    JSONWriter.pretty(["name": .string(joined.name), "member": JSONValue(joined.member)])
                )
            }
        } catch {
            throw CommandFailure("\(error)")
        }
        return 0
    }

    private static let run = Command(
        "server run",
        summary: "run a server node",
        details: """
            Runs until it is told to stop (ctrl-C or SIGTERM); then it finishes what it has begun. Of open files and
            connections it takes as many as it may have (the hard limit, ulimit -Hn), and says in its log how many.
            """,
        options: [
            OptionSpec("data", value: "DIR", "the data folder that 'server init' made"),
            OptionSpec("http", value: "ADDR", "listen here instead of where the node was founded"),
        ]
    ) { invocation in
        let folder: DataFolder = try ServerCommands.folder(invocation)
        let http: ListenAddress? = try address(invocation)
        let logger: Logger = .standard(invocation.environment)
        raiseDescriptorLimit(logger)
        let node: Node
        do throws(NodeFault) {
            try folder.checkWhole()
            node = try await Node.start(
                folder,
                http: http,
                logger: logger,
                version: Version.number
            ) { reason in
                // Nothing more may be acknowledged: the log and what is on the disk speak for this node from here.
                let line: String = "drover: this node stops: \(reason)\n"
                _ = line.withCString { write(2, $0, strlen($0)) }
                _exit(1)
            }
        } catch {
            throw CommandFailure("\(error)")
        }
        invocation.console.note("drover: \(node.configuration.name) answers at http://\(node.endpoint)")
        await Cancellation.wait()
        invocation.console.note("drover: stopping")
        await node.stop()
        return 0
    }

    /// Each connection is a descriptor, and so is each subscriber's.
    private static func raiseDescriptorLimit(_ logger: Logger) {
        guard let change: DescriptorLimit.Change = DescriptorLimit.raise() else { return }
        if change.now > change.before {
            logger.notice(
                "more files and connections may be open than the system gives at first",
                ["descriptors.before": .string("\(change.before)"), "descriptors.now": .string("\(change.now)")]
            )
        }
        guard change.now < UInt(Limits.serverDescriptors) else { return }
        logger.notice(
            "few files and connections may be open: what comes when all are taken has to wait",
            [
                "descriptors.now": .string("\(change.now)"),
                "descriptors.wanted": .string("\(Limits.serverDescriptors)"),
                "next.step":
                    "raise the hard limit of who starts this node: LimitNOFILE= in its systemd unit, or 'ulimit -Hn' as root",
            ]
        )
    }

    static func folder(_ invocation: Invocation) throws(CommandFailure) -> DataFolder {
        guard let path: String = invocation.arguments.value("data") else { throw .usage("--data DIR is needed") }
        return DataFolder(path.hasPrefix("/") ? path : "\(invocation.directory)/\(path)")
    }

    private static func name(_ invocation: Invocation) throws(CommandFailure) -> String {
        guard let name: String = invocation.arguments.value("name") else { throw .usage("--name NODE is needed") }
        guard NodeName.isValid(name) else {
            throw .usage("'\(name)' is no node name: use a-z, 0-9 and -, at most 63 characters")
        }
        return name
    }

    /// Where the other nodes come in, unless it is said: beside the API.
    ///
    /// nil when the API's port leaves no room, or is chosen by the system.
    private static func peer(_ invocation: Invocation) throws(CommandFailure) -> ListenAddress? {
        if let given: ListenAddress = try address(invocation, "peer") { return given }
        let http: ListenAddress = try address(invocation) ?? defaultHTTP
        guard http.port > 0, http.port + 1_000 <= 65_535 else { return nil }
        return ListenAddress(host: http.host, port: http.port + 1_000)
    }

    static func refuseOperands(_ invocation: Invocation) throws(CommandFailure) {
        if let extra: String = invocation.arguments.operands.first {
            throw .usage("'\(extra)' is one operand too many")
        }
    }

    private static func advertise(_ invocation: Invocation) throws(CommandFailure) -> String? {
        guard let text: String = invocation.arguments.value("advertise") else { return nil }
        guard NodeName.isHost(text) else {
            throw .usage(
                "--advertise '\(text)' is neither a host name nor an address; ports stand in the other options"
            )
        }
        return text
    }

    private static func address(
        _ invocation: Invocation,
        _ option: String = "http"
    ) throws(CommandFailure) -> ListenAddress? {
        guard let text: String = invocation.arguments.value(option) else { return nil }
        guard let address = ListenAddress(text) else {
            throw .usage(
                "--\(option) '\(text)' is no address: use a numeric address and a port, such as 127.0.0.1:8080"
            )
        }
        return address
    }
}

/// Variables of the environment that seed settings, once, when a cluster is founded.
enum SettingSeeds {
    private static let prefix: String = "DEFAULT_CATTLE_"

    static func read(_ environment: [String: String]) -> [(name: String, value: String)] {
        environment.filter { $0.key.hasPrefix(prefix) }.sorted { $0.key < $1.key }.map { entry in
            (
                name: SettingValue.name(ofVariable: String(entry.key.dropFirst(prefix.count))), value: entry.value
            )
        }
    }
}

extension Logger {
    /// To standard error, as `DROVER_LOG` wants it: `error`, `notice`, `info` or `debug`.
    static func standard(_ environment: [String: String], quiet: Bool = false) -> Logger {
        let level: LogLevel =
            environment["DROVER_LOG"].flatMap { LogLevel(rawValue: $0) } ?? (quiet ? .error : .notice)
        return Logger(label: "drover", level: level, sink: DescriptorLogSink.standardError())
    }
}
