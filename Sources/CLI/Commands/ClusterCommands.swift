internal import EventLoop
internal import JSON

/// The members of the server cluster: how they are, and what operators do with them.
enum ClusterCommands {
    static let all: [Command] = [
        status, members, token, transfer, remove, promote, drain, undrain, rotate,
    ]

    private static let address: String = "/v2-beta/cluster"

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

    // MARK: Tokens

    private static let token = Command(
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

    // MARK: Changing

    private static let transfer = Command(
        "cluster transfer",
        operands: "NODE",
        summary: "let another node lead",
        run: {
            try await change($0, "transfer", member: "to") {
                "\($0) is asked to lead; 'drover cluster status' shows it"
            }
        }
    )

    private static let remove = Command(
        "cluster remove",
        operands: "NODE",
        summary: "take a node out of the cluster, for good, and wait until it is gone",
        details: """
            A removed node is refused for ever; the machine joins again with a new token and an empty data folder. What
            would leave the cluster without a majority is refused. Ctrl-C ends the waiting, not the removal.
            """,
        options: [
            OptionSpec("force", "note the wish even if it cannot be carried out now; it is as soon as it can"),
            OptionSpec("no-wait", "return as soon as the wish is noted"),
        ],
        run: { invocation in
            let node: String = try operand(invocation)
            let isForced: Bool = invocation.arguments.has("force")
            return try await invocation.withClient { client in
                let answer: JSONObject = try await act(
                    client,
                    "remove",
                    ["force": .bool(isForced), "name": .string(node)]
                )
                let waits: Bool = !isForced && !invocation.arguments.has("no-wait")
                let isGone: Bool = waits ? await isGone(node, client, invocation.console) : false
                return tell(
                    invocation,
                    answer,
                    isGone
                        ? "\(node) is removed"
                        : "\(node) is being removed; 'drover cluster members' shows when it is gone"
                )
            }
        }
    )

    /// How often the members are looked at, and after how many looks without an end the removal is left to itself.
    private static let (lookMilliseconds, looks): (Int, Int) = (250, 240)

    /// Waits until no member has the name any more.
    ///
    /// - Returns: false when that took too long, or the node that was asked does not answer any more: it may be the one.
    private static func isGone(_ node: String, _ client: APIClient, _ console: Console) async -> Bool {
        for look in 0..<looks {
            guard let cluster: JSONObject = try? await client.send("GET", address) else { return false }
            let members: [JSONObject] = cluster["members"]?.array?.compactMap(\.object) ?? []
            guard members.contains(where: { $0.id == node }) else { return true }
            if look == 4 {
                console.note("waiting until \(node) has handed over what it owns and is out of the cluster")
            }
            guard (try? await Task.sleep(for: .milliseconds(lookMilliseconds))) != nil else { return false }
        }
        return false
    }

    private static let promote = Command(
        "cluster promote",
        operands: "NODE",
        summary: "make a learner a voter now",
        details: """
            Learners become voters by themselves once they have the log and keep up for a moment. One that is far behind is
            refused, and how far it is: as a voter it would hold up every change.
            """,
        run: {
            try await change($0, "promote", member: "name") {
                "\($0) becomes a voter; 'drover cluster members' shows it"
            }
        }
    )

    private static let drain = Command(
        "cluster drain",
        operands: "NODE",
        summary: "move what a node owns to the others, and give it nothing new",
        run: { try await change($0, "drain", member: "name") { "\($0) gives up what it owns" } }
    )

    private static let undrain = Command(
        "cluster undrain",
        operands: "NODE",
        summary: "let a drained node own things again",
        run: { try await change($0, "undrain", member: "name") { "\($0) may own things again" } }
    )

    private static let rotate = Command(
        "cluster rotate-ca",
        summary: "exchange the cluster's certificate authority for a new one, while everything goes on",
        details: """
            First everybody learns to believe the new authority, too; then it issues the certificates of all nodes and hosts anew;
            then the old one is forgotten, with the sealing key that opened it. So the disk of a node that was removed opens
            nothing any more. Each phase waits for those that are not ready, --wait seconds at most, and goes on without them:
            a node that was off joins again with a token, a host registers again and keeps its containers.

            Registration and join tokens of before are void. Clients that use HTTPS with --ca-file need the new file,
            tls/authority.pem of any node, before the second phase: --hold keeps the first one that long.
            """,
        options: [
            OptionSpec("wait", value: "SECONDS", "how long a phase waits for who is not ready (600)"),
            OptionSpec("hold", value: "SECONDS", "how long the first phase lasts at least (0)"),
            OptionSpec("abort", "take it back, while the old authority still issues"),
            OptionSpec("no-follow", "return at once; 'drover cluster status' shows how far it is"),
        ]
    ) { invocation in
        try invocation.refuseOperands()
        let arguments: ParsedArguments = invocation.arguments
        var body: JSONObject = [:]
        if let wait: Int = try arguments.count("wait") { body["waitSeconds"] = JSONValue(wait) }
        if let hold: Int = try arguments.count("hold") { body["holdSeconds"] = JSONValue(hold) }
        if arguments.has("abort") { body["abort"] = true }
        let wish: JSONObject = body
        let begun: JSONObject = try await invocation.withClient { try await act($0, "rotateca", wish) }
        if arguments.has("abort") || arguments.has("no-follow") {
            return tell(
                invocation,
                begun,
                arguments.has("abort") ? "the authority stays as it is" : "the authority is being replaced"
            )
        }
        var shown: String = ""
        var last: JSONObject = begun
        while let rotation: JSONObject = last["rotation"]?.object {
            let line: String = line(of: rotation)
            if line != shown { invocation.console.note(line) }
            shown = line
            // A client each time: the file that it believes may be another one by now.
            last = try await invocation.withClient { client in
                try await client.loop.sleep(milliseconds: 500)
                return try await client.send("GET", address)
            }
        }
        return tell(invocation, last, "the authority is replaced; the old one is not believed any more")
    }

    /// How far an exchange of the authority is.
    private static func line(of rotation: JSONObject) -> String {
        let waits: [String] = rotation["waitsFor"]?.array?.compactMap(\.string) ?? []
        let phase: String =
            rotation.text("phase") == "trust"
            ? "everybody learns of the new authority" : "the new authority issues certificates anew"
        let more: String = waits.count > 8 ? " and \(waits.count - 8) more" : ""
        return phase + (waits.isEmpty ? "" : "; waiting for \(waits.prefix(8).joined(separator: ", "))\(more)")
    }

    private static func change(
        _ invocation: Invocation,
        _ action: String,
        member: String,
        done: @Sendable (String) -> String
    ) async throws -> Int32 {
        let node: String = try operand(invocation)
        return try await invocation.withClient { client in
            tell(invocation, try await act(client, action, [member: .string(node)]), done(node))
        }
    }

    private static func operand(_ invocation: Invocation) throws -> String {
        guard invocation.arguments.operands.count == 1, let node: String = invocation.arguments.operands.first else {
            throw CommandFailure.usage("name one node; 'drover cluster members' lists them")
        }
        return node
    }

    private static func act(_ client: APIClient, _ action: String, _ body: JSONObject) async throws -> JSONObject {
        try await client.send("POST", "\(address)?action=\(action)", .object(body))
    }

    private static func tell(_ invocation: Invocation, _ answer: JSONObject, _ text: String) -> Int32 {
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

    private static func word(_ document: JSONObject, _ member: String, else otherwise: String = "unknown") -> String {
        document.text(member)?.printable ?? otherwise
    }
}
