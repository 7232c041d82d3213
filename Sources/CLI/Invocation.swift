internal import Glibc

/// How a command prints its data.
package enum OutputFormat: String, Sendable, CaseIterable {
    case table, json, yaml

    static func of(_ arguments: ParsedArguments) throws(CommandFailure) -> OutputFormat {
        guard let text: String = arguments.value("output") else { return .table }
        guard let format = OutputFormat(rawValue: text) else {
            throw .usage("--output is table, json or yaml, not '\(text)'")
        }
        return format
    }
}

/// What a command gets to work with.
package struct Invocation: Sendable {
    package var arguments: ParsedArguments
    package var console: Console
    package var environment: [String: String]
    /// The absolute path that relative file names start from.
    package var directory: String
    package var version: String
    package var output: OutputFormat

    /// The absolute path of a file that the user named.
    package func path(_ name: String) -> String { name.hasPrefix("/") ? name : "\(directory)/\(name)" }

    /// Refuses operands that the command does not take.
    func refuseOperands() throws(CommandFailure) {
        if let extra: String = arguments.operands.first { throw .usage("'\(extra)' is one operand too many") }
    }
}
