@testable import Gateway
import HTTP
import JSON
import Model
import Store
import StoreFormat
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(2))) struct PatienceTests {
    static let patient: GatewayTiming = GatewayTiming()

    @Test func `a change waits until there is a leader again`() async {
        let world = World(timing: Self.patient)
        world.node.inject(.refuse(.noLeader), .refuse(.noLeader), .refuse(.noLeader))
        #expect(await world.post("\(World.home)/stacks", ["name": "a"], as: .ann).status == 201)
        #expect(Set(world.node.changes.compactMap(\.ticket?.sequence)).count == 1)
    }

    @Test func `a change whose answer is lost again and again is made once`() async {
        let world = World(timing: Self.patient)
        world.node.inject(
            .refuse(.unknown("a")),
            .refuse(.noLeader),
            .applyThen(.unknown("b")),
            .refuse(.busy),
            .refuse(.unknown("c"))
        )
        #expect(await world.post("\(World.home)/stacks", ["name": "a"], as: .ann).status == 201)
        #expect(world.node.changes.count == 6)
        #expect(Set(world.node.changes.compactMap(\.ticket?.sequence)).count == 1)
        #expect(await world.get("\(World.home)/stacks", as: .ann).names == ["a"])
    }

    @Test func `what stays unknown is said to be unknown`() async {
        let world = World()
        for _ in 0..<100 { world.node.inject(.refuse(.unknown("lost")), .refuse(.noLeader)) }
        let answer: Answer = await world.post("\(World.home)/stacks", ["name": "a"], as: .ann)
        #expect(answer.status == 503 && answer["message"]?.string?.contains("not known") == true, "\(answer)")
    }

    @Test func `a read waits for a leader, a stale one does not`() async {
        let world = World(timing: Self.patient)
        world.node.failReads(.noLeader)
        #expect(await world.get("/v2-beta/projects?consistency=stale", as: .ann).status == 200)
        #expect(world.node.readCount == 0)
        async let answer: Answer = world.get("/v2-beta/projects", as: .ann)
        #expect(await eventually { world.node.readCount > 2 })
        world.node.failReads(nil)
        #expect(await answer.status == 200)
    }

    @Test func `a request waits for the revision that it asks for`() async {
        let world = World(timing: Self.patient)
        let next: UInt64 = world.node.store.view.revision + 1
        async let answer: Answer = world.get(
            "/v2-beta/projects?consistency=stale",
            as: .ann,
            headers: ["X-API-Min-Revision": "\(next)"]
        )
        world.node.write([.touchPolicy(subject: Template(bytes: [1]))])
        #expect(await answer.status == 200)
    }

    @Test func `requests that come together open one session`() async {
        let world = World(timing: Self.patient)
        await withTaskGroup(of: Int.self) { group in
            for index in 0..<20 {
                group.addTask {
                    await world.post("\(World.home)/stacks", ["name": .string("s\(index)")], as: .ann).status
                }
            }
            for await status in group { #expect(status == 201) }
        }
        #expect(world.node.sessionOpenings == 1)
        #expect(Set(world.node.changes.compactMap(\.ticket?.sequence)).count == 20)
    }
}
