import CLI
import Glibc
import HostRuntime

// A peer that hangs up is an error of one write, not the end of the process.
signal(SIGPIPE, SIG_IGN)

// The same executable stays with a container as its supervisor: alone in its process, before anything starts a thread.
if let code: Int32 = ContainerShim.main(Array(CommandLine.arguments.dropFirst())) { exit(code) }

var table: CommandTable = DroverCommand.table(version: Version.number)
for command in ServerCommands.all + ClusterFileCommands.all + [
    AuditCommands.verify, DevCommand.command, AgentCommand.command, BenchCommand.command, SimulateCommand.command,
] {
    table.add(command)
}
exit(
    await table.run(
        arguments: Array(CommandLine.arguments.dropFirst()),
        environment: ProcessEnvironment.variables
    )
)
