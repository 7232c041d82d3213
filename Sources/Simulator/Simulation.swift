/// What `drover simulate` runs.
package enum Simulation {
    /// Runs two worlds for each of the `count` seeds from `seed` on: a Raft group, and servers that own hosts.
    ///
    /// - Parameters:
    ///   - members: of the Raft group.
    ///   - steps: ticks of trouble in each world.
    ///   - print: takes one line.
    /// - Returns: whether no rule was violated in any of them.
    package static func run(
        seed: UInt64, count: Int, members: Int, steps: Int, print: (String) -> Void
    ) -> Bool {
        var isSound: Bool = true
        func tell(_ seed: UInt64, _ summary: String, _ violation: String?, _ trace: [String]) {
            print(summary)
            guard violation != nil else { return }
            isSound = false
            for line in trace { print("  " + line) }
            print("replay: drover simulate --seed \(seed) --count 1 --members \(members) --steps \(steps)")
        }
        for offset in 0..<UInt64(max(0, count)) {
            let raft: SimulationReport = RaftWorld(seed: seed &+ offset, members: members).run(steps: steps)
            tell(raft.seed, raft.summary, raft.violation, raft.trace)
            let hosts: HostReport = HostWorld(seed: seed &+ offset).run(steps: steps)
            tell(hosts.seed, hosts.summary, hosts.violation, hosts.trace)
        }
        return isSound
    }
}
