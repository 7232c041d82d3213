internal import Compose
internal import HTTP
internal import JSON

/// Lists, makes, chooses and removes environments.
enum EnvironmentCommands {
    static let list = Command(
        "env",
        operands: "[ls]",
        summary: "list environments, and which one commands use"
    ) { invocation in
        guard invocation.arguments.operands.isEmpty || invocation.arguments.operands == ["ls"] else {
            throw CommandFailure.usage("'drover env' is followed by ls, show, create, use or rm")
        }
        return try await invocation.withClient { client in
            let all: [JSONObject] = try await client.list("/v2-beta/projects?limit=-1")
            let used: String? = try? await Project.find(client).id
            invocation.show(all) {
                var table = Table("CURRENT", "ID", "NAME", "STATE", "DESCRIPTION")
                for one in all {
                    table.rows.append([
                        one.id == used ? "*" : "", Table.Cell(one.id), Table.Cell(one.displayName), .state(one),
                        Table.Cell(one.text("description") ?? ""),
                    ])
                }
                return table
            }
            return 0
        }
    }

    static let show = Command(
        "env show",
        operands: "[NAME|ID]",
        summary: "show an environment, and what it uses of its quotas"
    ) { invocation in
        let name: String? = invocation.arguments.operands.first
        guard invocation.arguments.operands.count <= 1 else { throw CommandFailure.usage("name one environment") }
        return try await invocation.withClient { client in
            let id: String
            if let name { id = try await find(name, client).id } else { id = try await Project.find(client).id }
            let one: JSONObject = try await client.send("GET", "/v2-beta/projects/\(id)")
            guard invocation.output == .table else {
                invocation.show(.object(one.withoutLinks))
                return 0
            }
            invocation.console.line("\(one.displayName) (\(one.id)) is \(one.text("state") ?? "?")")
            guard let usage: JSONObject = one["quotaUsage"]?.object else {
                invocation.console.line("It has no quotas.")
                return 0
            }
            var table = Table("QUOTA", "USED", "LIMIT")
            for (name, value) in usage {
                let limit: String = value["limit"]?.int.map { "\($0)" } ?? "none"
                table.rows.append([
                    Table.Cell(name), Table.Cell("\(value["used"]?.int ?? 0)"), Table.Cell(limit),
                ])
            }
            let shown: Table = table
            invocation.show([one]) { shown }
            return 0
        }
    }

    static let create = Command("env create", operands: "NAME", summary: "make an environment") { invocation in
        let name: String = try one(invocation, "give the new environment one name")
        return try await invocation.withClient { client in
            let made: JSONObject = try await client.send("POST", "/v2-beta/projects", ["name": .string(name)])
            if invocation.output == .table {
                invocation.console.line("created the environment \(made.displayName) (\(made.id))")
            } else {
                invocation.show(.object(made.withoutLinks))
            }
            return 0
        }
    }

    static let use = Command(
        "env use",
        operands: "NAME|ID",
        summary: "use an environment from now on",
        details: """
            The choice is kept in the saved context. Where commands use none yet, because the server comes from DROVER_URL or a
            development cluster nearby, one is saved under the environment's name.
            """
    ) { invocation in
        let name: String = try one(invocation, "name one environment")
        let connection: Connection = try .find(invocation)
        let chosen: JSONObject = try await invocation.withClient { client in try await find(name, client) }
        var file: ContextFile = try .load(invocation.environment) ?? ContextFile()
        let context: String
        if let current: String = file.current, let saved: ContextFile.Context = file.contexts[current],
            (try? ServerAddress(parsing: saved.url)) == connection.address
        {
            context = current
        } else {
            context = chosen.displayName
            file.contexts[context] = ContextFile.Context(
                url: "\(connection.address)",
                accessKey: connection.accessKey,
                secretKey: connection.secretKey,
                caFile: connection.authorityFile
            )
            file.current = context
        }
        file.contexts[context]?.environment = chosen.id
        try file.save(invocation.environment)
        invocation.console.note(
            "commands use the environment \(chosen.displayName) (\(chosen.id)) from now on, saved in the context '\(context)'"
        )
        return 0
    }

    static let remove = Command(
        "env rm",
        operands: "NAME|ID",
        summary: "remove an environment that is empty",
        details: "What still runs in it is named, and nothing is removed; --force removes it with everything in it.",
        options: [OptionSpec("force", short: "f", "remove its stacks, services and containers, too")]
    ) { invocation in
        let name: String = try one(invocation, "name one environment")
        return try await invocation.withClient { client in
            let chosen: JSONObject = try await find(name, client)
            let project = Project(client: client, id: chosen.id, name: chosen.displayName)
            if !invocation.arguments.has("force") { try await refuseUnlessEmpty(project) }
            let current: JSONObject = try await deactivated(chosen, client)
            _ = try await client.send("DELETE", try current.link("self"))
            invocation.console.line("removing the environment \(chosen.displayName) (\(chosen.id))")
            return 0
        }
    }

    /// An environment is removed once it is inactive.
    private static func deactivated(_ environment: JSONObject, _ client: APIClient) async throws -> JSONObject {
        guard let link: String = environment["actions"]?["deactivate"]?.string else { return environment }
        return try await client.send("POST", link, [:])
    }

    private static func refuseUnlessEmpty(_ project: Project) async throws {
        var there: [String] = []
        for type in ["stacks", "containers", "hosts"] {
            let found: [JSONObject] = try await project.list(type)
            guard let first: JSONObject = found.first else { continue }
            let name: String = found.count == 1 ? String(type.dropLast()) : type
            there.append("\(found.count) \(name) (\(first.displayName)\(found.count > 1 ? ", …" : ""))")
        }
        guard there.isEmpty else {
            throw CommandFailure(
                "the environment \(project.name) still has \(there.joined(separator: ", ")); nothing was removed: remove "
                    + "those first, or give --force"
            )
        }
    }

    private static func one(_ invocation: Invocation, _ advice: String) throws -> String {
        guard invocation.arguments.operands.count == 1, let name: String = invocation.arguments.operands.first else {
            throw CommandFailure.usage(advice)
        }
        return name
    }

    private static func find(_ name: String, _ client: APIClient) async throws -> JSONObject {
        let all: [JSONObject] = try await client.list("/v2-beta/projects?limit=-1")
        return try Project.choose(name, from: all)
    }
}
