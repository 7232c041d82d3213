import Benchmarks
import CLI
import JSON

/// `bench`: figures of this build on this machine.
enum BenchCommand {
    static let command = Command(
        "bench",
        operands: "raft|store",
        summary: "measure this build on this machine",
        details: """
            raft   puts through a group of one with its real log: latency and throughput
            store  the state machine alone: apply, reads, restart, watches

            No peer is run beside these yet, so the peer's fields of the JSON form are null.
            """,
        options: [OptionSpec("json", "print one JSON document")]
    ) { invocation in
        guard let name: String = invocation.arguments.operands.first, invocation.arguments.operands.count == 1 else {
            throw CommandFailure.usage("one benchmark at a time: raft or store")
        }
        let report: BenchReport
        switch name {
        case "raft": report = try await RaftBench.run()
        case "store": report = try await StoreBench.run()
        default: throw CommandFailure.usage("there is no benchmark '\(name)' yet: raft or store")
        }
        if invocation.arguments.has("json") || invocation.output == .json {
            invocation.console.line(JSONWriter.pretty(report.json()))
        } else {
            invocation.console.write(report.table())
        }
        return 0
    }
}
