import JSON
import Model
import Services
import StoreFormat
import TestSupport
import Testing

/// Whatever happens, in whatever order: what is wanted comes about, nothing twice, and then nobody writes.
struct ConvergenceTests {
    @Test
    func `a refused plan is made again on what is true now`() {
        var world = World(seed: 9)
        let hosts: [UInt64] = [world.addHost("alpha"), world.addHost("beta")]
        let web: UInt64 = world.addService("web", in: world.addStack("app"), scale: 6)
        var disturbances: Int = 0
        // Between every plan and its proposal somebody edits the service or a host: the plan is stale.
        world.disturb = { world in
            guard disturbances < 60 else { return }
            disturbances += 1
            world.patch(.service, web, ["description": .string("edit \(disturbances)")])
            world.patch(.host, hosts[disturbances % 2], ["description": .string("edit \(disturbances)")])
        }
        world.settle()
        #expect(world.refusals > 10)
        #expect(world.running(of: web).count == 6)
        #expect(Set(world.names(of: web)).count == 6)
        #expect(hosts.map { world.reservation($0).instances.count } == [3, 3])
        #expect(world.pending() == [])
    }

    @Test
    func `under an epoch that has passed nothing is written`() {
        var world = World()
        _ = world.addHost("alpha")
        let web: UInt64 = world.addService("web", in: world.addStack("app"))
        let plan: Plan = Controllers.run(
            WorkItem(.service, web),
            world.state,
            ControlContext(
                scope: World.account,
                epoch: 2,
                time: 0,
                uuids: UUIDSource(seed: (high: 1, low: 2)),
                requestID: "t"
            )
        )
        let outcome: TransactionOutcome = world.state.apply(plan.transactions[0])
        #expect(outcome == .refused(.epochChanged(scope: World.account, expected: 2, actual: 3)))
    }

