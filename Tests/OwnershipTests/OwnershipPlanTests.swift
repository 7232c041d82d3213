import TestSupport
import Testing

@testable import Ownership

struct OwnershipPlanTests {
    @Test func `six environments on three nodes come to two each`() {
        var view: OwnershipView = Views.view(Views.three, Array(repeating: nil, count: 6))
        #expect(Views.settle(&view) == 0, "nothing that has no owner needs a drain")
        #expect(Views.loads(view) == ["a": 2, "b": 2, "c": 2])
        #expect(view.scopes[0].owner == "a")
    }

    @Test func `whatever the numbers, nobody has two more than another and the leader has the least`() {
        var wrong: [String] = []
        for count in 0...14 {
            for nodes in 1...5 {
                let members: [OwnershipView.Node] = (0..<nodes).map { Views.node("n\($0)", leader: $0 == nodes / 2) }
                var view: OwnershipView = Views.view(members, Array(repeating: nil, count: count))
                _ = Views.settle(&view)
                let loads: [String: Int] = Views.loads(view)
                let most: Int = loads.values.max() ?? 0
                let least: Int = loads.values.min() ?? 0
                if most - least > 1 || loads["n\(nodes / 2)"] != least {
                    wrong.append("\(count) on \(nodes): \(loads)")
                }
            }
        }
        #expect(wrong.isEmpty)
    }

    @Test func `weights are shares`() {
        let nodes: [OwnershipView.Node] = [
            Views.node("a", leader: true), Views.node("b", weight: 2), Views.node("c", weight: 3),
        ]
        var view: OwnershipView = Views.view(nodes, Array(repeating: nil, count: 60))
        _ = Views.settle(&view)
        #expect(Views.loads(view) == ["a": 10, "b": 20, "c": 30])
    }

    @Test func `a node that joins gets its share, by no more moves than that`() {
        var view: OwnershipView = Views.view(
            [Views.node("a", leader: true), Views.node("b")],
            ["a", "b", "a", "b", "a", "b"]
        )
        #expect(OwnershipPlan.decide(view).isEmpty)
        view.nodes.append(Views.node("c"))
        #expect(Views.settle(&view) == 2)
        #expect(Views.loads(view) == ["a": 2, "b": 2, "c": 2])
    }

    @Test func `a node that dies loses its own scopes, and no other moves`() {
        var view: OwnershipView = Views.view(Views.three, ["a", "b", "c", "a", "b", "c", "c"])
        view.nodes[2].silentMilliseconds = 2_000
        let before: [OwnershipView.Scope] = view.scopes
        let steps: [OwnershipStep] = OwnershipPlan.decide(view)
        #expect(steps.count == 3)
        for case .assign(let scope, _, 7, .ownerLost) in steps {
            #expect(before.first { $0.id == scope }?.owner == "c")
        }
        #expect(Views.settle(&view) == 0)
        #expect(Views.loads(view) == ["a": 3, "b": 4, "c": 0])
    }

    @Test func `the order in which things are listed does not matter`() {
        var view: OwnershipView = Views.view(Views.three, Array(repeating: nil, count: 20))
        let steps: [OwnershipStep] = OwnershipPlan.decide(view)
        view.nodes.reverse()
        view.scopes.reverse()
        #expect(OwnershipPlan.decide(view) == steps)
    }

