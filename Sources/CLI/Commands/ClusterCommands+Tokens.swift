internal import EventLoop
internal import JSON

/// What lets nodes and hosts in.
extension ClusterCommands {
    static let token = Command(
        "cluster token",
        summary: "make what lets one node or host in; list and revoke such tokens",
        details: """
            A token lets one in, and is shown only when it is made. 'drover server join' on the new machine takes it, with
            the peer address of any node: drover server join --data DIR --name NODE --token TOKEN --peer-url HOST:PORT
            """,
        options: [
            OptionSpec("role", value: "ROLE", "node or host (node)"),
            OptionSpec("expires", value: "SECONDS", "how long it is good (3600)"),
            OptionSpec("list", "list the tokens that there are, without their secrets"),
            OptionSpec("revoke", value: "ID", "withdraw a token"),
        ]
    ) { invocation in
        try invocation.refuseOperands()
        let arguments: ParsedArguments = invocation.arguments
        let seconds: Int? = try arguments.count("expires")
        return try await invocation.withClient { client in
            if arguments.has("list") { return try await list(invocation, client) }
            if let id: String = arguments.value("revoke") {
                let revoked: JSONObject = try await act(client, "revoketoken", ["id": .string(id)])
                return tell(invocation, revoked, "the join token \(id) lets nobody in any more")
            }
            var body: JSONObject = ["role": .string(arguments.value("role") ?? "node")]
            if let seconds { body["expiresSeconds"] = JSONValue(seconds) }
            let made: JSONObject = try await act(client, "createtoken", body)
            if invocation.output == .table {
                invocation.console.line(made.text("token") ?? "")
                let role: String = made.text("role") ?? "node"
                invocation.console.note(
                    "it lets one \(role) in, until \(made.text("expires") ?? "it expires"), and is shown only now"
                )
            } else {
                invocation.show(["token": made["token"] ?? .null, "expires": made["expires"] ?? .null])
            }
            return 0
        }
    }

    private static func list(_ invocation: Invocation, _ client: APIClient) async throws -> Int32 {
        let tokens: [JSONObject] = try await client.list("\(address)/tokens")
        invocation.show(tokens) {
            var table = Table("ID", "ROLE", "CREATED", "EXPIRES", "USED", "BY")
            for token in tokens {
                table.rows.append([
                    Table.Cell(token.id), Table.Cell(token.text("role") ?? ""),
                    Table.Cell(token.text("created") ?? ""), Table.Cell(token.text("expires") ?? ""),
                    Table.Cell(token.text("used") ?? ""), Table.Cell(token.text("usedBy") ?? ""),
                ])
            }
            return table
        }
        return 0
    }
}
