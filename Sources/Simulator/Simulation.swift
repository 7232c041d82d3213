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
        seed: UInt64,
        count: Int,
        members: Int,
        steps: Int,
        print: (String) -> Void
    ) -> Bool {
        var isSound: Bool = true
        for offset in 0..<UInt64(max(0, count)) {
            let raft: SimulationReport = RaftWorld(seed: seed &+ offset, members: members).run(steps: steps)
            let hosts: HostReport = HostWorld(seed: seed &+ offset).run(steps: steps)
            print("\(raft.summary) | \(hosts.summary)")
            guard raft.violation != nil || hosts.violation != nil else { continue }
            isSound = false
            // Of a world where all went well there is no trace.
            for line in raft.trace + hosts.trace { print("  " + line) }
            print("replay: drover simulate --seed \(raft.seed) --count 1 --members \(members) --steps \(steps)")
        }
        return isSound
    }
}
