internal import JSON

/// Lists and makes environments.
enum EnvironmentCommands {
    static let list = Command("env", summary: "list environments") { invocation in
        try invocation.refuseOperands()
        return try await invocation.withClient { client in
            let all: [JSONObject] = try await client.list("/v2-beta/projects?limit=-1")
            invocation.show(all) {
                var table = Table("ID", "NAME", "STATE", "DESCRIPTION")
                for one in all {
                    table.rows.append([
                        Table.Cell(one.id), Table.Cell(one.displayName), .state(one),
                        Table.Cell(one.text("description") ?? ""),
                    ])
                }
                return table
            }
            return 0
        }
    }

    static let create = Command("env create", operands: "NAME", summary: "make an environment") { invocation in
        guard invocation.arguments.operands.count == 1, let name: String = invocation.arguments.operands.first else {
            throw CommandFailure.usage("give the new environment one name")
        }
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
}
