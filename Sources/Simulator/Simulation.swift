/// What `drover simulate` runs.
package struct Simulation {
    /// What is simulated.
    package enum World: String, CaseIterable, Sendable {
        /// Whole clusters: consensus, disks, store, clients, watches.
        case cluster
        /// A Raft group whose entries mean nothing.
        case raft
        /// Servers that own hosts.
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
        var totals = ClusterTotals()
        for offset in 0..<UInt64(count) {
            for world in worlds where !run(world, seed &+ offset, &totals, print) { isSound = false }
            let done: Int = Int(offset) + 1
            if count > Self.toldOneByOne, done % Self.toldOneByOne == 0 {
                var line: String = "\(done) of \(count) seeds"
                if worlds.contains(.cluster) { line += ", \(totals.counted) counted, \(totals.violated) violated" }
                print(line)
            }
        }
        if worlds.contains(.cluster), count > 0 {
            print("all clusters together:")
            for line in totals.lines { print("  " + line) }
        }
        return isSound
    }

    /// - Returns: whether no rule was violated.
    private func run(_ world: World, _ seed: UInt64, _ totals: inout ClusterTotals, _ print: (String) -> Void) -> Bool {
        let summary: String
        let violation: String?
        var trace: [String]
        switch world {
        case .cluster:
            var report: ClusterReport = cluster(seed, hasWords: showsTrace)
            totals.add(report)
            // Words cost time, so a run has them only when it is played again.
            if report.violation != nil, !showsTrace { report = cluster(seed, hasWords: true) }
            (summary, violation, trace) = (report.summary, report.violation, report.trace)
        case .raft:
            let report: SimulationReport = RaftWorld(seed: seed, members: members).run(steps: steps)
            (summary, violation, trace) = (report.summary, report.violation, report.trace)
        case .hosts:
            let report: HostReport = HostWorld(seed: seed).run(steps: steps)
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

    private func cluster(_ seed: UInt64, hasWords: Bool) -> ClusterReport {
        ClusterWorld(seed: seed, members: members, hasWords: hasWords).run(steps: steps)
    }
}
