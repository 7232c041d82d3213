import CLI
import ClusterNode
import Gateway
import Glibc
import JSON
import Logging

/// `server init` and `server run`.
enum ServerCommands {
    static let all: [Command] = [initialise, run]

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
            OptionSpec("http", value: "ADDR", "where the API listens (default 127.0.0.1:8080)"),
        ]
    ) { invocation in
        let folder: DataFolder = try ServerCommands.folder(invocation)
        let options = ServerInit.Options(
            name: try name(invocation),
            http: try address(invocation) ?? ListenAddress(host: "127.0.0.1", port: 8080),
            settings: SettingSeeds.read(invocation.environment)
        )
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

    private static let run = Command(
        "server run",
        summary: "run a server node",
        details: "Runs until it is told to stop (ctrl-C or SIGTERM); then it finishes what it has begun.",
        options: [
            OptionSpec("data", value: "DIR", "the data folder that 'server init' made"),
            OptionSpec("http", value: "ADDR", "listen here instead of where the node was founded"),
        ]
    ) { invocation in
        let folder: DataFolder = try ServerCommands.folder(invocation)
        let http: ListenAddress? = try address(invocation)
        let node: Node
        do throws(NodeFault) {
            node = try await Node.start(
                folder,
                http: http,
                logger: .standard(invocation.environment),
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

    private static func folder(_ invocation: Invocation) throws(CommandFailure) -> DataFolder {
        guard let path: String = invocation.arguments.value("data") else { throw .usage("--data DIR is needed") }
        return DataFolder(path.hasPrefix("/") ? path : "\(invocation.directory)/\(path)")
    }

    private static func name(_ invocation: Invocation) throws(CommandFailure) -> String {
        guard let name: String = invocation.arguments.value("name") else { throw .usage("--name NODE is needed") }
        let isLabel: Bool =
            (1...63).contains(name.utf8.count)
            && name.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
            } && !name.hasPrefix("-") && !name.hasSuffix("-")
        guard isLabel else { throw .usage("'\(name)' is no node name: use a-z, 0-9 and -, at most 63 characters") }
        return name
    }

    private static func address(_ invocation: Invocation) throws(CommandFailure) -> ListenAddress? {
        guard let text: String = invocation.arguments.value("http") else { return nil }
        guard let address = ListenAddress(text) else {
            throw .usage("--http '\(text)' is no address: use a numeric address and a port, such as 127.0.0.1:8080")
        }
        return address
    }
}

/// Variables of the environment that seed settings, once, when a cluster is founded.
enum SettingSeeds {
    private static let prefix: String = "DEFAULT_CATTLE_"

    static func read(_ environment: [String: String]) -> [(name: String, value: String)] {
        environment.filter { $0.key.hasPrefix(prefix) }.sorted { $0.key < $1.key }.map { entry in
            let words: String = entry.key.dropFirst(prefix.count).lowercased()
            return (name: String(words.map { $0 == "_" ? "." : $0 }), value: entry.value)
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
