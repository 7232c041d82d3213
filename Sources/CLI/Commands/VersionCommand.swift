internal import JSON

/// Says which version this is.
enum VersionCommand {
    static let command = Command("version", summary: "print the version of this program") { invocation in
        try invocation.refuseOperands()
        if invocation.output == .table {
            invocation.console.line("drover \(invocation.version)")
        } else {
            invocation.show(["version": .string(invocation.version)])
        }
        return 0
    }
}
