import Testing

@testable import Ownership

struct OwnershipSimulationTests {
    /// Seeds that once failed stay here for good, each with a word on what it found.
    static let regressions: [UInt64] = []

    @Test(arguments: regressions + Array(0..<20))
    func `whatever happens, every epoch has one owner, and then there is balance and rest`(seed: UInt64) {
        var world = OwnershipWorld(seed: seed)
        world.run(until: 80_000)
        #expect(world.violation == nil, "replay with seed \(seed)")
        guard world.violation == nil else { return }
        let seen: OwnershipWorld.Counts = world.counts
        #expect(seen.steps > 20 && seen.elections > 1, "seed \(seed) never reached the interesting part")
        world.heal()
        world.run(until: 150_000)
        #expect(world.violation == nil, "replay with seed \(seed)")
        #expect(world.now - world.lastStep > 20_000, "seed \(seed): steps though all is calm")
        var loads: [String: Int] = [:]
        for (name, process) in world.voters where !process.isDraining { loads[name] = 0 }
        var misplaced: [UInt64] = []
        for (scope, state) in world.scopes {
            if scope == 0 {
                if state.owner != world.leader?.name { misplaced.append(scope) }
            } else if let owner = state.owner, loads[owner] != nil {
                loads[owner, default: 0] += 1
            } else {
                misplaced.append(scope)
            }
        }
        #expect(misplaced.isEmpty, "seed \(seed)")
        #expect((loads.values.max() ?? 0) - (loads.values.min() ?? 0) <= 1, "seed \(seed): \(loads)")
    }

    @Test func `the seeds reach what they are there for`() {
        var total = OwnershipWorld.Counts()
        for seed in 100..<UInt64(108) {
            var world = OwnershipWorld(seed: seed)
            world.run(until: 80_000)
            world.heal()
            world.run(until: 110_000)
            total.drains += world.counts.drains
            total.released += world.counts.released
            total.cut += world.counts.cut
            total.rescued += world.counts.rescued
        }
        #expect(total.drains > 20 && total.released > 10 && total.cut > 0 && total.rescued > 20, "\(total)")
    }

    @Test func `a quiet cluster is founded with two environments on each of three nodes, without a planned move`() {
        var world = OwnershipWorld(seed: 1)
        world.isCalm = true
        world.run(until: 30_000)
        var loads: [String: Int] = [:]
        for (scope, state) in world.scopes where scope != 0 { loads[state.owner ?? "none", default: 0] += 1 }
        #expect(loads == ["n0": 2, "n1": 2, "n2": 2])
        #expect(world.counts.drains == 0)
        #expect(world.counts.elections == 1)
    }
}
