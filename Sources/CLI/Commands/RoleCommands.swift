internal import Compose
internal import JSON

/// Lists, makes, compares, gives and takes roles.
enum RoleCommands {
    static let all: [Command] = [list, show, create, update, diff, bind, unbind]

    private static let fileOption = OptionSpec(
        "file",
        short: "f",
        value: "FILE",
        "its rules, as YAML or JSON; - for none"
    )
    private static let rootOption = OptionSpec("root", "of the whole cluster, not of an environment")
    private static let previewOption = OptionSpec("preview", "change nothing; print who would gain and lose what")

    static let list = Command(
        "role",
        operands: "[ls]",
        summary: "list roles, and who has them",
        options: [rootOption]
    ) { invocation in
        guard invocation.arguments.operands.isEmpty || invocation.arguments.operands == ["ls"] else {
            throw CommandFailure.usage("'drover role' is followed by ls, show, create, update, diff, bind or unbind")
        }
        return try await invocation.withClient { client in
            let base: String = try await base(invocation, client)
            let roles: [JSONObject] = try await client.list("\(base)/accessroles?limit=-1")
            let bindings: [JSONObject] = try await client.list("\(base)/accessrolebindings?limit=-1")
            invocation.show(roles) {
                var table = Table("ID", "NAME", "STATE", "RULES", "SUBJECTS")
                for role in roles {
                    let given: [JSONObject] = bindings.filter { $0.text("accessRoleId") == role.id }
                    table.rows.append([
                        Table.Cell(role.id), Table.Cell(role.displayName), .state(role),
                        Table.Cell("\(role["rules"]?.array?.count ?? 0)"),
                        Table.Cell(given.flatMap(RoleFile.subjects).joined(separator: ", ")),
                    ])
                }
                return table
            }
            return 0
        }
    }

    static let show = Command(
        "role show",
        operands: "ROLE",
        summary: "print a role's rules, and where it is given to whom",
        options: [rootOption]
    ) { invocation in
        let word: String = try operands(invocation, 1, "name one role")[0]
        return try await invocation.withClient { client in
            let base: String = try await base(invocation, client)
            let role: JSONObject = try await find(word, base, client)
            let bindings: [JSONObject] = try await client.list(
                "\(base)/accessrolebindings?accessRoleId=\(role.id)&limit=-1"
            )
            if invocation.output != .table {
                var document: JSONObject = role.withoutLinks
                document["bindings"] = .array(bindings.map { .object($0.withoutLinks) })
                invocation.show(.object(document))
                return 0
            }
            invocation.console.line("\(role.displayName) (\(role.id))".printable)
            for rule in role["rules"]?.array ?? [] { invocation.console.line("  \(RoleFile.words(rule))".printable) }
            for binding in bindings {
                let place: String = "\(binding.text("scopeType") ?? "") \(binding.text("scopeId") ?? "")"
                invocation.console.line(
                    "\(binding.id): \(RoleFile.subjects(binding).joined(separator: ", ")) in \(place)".printable
                )
            }
            return 0
        }
    }

    static let create = Command(
        "role create",
        operands: "NAME",
        summary: "make a role of rules in a file, or of a template",
        details: """
            The file is a list of rules: {verbs: [list, get], resourceTypes: [stack], selector: name=web*}. Nobody can write rules that
            allow what they may not do themselves.
            """,
        options: [
            fileOption, OptionSpec("template", value: "ID", "the role template whose rules come first"), rootOption,
        ]
    ) { invocation in
        let name: String = try operands(invocation, 1, "give the new role one name")[0]
        var body: JSONObject = ["name": .string(name)]
        if let file: String = invocation.arguments.value("file") {
            body["rules"] = try RoleFile.rules(file, invocation)
        }
        if let template: String = invocation.arguments.value("template") { body["roleTemplateId"] = .string(template) }
        let made: JSONObject = body
        return try await invocation.withClient { client in
            let base: String = try await base(invocation, client)
            let role: JSONObject = try await client.send("POST", "\(base)/accessroles", .object(made))
            invocation.console.line("made the role \(role.displayName) (\(role.id))".printable)
            return 0
        }
    }

    static let update = Command(
        "role update",
        operands: "ROLE",
        summary: "give a role other rules",
        options: [fileOption, rootOption, previewOption]
    ) { invocation in try await change(invocation, previews: invocation.arguments.has("preview")) }

    static let diff = Command(
        "role diff",
        operands: "ROLE",
        summary: "say who would gain and who would lose what if a role had other rules",
        options: [fileOption, rootOption]
    ) { invocation in try await change(invocation, previews: true) }

    private static func change(_ invocation: Invocation, previews: Bool) async throws -> Int32 {
        let word: String = try operands(invocation, 1, "name one role")[0]
        guard let file: String = invocation.arguments.value("file") else {
            throw CommandFailure.usage("name the file with the new rules: -f FILE")
        }
        let rules: JSONValue = try RoleFile.rules(file, invocation)
        return try await invocation.withClient { client in
            let base: String = try await base(invocation, client)
            let role: JSONObject = try await find(word, base, client)
            let path: String = "\(base)/accessroles/\(role.id)"
            let body: JSONValue = ["rules": rules]
            if previews { return try await preview("PUT", path, body, invocation, client) }
            _ = try await client.send("PUT", path, body)
            invocation.console.line("changed the role \(role.displayName) (\(role.id))".printable)
            return 0
        }
    }

