import CLI
import Glibc

// A peer that hangs up is an error of one write, not the end of the process.
signal(SIGPIPE, SIG_IGN)

var table: CommandTable = DroverCommand.table(version: Version.number)
for command in ServerCommands.all + [
    DevCommand.command, AgentCommand.command, BenchCommand.command, SimulateCommand.command,
] {
    table.add(command)
}
exit(
    await table.run(
        arguments: Array(CommandLine.arguments.dropFirst()),
        environment: ProcessEnvironment.variables
    )
)
