import CLI
import Simulator

/// `simulate`: whole clusters under faults, from seeds, with checkers outside.
enum SimulateCommand {
    static let command = Command(
        "simulate",
        summary: "run simulated clusters under faults and check that no promise is broken",
        details: "The same seed gives the same run, step for step. Exit code 0: nothing was violated.",
        options: [
            OptionSpec("seed", value: "N", "the first seed (default 0)"),
            OptionSpec("count", value: "K", "how many seeds (default 1)"),
            OptionSpec("members", value: "M", "members of each cluster (default 3)"),
            OptionSpec("steps", value: "S", "ticks of each run (default 2500)"),
        ]
    ) { invocation in
        let arguments: ParsedArguments = invocation.arguments
        let console: Console = invocation.console
        let isClean: Bool = Simulation.run(
            seed: UInt64(try arguments.count("seed") ?? 0),
            count: try arguments.count("count") ?? 1,
            members: try arguments.count("members") ?? 3,
            steps: try arguments.count("steps") ?? 2_500,
            print: { console.line($0) }
        )
        return isClean ? 0 : 1
    }
}
