import CLI
import Simulator

/// `simulate`: whole clusters under faults, from seeds, with checkers outside.
enum SimulateCommand {
    static let command = Command(
        "simulate",
        summary: "run simulated clusters under faults and check that no promise is broken",
        details: """
            The same seed gives the same run, step for step. A run that breaks a promise is shown, with what led to it
            and the command that plays it again. At the end stands what all runs went through together; a run counts
            when it had two changes of leader, a crash, a snapshot, a change of members and 200 acknowledged operations.

            Worlds: cluster is consensus on simulated disks, the replicated store, clients and watches; hosts is the same
            with ownership of environments, controllers, host streams and agents in it, and counts when besides all
            that ownership moved twice, and three streams were cut and three agents crashed; raft is the core alone.

            Exit code 0: nothing was violated.
            """,
        options: [
            OptionSpec("world", value: "NAME", "cluster, hosts or raft (default: each of them)"),
            OptionSpec("seed", value: "N", "the first seed (default 0)"),
            OptionSpec("count", value: "K", "how many seeds (default 1)"),
            OptionSpec("members", value: "M", "members of each cluster (default 3)"),
            OptionSpec("steps", value: "S", "ticks of each run (default 2500)"),
            OptionSpec("trace", "show the last events of every run"),
        ]
    ) { invocation in
        let arguments: ParsedArguments = invocation.arguments
        let console: Console = invocation.console
        var worlds: [Simulation.World] = Simulation.World.allCases
        if let name: String = arguments.value("world") {
            guard let world = Simulation.World(rawValue: name) else {
                throw CommandFailure.usage("--world is cluster, hosts or raft")
            }
            worlds = [world]
        }
        var simulation = Simulation(
            seed: UInt64(try arguments.count("seed") ?? 0),
            count: try arguments.count("count") ?? 1,
            members: try arguments.count("members") ?? 3,
            steps: try arguments.count("steps") ?? 2_500,
            worlds: worlds
        )
        simulation.showsTrace = arguments.has("trace")
        return simulation.run { console.line($0) } ? 0 : 1
    }
}
