package import JSON

/// What is the same of `drover audit verify`, whoever looks.
package enum AuditCommand {
    /// The node that answers looks at itself.
    package static func online(_ invocation: Invocation) async throws -> Int32 {
        try await invocation.withClient { client in
            let report: JSONObject = try await client.send("POST", "/v2-beta/auditlogs?action=verify")
            show([.object(report)], invocation)
            return report["whole"]?.bool == true ? 0 : 1
        }
    }

    /// Histories that begin and end at the same entries have the same hashes.
    package static func difference(_ reports: [JSONValue]) -> String? {
        for (index, report) in reports.enumerated() {
            for other in reports[(index + 1)...] {
                let (one, two): (JSONValue, JSONValue) = (report["history"] ?? .null, other["history"] ?? .null)
                guard one["to"] == two["to"], one["anchor"] == two["anchor"], one["entries"] == two["entries"],
                    one["head"] != two["head"]
                else { continue }
                return "the histories of \(report["folder"]?.string ?? "") and \(other["folder"]?.string ?? "") differ"
            }
        }
        return nil
    }

    package static func show(_ reports: [JSONValue], _ invocation: Invocation) {
        guard invocation.output == .table else {
            return invocation.show(reports.count == 1 ? reports[0] : .array(reports))
        }
        var table = Table("WHERE", "WHAT", "FROM", "TO", "COUNT", "VERDICT")
        for report in reports {
            let place: String = report["folder"]?.string ?? "this node"
            for (what, part, count) in [("history", "history", "entries"), ("trail", "trail", "lines")] {
                guard let found: JSONObject = report[part]?.object else { continue }
                let problem: String? = found["problem"]?.string
                let at: String = found["problemAt"]?.int.map { "at entry \($0): " } ?? ""
                table.rows.append([
                    Table.Cell(place), Table.Cell(what), Table.Cell("\(found["from"]?.int ?? 0)"),
                    Table.Cell("\(found["to"]?.int ?? 0)"), Table.Cell("\(found[count]?.int ?? 0)"),
                    Table.Cell(problem.map { at + $0 } ?? "whole"),
                ])
            }
        }
        invocation.console.write(table.text(width: nil, colour: false))
    }
}
