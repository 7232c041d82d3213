import RaftCore
import Testing

@testable import ClusterNode

@Suite struct MembershipPlanTests {
    /// Node 7 leads; a node's name is `n` and its number.
    private static func view(
        voters: [UInt64],
        outgoing: [UInt64] = [],
        learners: [UInt64] = [],
        removed: [UInt64] = [],
        nodes: [(UInt64, MembershipView.Node.State)],
        lag: [UInt64: UInt64] = [:],
        silent: Set<UInt64> = [],
        steady: Int = 2
    ) -> MembershipView {
        func ids(_ numbers: [UInt64]) -> [MemberID] { numbers.map { MemberID($0) } }
        var peers: [MemberID: MembershipView.Peer] = [:]
        for number in Set(voters + outgoing + learners) where number != 7 {
            peers[MemberID(number)] = MembershipView.Peer(
                match: 0,
                lag: lag[number] ?? 0,
                silentMilliseconds: silent.contains(number) ? nil : 20
            )
        }
        return MembershipView(
            leader: MemberID(7),
            configuration: Configuration(
                voters: ids(voters),
                outgoing: ids(outgoing),
                learners: ids(learners),
                removed: ids(removed)
            ),
            nodes: nodes.map { MembershipView.Node(number: $0.0, name: "n\($0.0)", state: $0.1) },
            peers: peers,
            steadyLooks: Dictionary(uniqueKeysWithValues: learners.map { (MemberID($0), steady) }),
            silenceMilliseconds: 3_000,
            promotionLag: 500,
            promotionLooks: 2
        )
    }

    private static func change(_ voters: [UInt64], _ learners: [UInt64] = []) -> MembershipStep {
        .change(voters: voters.map { MemberID($0) }, learners: learners.map { MemberID($0) })
    }

    struct Row: Sendable, CustomStringConvertible {
        var description: String
        var view: MembershipView
        var step: MembershipStep?
        /// A word of the reason that somebody waits.
        var reason: String?
    }

    static let rows: [Row] = [
        Row(description: "one alone", view: view(voters: [7], nodes: [(7, .active)]), step: nil),
        Row(
            description: "a node that was let in becomes a learner",
            view: view(voters: [7], nodes: [(7, .active), (42, .joining)]),
            step: change([7], [42])
        ),
        Row(
            description: "two become learners together",
            view: view(voters: [7], nodes: [(7, .active), (42, .joining), (43, .joining)]),
            step: change([7], [42, 43])
        ),
        Row(
            description: "a learner that keeps up becomes a voter",
            view: view(voters: [7], learners: [42], nodes: [(7, .active), (42, .joining)]),
            step: change([7, 42])
        ),
        Row(
            description: "one voter at a time",
            view: view(voters: [7], learners: [42, 43], nodes: [(7, .active), (42, .joining), (43, .joining)]),
            step: change([7, 42], [43])
        ),
        Row(
            description: "not before it has the log",
            view: view(voters: [7], learners: [42], nodes: [(7, .active), (42, .joining)], lag: [42: 501]),
            step: nil,
            reason: "behind"
        ),
        Row(
            description: "not at once",
            view: view(voters: [7], learners: [42], nodes: [(7, .active), (42, .joining)], steady: 1),
            step: nil,
            reason: "keep up"
        ),
        Row(
            description: "not while it is silent",
            view: view(voters: [7], learners: [42], nodes: [(7, .active), (42, .joining)], silent: [42]),
            step: nil,
            reason: "heard"
        ),
        Row(
            description: "one that is stuck does not keep the next one back",
            view: view(
                voters: [7],
                learners: [42, 43],
                nodes: [(7, .active), (42, .joining), (43, .joining)],
                silent: [42]
            ),
            step: change([7, 43], [42]),
            reason: "heard"
        ),
        Row(
            description: "a voter is active",
            view: view(voters: [7, 42], nodes: [(7, .active), (42, .joining)]),
            step: .markActive(number: 42)
        ),
        Row(
            description: "nothing during a joint phase",
            view: view(voters: [7, 42], outgoing: [7], nodes: [(7, .active), (42, .joining), (43, .joining)]),
            step: nil,
            reason: "another change"
        ),
        Row(
            description: "an id that was removed is never let in again",
            view: view(voters: [7], removed: [42], nodes: [(7, .active), (42, .joining)]),
            step: nil,
            reason: "never"
        ),
        Row(
            description: "a member without a record is left alone",
            view: view(voters: [7, 9], learners: [10], nodes: [(7, .active)]),
            step: nil
        ),
        Row(
            description: "a voter goes",
            view: view(voters: [7, 8, 9], nodes: [(7, .active), (8, .active), (9, .removing)]),
            step: change([7, 8])
        ),
        Row(
            description: "a dead voter goes when the rest is a majority of itself",
            view: view(voters: [7, 8, 9], nodes: [(7, .active), (8, .active), (9, .removing)], silent: [9]),
            step: change([7, 8])
        ),
        Row(
            description: "not when the rest could not agree",
            view: view(voters: [7, 8, 9], nodes: [(7, .active), (8, .active), (9, .removing)], silent: [8]),
            step: nil,
            reason: "bring back n8"
        ),
        Row(
            description: "never the last one",
            view: view(voters: [7], nodes: [(7, .removing)]),
            step: nil,
            reason: "only voter"
        ),
        Row(
            description: "a learner goes at once",
            view: view(voters: [7], learners: [42], nodes: [(7, .active), (42, .removing)], silent: [42]),
            step: change([7])
        ),
        Row(
            description: "the leader hands over first, to the one with the least to catch up",
            view: view(voters: [7, 8, 9], nodes: [(7, .removing), (8, .active), (9, .active)], lag: [8: 9, 9: 3]),
            step: .transfer(to: MemberID(9))
        ),
        Row(
            description: "but not to one that goes, too",
            view: view(voters: [7, 8, 9], nodes: [(7, .removing), (8, .active), (9, .removing)], lag: [8: 9]),
            step: .transfer(to: MemberID(8))
        ),
        Row(
            description: "what is out of the group is removed",
            view: view(voters: [7, 8], removed: [9], nodes: [(7, .active), (8, .active), (9, .removing)]),
            step: .markRemoved(number: 9)
        ),
        Row(
            description: "one that never became a member is removed, too",
            view: view(voters: [7], nodes: [(7, .active), (42, .removing)]),
            step: .markRemoved(number: 42)
        ),
        Row(
            description: "who goes, goes before others come",
            view: view(voters: [7, 8, 9], nodes: [(7, .active), (8, .active), (9, .removing), (42, .joining)]),
            step: change([7, 8])
        ),
    ]

