internal import JSON

/// Lists hosts, and lets new ones in.
enum HostsCommand {
    static let command = Command("hosts", summary: "list hosts", run: run)

    static let token = Command(
        "hosts token",
        summary: "make a token with which machines become hosts",
        details: """
            Prints a registration token of the environment and the command to run on each machine that is to be a host of it.
            The token serves any number of machines until it expires or is removed.
            """
    ) { invocation in
        try invocation.refuseOperands()
        return try await invocation.withProject { project in
            let made: JSONObject = try await project.create("registrationtokens", JSONObject())
            guard invocation.output == .table else {
                invocation.show(.object(made.withoutLinks))
                return 0
            }
            invocation.console.line("On each machine that is to be a host:")
            invocation.console.line("  \(made.text("command") ?? "drover agent --token \(made.text("token") ?? "")")")
            return 0
        }
    }

    private static func run(_ invocation: Invocation) async throws -> Int32 {
        try invocation.refuseOperands()
        return try await invocation.withProject { project in
            let hosts: [JSONObject] = try await project.list("hosts")
            invocation.show(hosts) {
                var table = Table("ID", "NAME", "STATE", "CONTAINERS", "ADDRESS", "LABELS", "MESSAGE")
                for host in hosts {
                    table.rows.append([
                        Table.Cell(host.id), Table.Cell(host.displayName), .state(host),
                        Table.Cell("\(host["instanceIds"]?.array?.count ?? 0)"),
                        Table.Cell(host.text("agentIpAddress") ?? ""),
                        Table.Cell(labels(host)), Table.Cell(host.message),
                    ])
                }
                return table
            }
            return 0
        }
    }

    /// Without those that the platform sets.
    private static func labels(_ host: JSONObject) -> String {
        guard let labels: JSONObject = host["labels"]?.object else { return "" }
        return labels.filter { !$0.0.hasPrefix("io.rancher") }.map { "\($0.0)=\($0.1.string ?? "")" }.sorted()
            .joined(separator: ",")
    }
}
