internal import HTTP
internal import JSON
internal import WebSocket

/// Runs a command in a container.
enum ExecCommand {
    static let command = Command(
        "exec",
        operands: "CONTAINER|SERVICE [--] COMMAND [ARGUMENT…]",
        summary: "run a command in a container",
        details: """
            Of a service the first container that runs is taken. Options stand before the container's name; everything behind
            it is the command. The exit code is the command's own; 127 when there is no such program in the container.

              drover exec web ls -l /srv
              drover exec -it shop/web sh
              drover exec -i db -- psql shop < dump.sql
            """,
        options: [
            OptionSpec("interactive", short: "i", "pass standard input on to the command"),
            OptionSpec("tty", short: "t", "give the command a terminal of the size of this one"),
        ],
        stopsAtOperand: true,
        run: run
    )

    private static func run(_ invocation: Invocation) async throws -> Int32 {
        var words: [String] = invocation.arguments.operands
        guard !words.isEmpty else { throw CommandFailure.usage("name a container or a service, and a command") }
        let name: String = words.removeFirst()
        if words.first == "--" { words.removeFirst() }
        guard !words.isEmpty else {
            throw CommandFailure.usage("say what to run in \(name): drover exec \(name) COMMAND")
        }
        let hasInput: Bool = invocation.arguments.has("interactive")
        let isTerminal: Bool = invocation.arguments.has("tty")
        let terminal: TerminalPort = invocation.console.terminal
        guard !isTerminal || terminal.isInteractive() else {
            throw CommandFailure("-t needs a terminal at standard input and output: leave it out")
        }
        let wanted: [String] = words
        return try await invocation.withProject { project in
            let container: JSONObject = try await container(name, project, invocation.console)
            var input: JSONObject = [
                "command": JSONValue(wanted), "attachStdin": .bool(hasInput), "attachStdout": true,
                "tty": .bool(isTerminal), "frames": "tagged",
            ]
            if isTerminal, let size = terminal.size() {
                input["columns"] = JSONValue(size.columns)
                input["rows"] = JSONValue(size.rows)
            }
            let access: JSONObject = try await project.act("execute", on: container, input)
            guard let url: String = access.text("url"), let token: String = access.text("token") else {
                throw CommandFailure("the server gives no address for the command's stream")
            }
            let socket: WebSocket = try await project.client.openSocket(
                "\(url)?token=\(PercentCoding.encode(token))",
                waitsForSlowPeer: true
            )
            if isTerminal, hasInput { try terminal.enterRawMode() }
            defer { terminal.restore() }
            let channel = ExecChannel(socket: socket, terminal: terminal, hasInput: hasInput, isTerminal: isTerminal)
            return try await Interrupts.restoring(terminal.restore) { try await channel.run() }
        }
    }

    private static func container(_ name: String, _ project: Project, _ console: Console) async throws -> JSONObject {
        let (kind, resource): (Lookup.Kind, JSONObject) = try await Lookup(project: project).one(
            name,
            [.container, .service]
        )
        if kind == .container { return resource }
        let own: [JSONObject] = try await project.list("containers").filter { $0.serviceIDs.contains(resource.id) }
        let able: [JSONObject] = own.filter { $0["actions"]?["execute"] != nil }.sorted {
            $0.displayName < $1.displayName
        }
        guard let first: JSONObject = able.first else {
            throw CommandFailure(
                own.isEmpty
                    ? "the service \(name) has no containers; 'drover ps' shows what there is"
                    : "no container of the service \(name) runs; 'drover explain \(resource.id)' says why"
            )
        }
        if able.count > 1 { console.note("in \(first.displayName), one of \(able.count) containers of \(name)") }
        return first
    }
}
