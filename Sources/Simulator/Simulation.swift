/// What `drover simulate` runs.
package struct Simulation {
    /// What is simulated.
    package enum World: String, CaseIterable, Sendable {
        /// Whole clusters: consensus, disks, store, clients, watches.
        case cluster
        /// A Raft group whose entries mean nothing.
        case raft
        /// Whole clusters that own hosts: besides all that ownership, controllers and agents.
        case hosts
    }

    package var seed: UInt64
    package var count: Int
    package var members: Int
    /// Ticks of trouble in each run.
    package var steps: Int
    package var worlds: [World]
    /// Shows what happened also where nothing was violated.
    package var showsTrace: Bool = false

    /// More runs than this are told of now and then, not one by one.
    private static let toldOneByOne: Int = 100

    package init(
        seed: UInt64,
        count: Int,
        members: Int,
        steps: Int,
        worlds: [World] = World.allCases
    ) {
        self.seed = seed
        self.count = max(0, count)
        self.members = members
        self.steps = steps
        self.worlds = worlds
    }

    /// Runs each world for each of the `count` seeds from `seed` on.
    ///
    /// - Parameter print: takes one line.
    /// - Returns: whether no rule was violated in any of them.
    package func run(print: (String) -> Void) -> Bool {
        var isSound: Bool = true
        var totals: [World: ClusterTotals] = [:]
        for offset in 0..<UInt64(count) {
            for world in worlds where !run(world, seed &+ offset, &totals, print) { isSound = false }
            let done: Int = Int(offset) + 1
            if count > Self.toldOneByOne, done % Self.toldOneByOne == 0 {
                var line: String = "\(done) of \(count) seeds"
                for world in worlds {
                    guard let sum: ClusterTotals = totals[world] else { continue }
                    line += ", \(world.rawValue): \(sum.counted) counted, \(sum.violated) violated"
                }
                print(line)
            }
        }
        for world in worlds {
            guard let sum: ClusterTotals = totals[world] else { continue }
            print(world == .hosts ? "all clusters with hosts together:" : "all clusters together:")
            for line in sum.lines { print("  " + line) }
        }
        return isSound
    }

    /// - Returns: whether no rule was violated.
    private func run(
        _ world: World,
        _ seed: UInt64,
        _ totals: inout [World: ClusterTotals],
        _ print: (String) -> Void
    ) -> Bool {
        let summary: String
        let violation: String?
        var trace: [String]
        switch world {
        case .cluster, .hosts:
            var report: ClusterReport = cluster(world, seed, hasWords: showsTrace)
            totals[world, default: ClusterTotals()].add(report)
            // Words cost time, so a run has them only when it is played again.
            if report.violation != nil, !showsTrace { report = cluster(world, seed, hasWords: true) }
            (summary, violation, trace) = (report.summary, report.violation, report.trace)
        case .raft:
            let report: SimulationReport = RaftWorld(seed: seed, members: members).run(steps: steps)
            (summary, violation, trace) = (report.summary, report.violation, report.trace)
        }
        if violation != nil || count <= Self.toldOneByOne { print(summary) }
        for line in trace { print("  " + line) }
        guard violation != nil else { return true }
        print(
            """
            replay: drover simulate --world \(world.rawValue) --seed \(seed) --count 1 --members \(members) \
            --steps \(steps)
            """
        )
        return false
    }

    private func cluster(_ world: World, _ seed: UInt64, hasWords: Bool) -> ClusterReport {
        ClusterWorld(
            seed: seed,
            members: members,
            hosts: world == .hosts ? FleetSize() : nil,
            hasWords: hasWords
        ).run(steps: steps)
    }
}