    static let bind = Command(
        "role bind",
        operands: "ROLE SUBJECT…",
        summary: "give somebody a role",
        details: """
            A SUBJECT is an account by id or name, key:1c7 for the requests of one key, or type:id for a user or group of a directory. The
            role counts in the environment, or for one stack or object in it; with --root in the whole cluster.
            """,
        options: [
            OptionSpec("stack", value: "ID", "for this stack and what is in it"),
            OptionSpec("object", value: "ID", "for this object"),
            OptionSpec("expires", value: "TIME", "until then, such as 2027-01-31T00:00:00Z"), rootOption, previewOption,
        ]
    ) { invocation in
        let words: [String] = invocation.arguments.operands
        guard words.count >= 2 else { throw CommandFailure.usage("name a role and at least one subject") }
        return try await invocation.withClient { client in
            let base: String = try await base(invocation, client)
            let role: JSONObject = try await find(words[0], base, client)
            var subjects: [JSONValue] = []
            for word in words.dropFirst() {
                subjects.append(RoleFile.subject(try await CanICommand.subject(word, client)))
            }
            var body: JSONObject = ["accessRoleId": .string(role.id), "subjects": .array(subjects)]
            for (option, type) in [("stack", "stack"), ("object", "object")] {
                guard let id: String = invocation.arguments.value(option) else { continue }
                body["scopeType"] = .string(type)
                body["scopeId"] = .string(id)
            }
            if let expires: String = invocation.arguments.value("expires") { body["expires"] = .string(expires) }
            let path: String = "\(base)/accessrolebindings"
            if invocation.arguments.has("preview") {
                return try await preview("POST", path, .object(body), invocation, client)
            }
            let made: JSONObject = try await client.send("POST", path, .object(body))
            invocation.console.line("gave the role \(role.displayName) (\(made.id))".printable)
            return 0
        }
    }

    static let unbind = Command(
        "role unbind",
        operands: "BINDING",
        summary: "take a role away again",
        options: [rootOption, previewOption]
    ) { invocation in
        let id: String = try operands(invocation, 1, "name one binding, such as 1arb7; 'drover role show' lists them")[
            0
        ]
        return try await invocation.withClient { client in
            let path: String = "\(try await base(invocation, client))/accessrolebindings/\(id)"
            if invocation.arguments.has("preview") { return try await preview("DELETE", path, nil, invocation, client) }
            _ = try await client.send("DELETE", path)
            invocation.console.line("took the binding \(id) away".printable)
            return 0
        }
    }

    // MARK: Parts

    private static func preview(
        _ method: String,
        _ path: String,
        _ body: JSONValue?,
        _ invocation: Invocation,
        _ client: APIClient
    ) async throws -> Int32 {
        let answer: JSONObject = try await client.send(method, "\(path)?preview=true", body)
        guard invocation.output == .table else {
            invocation.show(.object(answer.withoutLinks))
            return 0
        }
        var table = Table("", "SUBJECT", "WHERE", "VERB", "TYPE", "BEFORE", "AFTER")
        for (sign, member, colour) in [("+", "gains", Colour.green), ("-", "losses", Colour.red)] {
            for change in answer[member]?.array ?? [] {
                func cell(_ name: String) -> Table.Cell { Table.Cell(change[name]?.string ?? "") }
                table.rows.append([
                    Table.Cell(sign, colour), cell("subject"), cell("scope"), cell("verb"), cell("resourceType"),
                    cell("before"), cell("after"),
                ])
            }
        }
        if table.rows.isEmpty {
            invocation.console.line("nobody would gain or lose anything")
        } else {
            invocation.console.write(
                table.text(width: invocation.console.columns(), colour: invocation.console.usesColour)
            )
        }
        if answer["truncated"]?.bool ?? false { invocation.console.note("there are more subjects than are shown") }
        return 0
    }

    private static func base(_ invocation: Invocation, _ client: APIClient) async throws -> String {
        invocation.arguments.has("root") ? "/v2-beta" : try await Project.find(client).base
    }

    private static func operands(_ invocation: Invocation, _ count: Int, _ advice: String) throws -> [String] {
        guard invocation.arguments.operands.count == count else { throw CommandFailure.usage(advice) }
        return invocation.arguments.operands
    }

    private static func find(_ word: String, _ base: String, _ client: APIClient) async throws -> JSONObject {
        let roles: [JSONObject] = try await client.list("\(base)/accessroles?limit=-1")
        if let one: JSONObject = roles.first(where: { $0.id == word }) { return one }
        let named: [JSONObject] = roles.filter { $0.displayName == word }
        if let one: JSONObject = named.first, named.count == 1 { return one }
        guard named.isEmpty else {
            throw CommandFailure("several roles are called '\(word)': \(named.map(\.id).joined(separator: ", "))")
        }
        // Roles of the whole cluster can be given in an environment.
        do {
            return try await client.send("GET", "\(base)/accessroles/\(word)")
        } catch let fault as APIFault where fault.status == 404 {
            let hint: String = Spelling.hint(for: word, among: roles.map(\.displayName))
            throw CommandFailure("there is no role '\(word)'\(hint); 'drover role' lists them")
        }
    }
}
