import CLI
import ClusterNode
import JSON

/// `audit verify` with `--data`: reads a node's own files.
enum AuditCommands {
    static let verify = Command(
        "audit verify",
        summary: "check that nobody has changed what a node has written down",
        details: """
            Goes along the hashes of the audit log with all past changes, and of the trail of denials and reads of secrets, and
            names the first entry that was changed, removed or moved. Without --data the node that answers checks itself; with
            --data its folder is read, whether it runs or not. With several folders the ends of their histories are compared,
            too. Ends with 1 when something is wrong.
            """,
        options: [OptionSpec("data", value: "DIR", "a node's data folder; may be given several times")]
    ) { invocation in
        if let extra: String = invocation.arguments.operands.first {
            throw CommandFailure.usage("'\(extra)' is one operand too many")
        }
        let folders: [String] = invocation.arguments.values("data").map { invocation.path($0) }
        guard !folders.isEmpty else { return try await AuditCommand.online(invocation) }
        var reports: [JSONValue] = []
        var code: Int32 = 0
        for folder in folders {
            let report: AuditReport
            do throws(NodeFault) {
                report = try AuditReport.of(DataFolder(folder))
            } catch {
                throw CommandFailure("\(error)")
            }
            var document: JSONObject = report.json.object ?? [:]
            document["folder"] = .string(folder)
            reports.append(.object(document))
            if !report.isWhole { code = 1 }
        }
        if let difference: String = AuditCommand.difference(reports) {
            code = 1
            invocation.console.fail(difference)
        }
        AuditCommand.show(reports, invocation)
        return code
    }
}
