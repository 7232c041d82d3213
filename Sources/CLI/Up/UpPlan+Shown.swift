internal import Compose
internal import JSON

/// How `up --plan` shows what would be done, and why.
extension UpPlan {
    /// One line of the plan.
    private struct Line {
        var name: String
        /// As documents have it.
        var step: String
        /// As people read it.
        var word: String
        /// Containers that would be made or removed, such as `+2`; empty for none.
        var containers: String
        var reason: String
        var details: [String] = []
    }

    private func line(_ service: ComposeService, _ step: Step) -> Line {
        switch step {
        case .create:
            let image: String = service.service["launchConfig"]?["imageUuid"]?.string ?? ""
            let scale: Int64? = service.service["scale"]?.int
            return Line(
                name: service.name,
                step: "create",
                word: "create",
                containers: scale.map { "+\($0)" } ?? "+1 a host",
                reason: "not in the stack yet",
                details: [image] + (scale.map { ["scale \($0)"] } ?? ["one on each host"])
            )
        case .update(_, _, let changes):
            return Line(
                name: service.name,
                step: "update",
                word: "change",
                containers: Self.growth(service, existing[service.name.lowercased()]),
                reason: "differs from the files",
                details: changes
            )
        case .unchanged:
            return Line(name: service.name, step: "unchanged", word: "keep", containers: "", reason: "as the files say")
        case .needsUpgrade(let differences):
            return Line(
                name: service.name,
                step: "needsUpgrade",
                word: "blocked",
                containers: "",
                reason: "what runs cannot be changed in place",
                details: differences
            )
        }
    }

    private static func growth(_ wanted: ComposeService, _ stored: JSONObject?) -> String {
        guard let stored else { return "" }
        let runs: Int64 = stored.state == "inactive" ? 0 : stored["scale"]?.int ?? 0
        let scale: Int64 = wanted.saysScale ? wanted.service["scale"]?.int ?? runs : stored["scale"]?.int ?? 0
        return scale > runs ? "+\(scale - runs)" : scale < runs ? "-\(runs - scale)" : ""
    }

    private var lines: [Line] { steps.map { line($0.service, $0.step) } }

    private func kept(_ name: String) -> Line {
        Line(
            name: name,
            step: "leftAlone",
            word: "keep",
            containers: "",
            reason: "not in the files; up removes nothing"
        )
    }

    private var stackReason: String { stack == nil ? "there is none of that name" : "there already" }

    var table: Table {
        var table = Table("WHAT", "NAME", "STEP", "CONTAINERS", "WHY")
        table.rows.append([
            "stack", Table.Cell(stackName), stack == nil ? "create" : "keep", "", Table.Cell(stackReason),
        ])
        for line in lines + others.map(kept) {
            let why: String = ([line.reason] + line.details).joined(separator: "; ")
            table.rows.append([
                "service", Table.Cell(line.name), Table.Cell(line.word), Table.Cell(line.containers), Table.Cell(why),
            ])
        }
        return table
    }

    /// What a person reads under the table.
    var summary: String {
        func count(_ step: String) -> Int { lines.count { $0.step == step } }
        let blocked: Int = count("needsUpgrade")
        let text: String =
            "\(count("create")) to create, \(count("update")) to change, 0 to remove, \(count("unchanged") + others.count) to keep"
        return blocked == 0 ? "\(text)" : "\(text), \(blocked) blocked: 'drover up' would refuse and change nothing"
    }

    /// As `--output json` shows it.
    var document: JSONValue {
        func service(_ line: Line) -> JSONValue {
            [
                "name": .string(line.name), "step": .string(line.step), "reason": .string(line.reason),
                "details": JSONValue(line.details), "containers": .string(line.containers),
            ]
        }
        return [
            "stack": [
                "name": .string(stackName), "step": stack == nil ? "create" : "unchanged",
                "reason": .string(stackReason),
            ],
            "services": .array((lines + others.map(kept)).map(service)),
            "removed": [],
            "changesNothing": .bool(changesNothing),
            "isBlocked": .bool(!obstacles.isEmpty),
        ]
    }
}