    @Test(arguments: rows)
    func `decides as the table says`(_ row: Row) {
        let plan: MembershipPlan = .decide(row.view)
        #expect(plan.step == row.step)
        if let reason: String = row.reason {
            #expect(plan.reasons.values.contains { $0.contains(reason) }, "\(plan.reasons)")
        } else {
            #expect(plan.reasons.isEmpty, "\(plan.reasons)")
        }
    }

    /// Carries steps out as Raft would, with members that come and go, and looks whether everybody gets what is wanted.
    @Test(arguments: UInt64(0)..<40)
    func `whatever is wished for comes about, one step at a time`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var configuration = Configuration(voters: [MemberID(7)])
        var nodes: [UInt64: MembershipView.Node.State] = [7: .active]
        var leader = MemberID(7)
        var gone: Set<UInt64> = []
        for number in UInt64(8)..<UInt64(8 + random.next() % 5) { nodes[number] = .joining }
        var wishes: Int = 2
        for round in 0..<200 {
            if round % 20 == 19, wishes > 0, nodes.count > 2 {
                wishes -= 1
                let chosen: UInt64 = nodes.keys.sorted()[Int(random.next() % UInt64(nodes.count))]
                nodes[chosen] = .removing
            }
            var peers: [MemberID: MembershipView.Peer] = [:]
            for member in configuration.members where member != leader {
                peers[member] = MembershipView.Peer(match: 1, lag: 0, silentMilliseconds: 1)
            }
            let view = MembershipView(
                leader: leader,
                configuration: configuration,
                nodes: nodes.sorted { $0.key < $1.key }.map {
                    MembershipView.Node(number: $0.key, name: "n\($0.key)", state: $0.value)
                },
                peers: peers,
                steadyLooks: Dictionary(uniqueKeysWithValues: configuration.learners.map { ($0, 5) }),
                silenceMilliseconds: 10,
                promotionLag: 10,
                promotionLooks: 2
            )
            switch MembershipPlan.decide(view).step {
            case nil: continue
            case .change(let voters, let learners):
                let changed: Int = Set(voters).symmetricDifference(configuration.voters).count
                #expect(changed <= 1 && !voters.isEmpty, "seed \(seed): \(configuration) to \(voters)")
                let left: [MemberID] = configuration.members.filter { !(voters + learners).contains($0) }
                #expect(!left.contains(leader), "seed \(seed): the leader removes itself")
                configuration = Configuration(
                    voters: voters,
                    learners: learners,
                    removed: configuration.removed + left
                )
            case .transfer(let next):
                #expect(configuration.voters.contains(next))
                leader = next
            case .markActive(let number): nodes[number] = .active
            case .markDead(let number, _): Issue.record("seed \(seed): \(number) is removed though nobody asked")
            case .markRemoved(let number):
                nodes[number] = nil
                gone.insert(number)
            }
        }
        #expect(configuration.voters.map(\.number) == nodes.keys.sorted(), "seed \(seed)")
        #expect(nodes.values.allSatisfy { $0 == .active }, "seed \(seed): \(nodes)")
        #expect(configuration.learners.isEmpty && gone.isDisjoint(with: nodes.keys))
    }

    /// Four voters that know each other for long, of which node 40 has been silent.
    private static func dead(
        voters: [UInt64] = [7, 20, 30, 40],
        silent: [UInt64: Int] = [40: 100_000],
        age: Int? = 90_000,
        versions: [UInt64: String] = [:],
        states: [UInt64: MembershipView.Node.State] = [:],
        outgoing: [UInt64] = []
    ) -> MembershipView {
        var view = view(voters: voters, outgoing: outgoing, nodes: [])
        view.nodes = voters.map {
            MembershipView.Node(number: $0, name: "n\($0)", state: states[$0] ?? .active, version: versions[$0] ?? "1")
        }
        for (number, milliseconds) in silent { view.peers[MemberID(number)]?.silentMilliseconds = milliseconds }
        view.deadMilliseconds = age
        return view
    }

    @Test func `a dead node is removed once it has been silent for as long as the setting says`() {
        #expect(MembershipPlan.decide(Self.dead()).step == .markDead(number: 40, silentSeconds: 100))
        // Off; not long enough, or heard again meanwhile; the leader itself is never dead to itself.
        for view in [
            Self.dead(age: nil), Self.dead(silent: [40: 89_000]), Self.dead(silent: [40: 20]),
            Self.dead(silent: [7: 100_000]),
        ] {
            #expect(MembershipPlan.decide(view).step == nil)
        }
    }

    @Test func `a dead node stays when removing it would take more than it gives`() {
        // With three voters two would be left, and with another one silent nobody knows what goes on.
        #expect(MembershipPlan.decide(Self.dead(voters: [7, 20, 40])).step == nil)
        #expect(MembershipPlan.decide(Self.dead(silent: [40: 100_000, 30: 5_000])).step == nil)
        // Somebody upgrades; somebody joins or is being removed already; members change.
        #expect(MembershipPlan.decide(Self.dead(versions: [20: "2"])).step == nil)
        #expect(
            MembershipPlan.decide(Self.dead(states: [20: .removing])).step != .markDead(number: 40, silentSeconds: 100)
        )
        #expect(MembershipPlan.decide(Self.dead(outgoing: [7, 20, 30, 40, 50])).step == nil)
        // Of two dead ones of five one goes, and the other when four are left.
        let two: [UInt64: Int] = [40: 100_000, 50: 200_000]
        #expect(
            MembershipPlan.decide(Self.dead(voters: [7, 20, 30, 40, 50], silent: two)).step
                == .markDead(number: 40, silentSeconds: 100)
        )
    }

    @Test func `a learner that is far behind is not promoted, and how far it is is said`() {
        func objection(_ view: MembershipView) -> String? { MembershipPlan.objection(toPromoting: 42, view) }
        let nodes: [(UInt64, MembershipView.Node.State)] = [(7, .active), (42, .joining)]
        #expect(objection(Self.view(voters: [7], learners: [42], nodes: nodes, lag: [42: 500])) == nil)
        let far: String? = objection(Self.view(voters: [7], learners: [42], nodes: nodes, lag: [42: 501]))
        #expect(far?.contains("501 entries behind") == true, "\(far ?? "")")
        let silent: String? = objection(Self.view(voters: [7], learners: [42], nodes: nodes, silent: [42]))
        #expect(silent?.contains("nothing is heard") == true)
        #expect(objection(Self.view(voters: [7, 42], nodes: nodes))?.contains("voter already") == true)
        #expect(objection(Self.view(voters: [7], nodes: nodes))?.contains("no member") == true)
    }
}
