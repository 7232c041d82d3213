internal import EventLoop
internal import JSON

/// The members of the server cluster: how they are, and what operators do with them.
enum ClusterCommands {
    static let all: [Command] = [
        status, members, token, transfer, remove, promote, drain, undrain, rotate,
    ]

    static let address: String = "/v2-beta/cluster"

    // MARK: Looking

    private static let status = Command(
        "cluster status",
        summary: "show who leads, how the members are, and who owns what"
    ) { invocation in
        try invocation.refuseOperands()
        return try await invocation.withClient { client in
            let cluster: JSONObject = try await client.send("GET", address)
            guard invocation.output == .table else {
                invocation.show(.object(plain(cluster)))
                return 0
            }
            let console: Console = invocation.console
            console.line(
                "cluster \(word(cluster, "clusterId")), incarnation \(word(cluster, "incarnation")): "
                    + "\(word(cluster, "leader", else: "nobody")) leads in term \(cluster["term"]?.int ?? 0), "
                    + "entry \(cluster["commit"]?.int ?? 0) is committed"
            )
            console.line(
                "last proven restore: \(word(cluster, "lastProvenRestore", else: "none yet"))"
            )
            if let rotation: JSONObject = cluster["rotation"]?.object { console.line(line(of: rotation)) }
            console.line("")
            console.write(table(of: cluster).text(width: console.columns(), colour: console.usesColour))
            for alarm in cluster["alarms"]?.array?.compactMap(\.object) ?? [] {
                console.line("")
                console.line("ALARM \(word(alarm, "alarm")) on \(word(alarm, "node")) since \(word(alarm, "since"))")
                console.line("  \(word(alarm, "message"))")
                console.line("  next: \(word(alarm, "command"))")
            }
            let scopes: [JSONObject] = cluster["scopes"]?.array?.compactMap(\.object) ?? []
            guard !scopes.isEmpty else { return 0 }
            var owners = Table("SCOPE", "OWNER", "EPOCH")
            for scope in scopes {
                owners.rows.append([
                    Table.Cell(scope.text("scope") ?? ""), Table.Cell(scope.text("owner") ?? "nobody"),
                    Table.Cell("\(scope["epoch"]?.int ?? 0)"),
                ])
            }
            console.line("")
            console.write(owners.text(width: console.columns(), colour: console.usesColour))
            return 0
        }
    }

    private static let members = Command("cluster members", summary: "list the server nodes") { invocation in
        try invocation.refuseOperands()
        return try await invocation.withClient { client in
            let cluster: JSONObject = try await client.send("GET", address)
            let members: [JSONObject] = cluster["members"]?.array?.compactMap(\.object) ?? []
            invocation.show(members) { table(of: cluster) }
            return 0
        }
    }

    private static func table(of cluster: JSONObject) -> Table {
        var table = Table(
            "NODE",
            "MEMBER",
            "ROLE",
            "STATE",
            "PEER",
            "HTTP",
            "HTTPS",
            "APPLIED",
            "LAG",
            "HEARD",
            "DISK FREE",
            "VERSION",
            "CERTIFICATE",
            "MESSAGE"
        )
        for member in cluster["members"]?.array?.compactMap(\.object) ?? [] {
            let state: String = member.state
            table.rows.append([
                Table.Cell(member.id), Table.Cell(member["member"]?.int.map { "\($0)" } ?? ""),
                Table.Cell(member.text("role") ?? ""),
                Table.Cell(state, state == "active" ? .green : .yellow),
                Table.Cell(member.text("peer") ?? ""), Table.Cell(member.text("http") ?? ""),
                Table.Cell(member.text("https") ?? ""), Table.Cell(member["applied"]?.int.map { "\($0)" } ?? ""),
                Table.Cell(member["lag"]?.int.map { "\($0)" } ?? ""),
                Table.Cell(member["lastHeardMs"]?.int.map { "\($0) ms ago" } ?? ""),
                Table.Cell(disk(member)), Table.Cell(member.text("version") ?? ""),
                Table.Cell(member.text("certificateExpires").map { "until \($0.prefix(10))" } ?? ""),
                Table.Cell(member.text("message") ?? ""),
            ])
        }
        return table
    }

    /// In GB, and how much that is of all.
    private static func disk(_ member: JSONObject) -> String {
        guard let free: Int64 = member["diskFreeBytes"]?.int,
            let total: Int64 = member["diskTotalBytes"]?.int, total > 0
        else { return "" }
        return "\(free / 1_000_000_000) GB (\(free * 100 / total) %)"
    }

    // MARK: Shared

    static func act(_ client: APIClient, _ action: String, _ body: JSONObject) async throws -> JSONObject {
        try await client.send("POST", "\(address)?action=\(action)", .object(body))
    }

    static func tell(_ invocation: Invocation, _ answer: JSONObject, _ text: String) -> Int32 {
        if invocation.output == .table {
            invocation.console.line(text)
        } else {
            invocation.show(.object(plain(answer)))
        }
        return 0
    }

    private static func plain(_ document: JSONObject) -> JSONObject {
        var document: JSONObject = document.withoutLinks
        document["type"] = nil
        return document
    }

    static func word(_ document: JSONObject, _ member: String, else otherwise: String = "unknown") -> String {
        document.text(member)?.printable ?? otherwise
    }
}
