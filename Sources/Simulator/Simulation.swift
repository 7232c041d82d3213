/// What `drover simulate` runs.
package enum Simulation {
    /// Runs `count` worlds with the seeds from `seed` on.
    ///
    /// - Parameter print: takes one line.
    /// - Returns: whether no rule was violated in any of them.
    package static func run(
        seed: UInt64, count: Int, members: Int, steps: Int, print: (String) -> Void
    ) -> Bool {
        var isSound: Bool = true
        for offset in 0..<UInt64(max(0, count)) {
            let world = RaftWorld(seed: seed &+ offset, members: members)
            let report: SimulationReport = world.run(steps: steps)
            print(report.summary)
            guard report.violation != nil else { continue }
            isSound = false
            for line in report.trace { print("  " + line) }
            print("replay: drover simulate --seed \(report.seed) --count 1 --members \(members) --steps \(steps)")
        }
        return isSound
    }
}
