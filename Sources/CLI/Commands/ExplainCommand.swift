internal import JSON

/// Says why something is in the state it is in.
enum ExplainCommand {
    static let command = Command(
        "explain",
        operands: "ID|NAME",
        summary: "say why something is in its state, and what it waits for",
        run: run
    )

    private static func run(_ invocation: Invocation) async throws -> Int32 {
        guard invocation.arguments.operands.count == 1, let word: String = invocation.arguments.operands.first else {
            throw CommandFailure.usage("name one stack, service, container or host")
        }
        return try await invocation.withProject { project in
            let found: (kind: Lookup.Kind, resource: JSONObject) = try await Lookup(project: project).one(
                word,
                Lookup.Kind.allCases
            )
            let link: String = try found.resource.link("self")
            let explanation: JSONObject = try await project.client.send("GET", "\(link)/explain")
            if invocation.output == .table {
                invocation.console.write(text(explanation, width: invocation.console.columns()))
            } else {
                invocation.show(.object(explanation))
            }
            return 0
        }
    }

    private static func text(_ explanation: JSONObject, width: Int?) -> String {
        var out: String =
            "\(explanation.text("title") ?? "it"): \(explanation.text("state") ?? "unknown")".printable + "\n"
        for (heading, member) in [("because", "because"), ("waits for", "waitsFor"), ("what helps", "fix")] {
            let lines: [String] = explanation[member]?.array?.compactMap(\.string) ?? []
            if lines.isEmpty { continue }
            out += "\n\(heading):\n"
            for line in lines { out += "  - \(line.printable)\n" }
        }
        let hosts: [JSONValue] = explanation["hosts"]?.array ?? []
        if !hosts.isEmpty {
            var table = Table("HOST", "VERDICT")
            for host in hosts {
                table.rows.append([Table.Cell(host["host"]?.string ?? ""), Table.Cell(host["verdict"]?.string ?? "")])
            }
            out += "\n" + table.text(width: width, colour: false)
        }
        return out
    }
}