    @Test func `the leader takes the cluster's scope at once, and nothing else moves for it`() {
        var view: OwnershipView = Views.view(Views.three, ["a", "b", "c", "a", "b", "c", "a"], since: 10)
        view.nodes[0].isLeader = false
        view.nodes[1].isLeader = true
        #expect(
            OwnershipPlan.decide(view) == [.assign(scope: 0, to: "b", expecting: 1, reason: .leads)]
        )
        view.sinceLeaderMilliseconds = 60_000
        #expect(Views.settle(&view) == 0)
        #expect(Views.loads(view) == ["a": 3, "b": 2, "c": 2])
    }

    @Test func `a new leader listens before it calls anybody silent`() {
        let nodes: [OwnershipView.Node] = [
            Views.node("a", leader: true), Views.node("b", silent: nil, steady: 0), Views.node("c"),
        ]
        for since in stride(from: Int64(0), to: 2_000, by: 100) {
            #expect(OwnershipPlan.decide(Views.view(nodes, ["b", "b", "c"], since: since)).isEmpty)
        }
        let steps: [OwnershipStep] = OwnershipPlan.decide(Views.view(nodes, ["b", "b", "c"], since: 2_000))
        #expect(steps.count == 2)
        #expect(steps.allSatisfy { if case .assign(_, "b", _, _) = $0 { false } else { true } })
    }

    @Test func `what nobody owns is assigned at once, to a node that is heard`() {
        var nodes: [OwnershipView.Node] = Views.three
        nodes[1].silentMilliseconds = nil
        nodes[2].silentMilliseconds = 1_500
        #expect(
            OwnershipPlan.decide(Views.view(nodes, [nil], since: 10))
                == [.assign(scope: 5, to: "a", expecting: 0, reason: .neverOwned)]
        )
        nodes[2].silentMilliseconds = 20
        let steps: [OwnershipStep] = OwnershipPlan.decide(Views.view(nodes, ["gone"], since: 2_000))
        #expect(steps == [.assign(scope: 5, to: "c", expecting: 7, reason: .ownerLeft)], "the leader is loaded already")
    }

    @Test func `a draining node gives up everything by planned moves, one at a time`() {
        var view: OwnershipView = Views.view(Views.three, ["a", "b", "c", "a", "b", "c"])
        view.nodes[1].isDraining = true
        #expect(Views.settle(&view) == 2)
        #expect(Views.loads(view) == ["a": 3, "b": 0, "c": 3])
        view.nodes[0].isDraining = true
        #expect(Views.settle(&view) == 3)
        #expect(Views.loads(view) == ["a": 0, "b": 0, "c": 6])
        #expect(view.scopes[0].owner == "a", "the cluster's scope goes with the leadership")
        var last: OwnershipView = Views.view([Views.node("a", leader: true, draining: true)], ["a", nil])
        #expect(Views.settle(&last) == 0, "nobody is left to take anything")
        #expect(Views.loads(last) == ["a": 2])
    }

    @Test func `a node that is no voter any longer gives up its scopes by planned moves, too`() {
        var view: OwnershipView = Views.view(Views.three, ["a", "b", "c", "a", "b", "c"])
        view.nodes[2].isVoter = false
        #expect(Views.settle(&view) == 2)
        #expect(Views.loads(view) == ["a": 3, "b": 3, "c": 0])
    }

    static let uneasy: [(String, @Sendable (inout OwnershipView) -> Void)] = [
        ("a voter is doubtful", { $0.nodes[1].silentMilliseconds = 1_000 }),
        ("a voter has only just come back", { $0.nodes[1].steadyMilliseconds = 4_999 }),
        ("a voter was lost a moment ago", { $0.nodes[1].silentMilliseconds = 4_999 }),
        ("the leader is new", { $0.sinceLeaderMilliseconds = 1_999 }),
        ("a move is under way", { $0.move = .init(scope: 6, from: "a", to: "b", epoch: 7) }),
        ("a scope has no owner", { $0.scopes.append(.init(id: 99)) }),
        ("the cluster's scope is elsewhere", { $0.scopes[0].owner = "b" }),
    ]

    @Test(arguments: uneasy.indices)
    func `nothing is moved that need not be while anything is uneasy`(row: Int) {
        var view: OwnershipView = Views.view(Views.three, ["a", "a", "a", "c"])
        let calm: [OwnershipStep] = OwnershipPlan.decide(view)
        #expect(calm.count == 1)
        Self.uneasy[row].1(&view)
        for case .drain in OwnershipPlan.decide(view) { Issue.record("\(Self.uneasy[row].0)") }
    }

    @Test func `a voter that has been away for long does not keep the others from balance`() {
        var view: OwnershipView = Views.view(Views.three, ["a", "a", "a", "a"])
        view.nodes[2].silentMilliseconds = 5_000
        #expect(Views.settle(&view) == 2)
        #expect(Views.loads(view) == ["a": 2, "b": 2, "c": 0])
    }

    @Test func `a move goes from drain to release to assignment, and is forgotten`() {
        let move = OwnershipView.Move(scope: 5, from: "a", to: "b", epoch: 7)
        var view: OwnershipView = Views.view(Views.three, ["a", "a", "c"], move: move)
        view.move?.milliseconds = 4_999
        #expect(OwnershipPlan.decide(view).isEmpty)
        view.move?.isReleased = true
        #expect(OwnershipPlan.decide(view) == [.assign(scope: 5, to: "b", expecting: 7, reason: .released)])
        view.move?.isReleased = false
        view.move?.milliseconds = 5_000
        #expect(OwnershipPlan.decide(view) == [.assign(scope: 5, to: "b", expecting: 7, reason: .drainCut)])
        view.scopes[1] = .init(id: 5, owner: "b", epoch: 8)
        #expect(OwnershipPlan.decide(view) == [.forget(scope: 5)])
        view.scopes.remove(at: 1)
        #expect(OwnershipPlan.decide(view) == [.forget(scope: 5)], "the environment was removed")
    }

    @Test func `a move whose target cannot take it goes back under a new epoch`() {
        let move = OwnershipView.Move(scope: 5, from: "c", to: "b", epoch: 7, isReleased: true)
        let back: [OwnershipStep] = [.assign(scope: 5, to: "c", expecting: 7, reason: .targetLost)]
        var view: OwnershipView = Views.view(Views.three, ["c", "a"], move: move)
        view.nodes[1].silentMilliseconds = 1_000
        #expect(OwnershipPlan.decide(view) == back)
        view.nodes[1] = Views.node("b", draining: true)
        #expect(OwnershipPlan.decide(view) == back)
        view.nodes.remove(at: 1)
        #expect(OwnershipPlan.decide(view) == back)
        view.nodes[1].isDraining = true
        #expect(OwnershipPlan.decide(view) == [.assign(scope: 5, to: "a", expecting: 7, reason: .targetLost)])
    }

    @Test func `an owner that dies while it drains loses the scope to the move's target`() {
        let move = OwnershipView.Move(scope: 5, from: "c", to: "b", epoch: 7)
        var view: OwnershipView = Views.view(Views.three, ["c", "a"], move: move)
        view.nodes[2].silentMilliseconds = 2_000
        #expect(OwnershipPlan.decide(view) == [.assign(scope: 5, to: "b", expecting: 7, reason: .ownerLost)])
    }

    @Test func `a process that starts takes its own scopes under new epochs`() {
        let view: OwnershipView = Views.view(Views.three, ["a", "b", "c", "b", nil])
        #expect(
            OwnershipPlan.reclaim("b", view.scopes) == [
                .assign(scope: 6, to: "b", expecting: 7, reason: .restarted),
                .assign(scope: 8, to: "b", expecting: 7, reason: .restarted),
            ]
        )
        #expect(OwnershipPlan.reclaim("a", view.scopes).count == 2, "the cluster's, too")
        #expect(OwnershipPlan.reclaim("z", view.scopes).isEmpty)
    }

    static func anyView(_ random: inout Seeded) -> OwnershipView {
        let names: [String] = ["a", "b", "c", "d", "e", "x"]
        func roll(_ count: Int) -> Int { Int.random(in: 0..<count, using: &random) }
        let isQuiet: Bool = roll(2) == 0
        var view = OwnershipView(
            nodes: (0..<roll(7)).map { _ in
                let silences: [Int64?] =
                    isQuiet ? [0, 0, 0, 0, 0, 0, 0, 9_000] : [nil, 0, 0, 0, 999, 1_500, 2_000, .max]
                return Views.node(
                    names[roll(6)],
                    leader: roll(3) == 0,
                    voter: roll(5) > 0,
                    silent: silences[roll(8)],
                    steady: isQuiet ? 10_000 : Int64(roll(3)) * 10_000,
                    draining: roll(5) == 0,
                    weight: roll(40) == 0 ? roll(100) - 1 : roll(4)
                )
            },
            scopes: (0..<roll(21)).map { _ in
                .init(id: UInt64(roll(13)), owner: roll(9) == 0 ? nil : names[roll(6)], epoch: UInt64(roll(6)))
            },
            sinceLeaderMilliseconds: [0, 1_999, 2_000, 50_000][roll(4)]
        )
        if isQuiet {
            for place in view.scopes.indices {
                let names: [String] = view.nodes.map(\.name)
                view.scopes[place].owner =
                    view.scopes[place].id == 0
                    ? view.nodes.first { $0.isLeader && $0.isVoter }?.name : names.randomElement(using: &random)
            }
        }
        if roll(3) == 0 {
            view.move = .init(
                scope: UInt64(roll(13)),
                from: names[roll(6)],
                to: names[roll(6)],
                epoch: UInt64(roll(6)),
                isReleased: roll(2) == 0,
                milliseconds: Int64(roll(9_000))
            )
        }
        return view
    }

    @Test func `any view has an answer, and the same one each time`() {
        var random = Seeded(3)
        var wrong: [String] = []
        var drains: Int = 0
        for _ in 0..<3_000 {
            let view: OwnershipView = Self.anyView(&random)
            let steps: [OwnershipStep] = OwnershipPlan.decide(view)
            if steps != OwnershipPlan.decide(view) { wrong.append("not the same twice: \(view)") }
            var assigned: Set<UInt64> = []
            for step in steps {
                switch step {
                case .assign(let scope, let to, _, _):
                    if !assigned.insert(scope).inserted { wrong.append("twice: \(view)") }
                    if !view.nodes.contains(where: { $0.name == to && $0.isVoter }) {
                        wrong.append("to nobody: \(view)")
                    }
                case .drain:
                    drains += 1
                    if steps.count > 1 || view.move != nil { wrong.append("a second move: \(view)") }
                case .forget: break
                }
            }
        }
        #expect(wrong.isEmpty)
        #expect(drains > 20)
    }
}
