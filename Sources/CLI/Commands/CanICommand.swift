internal import JSON

/// Says whether somebody may do something, and why.
enum CanICommand {
    static let command = Command(
        "can-i",
        operands: "VERB TYPE[/ID]",
        summary: "say whether you, or somebody else, may do something, and why",
        details: """
            VERB is list, get, create, update, delete, subscribe or action:NAME. The question is about the environment that commands
            use, or about the root of the API with --root. It ends with 0 for yes and 1 for no.
            """,
        options: [
            OptionSpec("id", value: "ID", "the object, as TYPE/ID"),
            OptionSpec("as", value: "SUBJECT", "about somebody else: an account by id or name, key:1c7, or type:id"),
            OptionSpec("field", value: "NAME", "about one field of it"),
            OptionSpec("root", "not in an environment"),
            OptionSpec("explain", "print the binding and rule that decide, or what comes nearest"),
        ],
        run: run
    )

    private static func run(_ invocation: Invocation) async throws -> Int32 {
        let operands: [String] = invocation.arguments.operands
        guard operands.count == 2 else {
            throw CommandFailure.usage("give a verb and a type: can-i update service/1s7")
        }
        let parts: [Substring] = operands[1].split(separator: "/", maxSplits: 1)
        var question: JSONObject = ["verb": .string(operands[0]), "resourceType": .string(String(parts.first ?? ""))]
        if let id: String = invocation.arguments.value("id") ?? (parts.count == 2 ? String(parts[1]) : nil) {
            question["resourceId"] = .string(id)
        }
        if let field: String = invocation.arguments.value("field") { question["field"] = .string(field) }
        let asked: JSONObject = question
        let answer: JSONObject = try await invocation.withClient { client in
            var question: JSONObject = asked
            if let subject: String = invocation.arguments.value("as") {
                question["subject"] = .string(try await Self.subject(subject, client))
            }
            let base: String = invocation.arguments.has("root") ? "/v2-beta" : try await Project.find(client).base
            return try await client.send("POST", "\(base)/accessreviews", .object(question))
        }
        let isAllowed: Bool = answer["allowed"]?.bool ?? false
        if invocation.output != .table {
            invocation.show(.object(answer.withoutLinks))
        } else {
            invocation.console.line(isAllowed ? "yes" : "no")
            if invocation.arguments.has("explain") { invocation.console.write(explanation(answer)) }
        }
        return isAllowed ? 0 : 1
    }

    /// A name stands for the account that has it.
    static func subject(_ word: String, _ client: APIClient) async throws -> String {
        let isID: Bool = word.hasPrefix("1") && word.dropFirst().first?.isLowercase == true
        if isID || word.contains(":") { return word }
        let found: [JSONObject] = try await client.list("/v2-beta/accounts?limit=-1").filter { $0.displayName == word }
        guard let one: JSONObject = found.first else {
            throw CommandFailure("there is no account '\(word)' that you may see")
        }
        guard found.count == 1 else {
            throw CommandFailure("several accounts are called '\(word)': \(found.map(\.id).joined(separator: ", "))")
        }
        return one.id
    }

    private static func explanation(_ answer: JSONObject) -> String {
        var lines: [String] = []
        if let binding: String = answer.text("binding"), let rule: String = answer.text("rule") {
            lines += ["binding: \(binding)", "rule:    \(rule)"]
            if let id: String = answer.text("accessRoleBindingId") { lines.append("given by \(id)") }
        } else {
            lines.append(answer.text("reason").map { String($0.prefix { $0 != ";" }) } ?? "no rule allows it")
        }
        for miss in answer["nearest"]?.array ?? [] {
            lines.append("nearest: \(miss["binding"]?.string ?? ""): \(miss["rule"]?.string ?? "")")
            lines.append("         lacks the \(miss["lack"]?.string ?? "rest"): \(miss["remedy"]?.string ?? "")")
        }
        return lines.map { "\($0.printable)\n" }.joined()
    }
}
