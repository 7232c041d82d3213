internal import EventLoop
internal import JSON

/// What operators do with one member: let it lead, vote, rest, or go.
extension ClusterCommands {
    static let transfer = Command(
        "cluster transfer",
        operands: "NODE",
        summary: "let another node lead",
        run: {
            try await change($0, "transfer", member: "to") {
                "\($0) is asked to lead; 'drover cluster status' shows it"
            }
        }
    )

    static let remove = Command(
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

    static let promote = Command(
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

    static let drain = Command(
        "cluster drain",
        operands: "NODE",
        summary: "move what a node owns to the others, and give it nothing new",
        run: { try await change($0, "drain", member: "name") { "\($0) gives up what it owns" } }
    )

    static let undrain = Command(
        "cluster undrain",
        operands: "NODE",
        summary: "let a drained node own things again",
        run: { try await change($0, "undrain", member: "name") { "\($0) may own things again" } }
    )

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
}
