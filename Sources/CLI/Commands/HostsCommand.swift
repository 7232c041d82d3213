internal import JSON

/// Lists hosts.
enum HostsCommand {
    static let command = Command("hosts", summary: "list hosts", run: run)

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
