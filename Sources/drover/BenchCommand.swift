import Benchmarks
import CLI
import JSON

/// `bench`: figures of this build on this machine, and of a peer beside it.
enum BenchCommand {
    private static let names: [String] = ["raft", "gateway", "store"]

    static let command = Command(
        "bench",
        operands: names.joined(separator: "|"),
        summary: "measure this build on this machine, beside a peer",
        details: """
            raft     three nodes beside a three-member etcd: puts, linearizable reads, watches, the loss of the leader
            gateway  a node as a proxy, beside HAProxy and nginx, and one that takes changes beside HAProxy before their owner
            store    the state machine alone: apply, reads, restart, watches; no peer

            Ours is measured through its public HTTPS API with a key, rights and audit. The servers of both sides are started
            for the run in a folder of its own, measured turn by turn, and ended; ratios are ours / peer. Without the
            peer's program ('apt-get install etcd-server haproxy nginx-light') its fields are null. Measure on a machine that does
            nothing else. What the cases are: docs/performance.md.
            """,
        options: [
            OptionSpec("json", "print one JSON document"),
            OptionSpec("thorough", "more rounds, and the cases that take minutes: memory-100k, restart-100k"),
            OptionSpec("case", value: "NAME", "only this case; may be given several times"),
            OptionSpec("folder", value: "DIR", "where the servers' data is kept meanwhile (default /tmp)"),
            OptionSpec("quiet", "do not say what is being measured"),
        ]
    ) { invocation in
        guard let name: String = invocation.arguments.operands.first, invocation.arguments.operands.count == 1 else {
            throw CommandFailure.usage("one benchmark at a time: \(names.joined(separator: ", "))")
        }
        let isQuiet: Bool = invocation.arguments.has("quiet")
        let folder: String = invocation.arguments.value("folder") ?? "/tmp"
        let options = BenchOptions(
            isThorough: invocation.arguments.has("thorough"),
            cases: invocation.arguments.values("case"),
            folder: folder.hasPrefix("/") ? folder : "\(invocation.directory)/\(folder)",
            progress: { [console = invocation.console] text in if !isQuiet { console.note("drover: \(text)") } }
        )
        let report: BenchReport
        do {
            switch name {
            case "raft": report = try await RaftBench.run(options)
            case "gateway": report = try await GatewayBench.run(options)
            case "store": report = try await StoreBench.run()
            default:
                throw CommandFailure.usage("there is no benchmark '\(name)': \(names.joined(separator: ", "))")
            }
        } catch let fault as BenchFault {
            throw CommandFailure("\(fault)")
        }
        if invocation.arguments.has("json") || invocation.output == .json {
            invocation.console.line(JSONWriter.pretty(report.json()))
        } else {
            invocation.console.write(report.table())
        }
        return 0
    }
}
