internal import EventLoop
internal import JSON

/// The exchange of the authority.
extension ClusterCommands {
    static let rotate = Command(
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
    static func line(of rotation: JSONObject) -> String {
        let waits: [String] = rotation["waitsFor"]?.array?.compactMap(\.string) ?? []
        let phase: String =
            rotation.text("phase") == "trust"
            ? "everybody learns of the new authority" : "the new authority issues certificates anew"
        let more: String = waits.count > 8 ? " and \(waits.count - 8) more" : ""
        return phase + (waits.isEmpty ? "" : "; waiting for \(waits.prefix(8).joined(separator: ", "))\(more)")
    }
}
