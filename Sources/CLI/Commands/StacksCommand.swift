internal import JSON

/// Lists stacks.
enum StacksCommand {
    static let command = Command("stacks", summary: "list stacks", run: run)

    private static func run(_ invocation: Invocation) async throws -> Int32 {
        try invocation.refuseOperands()
        return try await invocation.withProject { project in
            let stacks: [JSONObject] = try await project.list("stacks")
            invocation.show(stacks) {
                var table = Table("ID", "NAME", "STATE", "SERVICES", "MESSAGE")
                for stack in stacks {
                    table.rows.append([
                        Table.Cell(stack.id), Table.Cell(stack.displayName), .state(stack),
                        Table.Cell("\(stack["serviceIds"]?.array?.count ?? 0)"), Table.Cell(stack.message),
                    ])
                }
                return table
            }
            return 0
        }
    }
}