    @Test
    func `a plan depends on nothing but what it is given`() {
        var world = World()
        for name in ["a", "b", "c", "d"] { _ = world.addHost(name, labels: ["x": "1", "y": "2", "z": "3"]) }
        let web: UInt64 = world.addService(
            "web",
            in: world.addStack("app"),
            scale: 9,
            labels: ["p": "1", "q": "2", "r": "3"],
            ports: ["80:80", "81:81"]
        )
        world.patch(.service, web, ["state": "activating"])
        let context: ControlContext = world.context()
        let first: Plan = Controllers.run(WorkItem(.service, web), world.state, context)
        #expect(!first.transactions.isEmpty)
        for _ in 0..<5 { #expect(Controllers.run(WorkItem(.service, web), world.state, context) == first) }
    }

    @Test
    func `large launch configurations are placed in batches that fit a transaction`() {
        var world = World()
        _ = world.addHost("alpha")
        let web: UInt64 = world.addService("web", in: world.addStack("app"), scale: 30)
        let long = String(repeating: "x", count: 60_000)
        world.patch(.service, web, ["launchConfig": ["imageUuid": "sim:ok", "environment": ["LONG": .string(long)]]])
        var largest: Int = 0
        world.inspect = { transaction in
            let sizes: [Int] = transaction.writes.map {
                if case .put(let put) = $0 { put.document.bytes.count } else { 0 }
            }
            largest = max(largest, sizes.reduce(0, +))
        }
        world.settle()
        #expect(world.running(of: web).count == 30)
        #expect(largest > 400_000 && largest < 1_000_000)
    }

    @Test(arguments: 0..<16)
    func `random operations end in exactly the wanted instances, none twice, and no write at rest`(seed: UInt64) {
        var world = World(seed: seed)
        var random = Seeded(seed &* 7_919 &+ 17)
        var hosts: [UInt64] = [world.addHost("h0"), world.addHost("h1")]
        let stack: UInt64 = world.addStack("app")
        let services: [UInt64] = [
            world.addService("web", in: stack, scale: 2),
            world.addService("edge", in: stack, scale: 1, ports: ["80:80"]),
            world.addService("agent", in: stack, labels: PlacementTests.global),
        ]
        world.disturb = { world in
            guard world.random.next() % 4 == 0 else { return }
            let service: UInt64 = services[Int(world.random.next() % 3)]
            world.patch(.service, service, ["description": .string("edit \(world.random.next() % 100)")])
        }
        for step in 0..<60 {
            ConvergenceTests.operate(&world, &random, &hosts, services, step)
            // Often only a few items run before the next thing happens.
            if random.next() % 3 == 0 { world.settle() } else { world.run(atMost: Int(random.next() % 6)) }
        }
        world.disturb = nil
        // Afterwards everything is well again: each host answers, and each service is to run.
        world.settle()
        for host in hosts where world.state.read(.host, host, as: HostRecord.self)?.record.removed == nil {
            world.connect(host)
            if world.hostState(host) == "inactive" { world.patch(.host, host, ["state": "activating"]) }
        }
        world.settle()
        for service in services where world.service(service).state == "inactive" {
            world.patch(.service, service, ["state": "activating"])
        }
        world.settle()
        world.advance(seconds: 400)

        let live: [UInt64] = hosts.filter { world.hostState($0) == "active" }
        let wanted: [Int] = [
            world.service(services[0]).scale, min(world.service(services[1]).scale, live.count), live.count,
        ]
        let commits: Int = world.commits
        for (service, count) in zip(services, wanted) {
            let names: [String] = world.names(of: service)
            #expect(world.running(of: service).count == count, "seed \(seed): \(names)")
            #expect(names.count == count && Set(names).count == count, "seed \(seed): \(names)")
        }
        let recorded: [UInt64] = services.flatMap { world.running(of: $0) }.sorted()
        #expect(live.flatMap { world.containersRunning(on: $0) }.sorted() == recorded, "seed \(seed)")
        #expect(live.flatMap { world.reservation($0).instances }.sorted() == recorded, "seed \(seed)")
        #expect(world.pending() == [], "seed \(seed)")
        world.advance(seconds: 60)
        #expect(world.commits == commits, "seed \(seed) still writes")
    }

    private static func operate(
        _ world: inout World,
        _ random: inout Seeded,
        _ hosts: inout [UInt64],
        _ services: [UInt64],
        _ step: Int
    ) {
        let service: UInt64 = services[Int(random.next() % UInt64(services.count))]
        let host: UInt64 = hosts[Int(random.next() % UInt64(hosts.count))]
        let instances: [UInt64] = world.instances(of: service)
        let instance: UInt64? = instances.isEmpty ? nil : instances[Int(random.next() % UInt64(instances.count))]
        let state: String = world.service(service).state
        switch random.next() % 12 {
        case 0, 1:
            guard ["active", "updating-active"].contains(state) else { return }
            world.patch(.service, service, ["scale": .int(Int64(random.next() % 6)), "state": "updating-active"])
        case 2:
            if ["active", "activating", "updating-active"].contains(state) {
                world.patch(.service, service, ["state": "deactivating"])
            }
        case 3: if state == "inactive" { world.patch(.service, service, ["state": "activating"]) }
        case 4, 5: if let instance { world.kill(instance) }
        case 6: if let instance { world.patch(.instance, instance, ["goal": "removed"]) }
        case 7: if let instance { world.patch(.instance, instance, ["goal": "stopped"]) }
        case 8: if world.hostState(host) != "removed" { world.disconnect(host) }
        case 9: if world.hostState(host) != "removed" { world.connect(host) }
        case 10: if hosts.count < 5 { hosts.append(world.addHost("h\(hosts.count)-\(step)")) }
        default:
            switch world.hostState(host) {
            case "active": world.patch(.host, host, ["state": "deactivating"])
            case "inactive":
                let isLast: Bool = hosts.filter { world.hostState($0) != "removed" }.count < 2
                world.patch(.host, host, ["state": isLast || random.next() % 2 == 0 ? "activating" : "removing"])
            default: break
            }
        }
    }
}
