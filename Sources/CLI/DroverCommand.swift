/// The command line's client verbs.
///
/// The executable makes a table of them, adds its own commands, and runs it.
package enum DroverCommand {
    /// A table with all verbs that only need the public API.
    package static func table(version: String) -> CommandTable {
        var table = CommandTable(version: version)
        for command in all { table.add(command) }
        return table
    }

    /// Runs a command line that has only client verbs.
    package static func run(arguments: [String], environment: [String: String], version: String) async -> Int32 {
        await table(version: version).run(arguments: arguments, environment: environment)
    }

    private static let all: [Command] =
        [
            UpCommand.command, PsCommand.command, LogsCommand.command, ExecCommand.command, ScaleCommand.command,
            RemoveCommand.command,
            StacksCommand.command, ServicesCommand.command, HostsCommand.command, HostsCommand.token,
            HostDutyCommands.evacuate, HostDutyCommands.deactivate, HostDutyCommands.activate,
            EnvironmentCommands.list, EnvironmentCommands.show,
            EnvironmentCommands.create, EnvironmentCommands.use, EnvironmentCommands.remove, ExplainCommand.command,
            HistoryCommand.command,
            CanICommand.command,
            ContextCommands.show, ContextCommands.use,
            ContextCommands.save, LoginCommands.login, LoginCommands.logout, VersionCommand.command,
        ] + CertificateCommands.all + RoleCommands.all + ClusterCommands.all + InterceptCommands.all
}
