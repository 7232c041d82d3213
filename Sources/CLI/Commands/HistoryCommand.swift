internal import JSON

/// The past of one resource: who changed it, when, by which request, and what.
enum HistoryCommand {
    static let command = Command(
        "history",
        operands: "ID|NAME",
        summary: "show who changed something, when, and what; compare and restore past revisions",
        details: """
            Names a stack, service, container or host, an environment by its id, or anything else as TYPE/ID, such as
            apikeys/1c7. What is restored is a new change, with everything that a change goes through.
            """,
        options: [
            OptionSpec("limit", value: "N", "show the last N changes (20)"),
            OptionSpec("at", value: "REV", "show it as it was at a revision"),
            OptionSpec("diff", value: "A,B", "show what differs between two revisions"),
            OptionSpec("restore", value: "REV", "give it the values that it had at a revision"),
        ],
        run: run
    )

    private static func run(_ invocation: Invocation) async throws -> Int32 {
        let arguments: ParsedArguments = invocation.arguments
        // `--diff A B` is what a hand types; `--diff A,B` is one word.
        var operands: [String] = arguments.operands
        var revisions: [String] = arguments.value("diff")?.split(separator: ",").map(String.init) ?? []
        if revisions.count == 1, operands.count == 2, let place: Int = operands.lastIndex(where: { UInt64($0) != nil })
        {
            revisions.append(operands.remove(at: place))
        }
        guard operands.count == 1, let word: String = operands.first else {
            throw CommandFailure.usage("name one thing: its id or name")
        }
        if arguments.has("diff"), revisions.count != 2 { throw CommandFailure.usage("--diff takes two revisions: A B") }
        let limit: Int = try arguments.count("limit") ?? 20
        let compared: [String] = revisions
        return try await invocation.withProject { project in
            let link: String = try await link(word, project)
            if let revision: String = arguments.value("restore") {
                return try await restore(link, revision, invocation, project)
            }
            if let revision: String = arguments.value("at") {
                let document: JSONObject = try await past(link, revision, project)
                invocation.show(.object(document.withoutLinks))
                return 0
            }
            if compared.count == 2 {
                let (old, new): (JSONObject, JSONObject) = (
                    try await past(link, compared[0], project), try await past(link, compared[1], project)
                )
                show(differences(old, new), invocation, nothing: "nothing differs between the two")
                return 0
            }
            try await list(link, limit, invocation, project)
            return 0
        }
    }

    /// The address of what a person means.
    private static func link(_ word: String, _ project: Project) async throws -> String {
        if word.hasPrefix("1a") { return "/v2-beta/projects/\(word)" }
        let parts: [Substring] = word.split(separator: "/", omittingEmptySubsequences: false)
        if parts.count == 2, parts[1].hasPrefix("1") {
            return try await project.client.send("GET", "\(project.base)/\(parts[0])/\(parts[1])").link("self")
        }
        return try await Lookup(project: project).one(word, Lookup.Kind.allCases).resource.link("self")
    }

    private static func past(_ link: String, _ revision: String, _ project: Project) async throws -> JSONObject {
        guard UInt64(revision) != nil else { throw CommandFailure.usage("'\(revision)' is no revision") }
        return try await project.client.send("GET", "\(link)?revision=\(revision)")
    }

    // MARK: Listing

    private static func list(
        _ link: String,
        _ limit: Int,
        _ invocation: Invocation,
        _ project: Project
    ) async throws {
        var entries: [JSONObject] = []
        var next: String? = "\(link)/history?limit=\(max(1, min(limit, 100)))"
        while entries.count < limit, let page: String = next {
            let found: JSONObject = try await project.client.send("GET", page)
            entries += found["data"]?.array?.compactMap(\.object) ?? []
            next = found["pagination"]?["next"]?.string
        }
        invocation.show(Array(entries.prefix(limit))) {
            var table = Table("REVISION", "WHEN", "WHO", "REQUEST", "WHAT", "CHANGED")
            for entry in entries.prefix(limit) {
                let changes: [JSONObject] = entry["changes"]?.array?.compactMap(\.object) ?? []
                table.rows.append([
                    Table.Cell(entry.text("revision") ?? ""), Table.Cell(entry.text("time") ?? ""),
                    Table.Cell(entry.text("actor") ?? ""), Table.Cell(entry.text("requestId") ?? ""),
                    Table.Cell(entry.text("event") ?? entry.text("what") ?? ""),
                    Table.Cell(changes.map(text).joined(separator: "; ")),
                ])
            }
            return table
        }
    }

    private static func text(_ change: JSONObject) -> String {
        "\(change.text("field") ?? "?"): \(short(change["before"])) → \(short(change["after"]))"
    }

    private static func short(_ value: JSONValue?) -> String {
        guard let value, !value.isNull else { return "–" }
        return (value.string ?? String(decoding: JSONWriter.bytes(value), as: UTF8.self)).cut(to: 60)
    }

    // MARK: Comparing

    /// `{"field","before","after"}` for each member that differs.
    static func differences(_ old: JSONObject, _ new: JSONObject) -> [JSONObject] {
        var fields: [String] = old.keys
        for key in new.keys where old[key] == nil { fields.append(key) }
        let meta: Set<String> = ["links", "actions", "revision"]
        return fields.filter { !meta.contains($0) && (old[$0] ?? .null) != (new[$0] ?? .null) }.map { field in
            ["field": .string(field), "before": old[field] ?? .null, "after": new[field] ?? .null]
        }
    }

    private static func show(_ differences: [JSONObject], _ invocation: Invocation, nothing: String) {
        if invocation.output == .table, differences.isEmpty { return invocation.console.note(nothing) }
        invocation.show(differences) {
            var table = Table("FIELD", "BEFORE", "AFTER")
            for difference in differences {
                table.rows.append([
                    Table.Cell(difference.text("field") ?? ""), Table.Cell(short(difference["before"])),
                    Table.Cell(short(difference["after"])),
                ])
            }
            return table
        }
    }

    // MARK: Restoring

    private static func restore(
        _ link: String,
        _ revision: String,
        _ invocation: Invocation,
        _ project: Project
    ) async throws -> Int32 {
        let old: JSONObject = try await past(link, revision, project)
        let now: JSONObject = try await project.client.send("GET", link)
        let schema: JSONObject = try await project.client.send("GET", "\(project.base)/schemas/\(now.type)")
        let body: JSONObject = changes(from: now, to: old, schema)
        guard !body.isEmpty else {
            invocation.console.note("\(now.displayName) has those values already; nothing was changed")
            return 0
        }
        let updated: JSONObject = try await project.client.send("PUT", link, .object(body))
        if invocation.output == .table {
            invocation.console.line(
                "\(updated.displayName) has the values of revision \(revision) again: \(body.keys.joined(separator: ", "))"
            )
        } else {
            invocation.show(.object(updated.withoutLinks))
        }
        return 0
    }

    /// What is to be sent: the fields that a client may change and that have another value now.
    static func changes(from now: JSONObject, to old: JSONObject, _ schema: JSONObject) -> JSONObject {
        var body = JSONObject()
        for (name, field) in schema["resourceFields"]?.object ?? [:] {
            guard field["update"]?.bool ?? false, let value: JSONValue = old[name], value != (now[name] ?? .null) else {
                continue
            }
            body[name] = value
        }
        return body
    }
}
