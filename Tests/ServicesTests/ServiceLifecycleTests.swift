import JSON
import Model
import Services
import StoreFormat
import Testing

struct ServiceLifecycleTests {
    @Test
    func `a service of scale three is placed, runs and comes to rest`() {
        var world = World()
        let hosts: [UInt64] = [world.addHost("alpha"), world.addHost("beta")]
        let stack: UInt64 = world.addStack("app")
        let web: UInt64 = world.addService("web", in: stack, scale: 3)
        world.settle()

        #expect(world.service(web).state == "active")
        #expect(world.names(of: web) == ["app-web-1", "app-web-2", "app-web-3"])
        #expect(world.running(of: web).count == 3)
        #expect(world.observed(web).healthState == "healthy")
        #expect(world.observed(web).currentScale == 3)
        #expect(world.service(web).createIndex == 3)
        #expect(hosts.map { world.reservation($0).instances.count } == [2, 1])
        #expect(world.pending() == [])
    }

    @Test
    func `an instance carries its launch configuration, its service's creator and the platform's labels`() throws {
        var world = World()
        let host: UInt64 = world.addHost("alpha")
        let web: UInt64 = world.addService(
            "web",
            in: world.addStack("app"),
            labels: ["tier": "front", "io.rancher.Container.DNS": "true"]
        )
        world.settle()

        let record: InstanceRecord = try #require(world.instance(world.instances(of: web)[0]))
        #expect(record.imageUUID == "sim:ok")
        #expect(record.hostID == host)
        #expect(record.creatorID == 1)
        #expect(record.kind == "container")
        #expect(record.fields["restartPolicy"] == nil)
        #expect(record.labels["tier"] == "front")
        #expect(record.labels["io.rancher.container.dns"] == "true")
        #expect(record.labels["io.rancher.stack_service.name"] == "app/web")
        #expect(record.labels["io.rancher.container.name"] == "app-web-1")
        #expect(record.labels["io.rancher.environment.uuid"] == "p-5")
        #expect(record.labels["io.rancher.service.deployment.unit"] == record.text("deploymentUnitUuid"))
        #expect(record.uuid.count == 36)
    }

    @Test
    func `shrinking removes the youngest first and growing takes the lowest free index`() {
        var world = World()
        _ = world.addHost("alpha")
        let web: UInt64 = world.addService("web", in: world.addStack("app"), scale: 2)
        world.settle()
        world.patch(.service, web, ["scale": 4, "state": "updating-active"])
        world.settle()
        #expect(world.running(of: web).count == 4)
        world.patch(.service, web, ["scale": 1, "state": "updating-active"])
        world.settle()
        #expect(world.names(of: web) == ["app-web-1"])
        #expect(world.service(web).createIndex == 4)
        #expect(world.service(web).state == "active")
        world.patch(.service, web, ["scale": 2, "state": "updating-active"])
        world.settle()
        #expect(world.names(of: web) == ["app-web-1", "app-web-2"])
        #expect(world.service(web).createIndex == 5)
        #expect(world.pending() == [])
    }

    @Test
    func `more instances than one batch are placed without doubling any`() {
        var world = World()
        let hosts: [UInt64] = (1...3).map { world.addHost("h\($0)") }
        let web: UInt64 = world.addService("web", in: world.addStack("app"), scale: 120)
        world.settle()
        #expect(world.running(of: web).count == 120)
        #expect(Set(world.names(of: web)).count == 120)
        #expect(hosts.map { world.reservation($0).instances.count } == [40, 40, 40])
    }

    @Test
    func `an instance that its user removed comes back under its name and index`() throws {
        var world = World()
        _ = world.addHost("alpha")
        let web: UInt64 = world.addService("web", in: world.addStack("app"), scale: 2, ports: [])
        world.settle()
        let first: UInt64 = world.instances(of: web)[0]
        world.patch(.instance, first, ["goal": "removed"])
        world.settle()
        #expect(world.names(of: web) == ["app-web-1", "app-web-2"])
        #expect(!world.instances(of: web).contains(first))
        #expect(world.instance(first)?.removed != nil)
        #expect(world.service(web).createIndex == 3)
    }

    @Test
    func `an instance that stopped, by itself or by its user, is started again`() {
        var world = World()
        _ = world.addHost("alpha")
        let web: UInt64 = world.addService("web", in: world.addStack("app"), scale: 2)
        world.settle()
        let numbers: [UInt64] = world.instances(of: web)
        world.kill(numbers[0])
        world.patch(.instance, numbers[1], ["goal": "stopped"])
        world.settle()
        #expect(world.running(of: web) == numbers)
        #expect(world.instance(numbers[0])?.generation == 2)
        #expect(world.instance(numbers[1])?.generation == 2)
        #expect(world.service(web).state == "active")
    }

    @Test
    func `one that keeps stopping is started again ever more slowly`() {
        var world = World()
        _ = world.addHost("alpha")
        let web: UInt64 = world.addService("web", in: world.addStack("app"), image: "sim:exit")
        world.settle()
        let number: UInt64 = world.instances(of: web)[0]
        world.advance(seconds: 600)
        let starts: Int64 = world.instance(number)?.generation ?? 0
        // At 0, 1, 3, 7, 15, 31, 63, 127 and 247 s …: ten starts or so in ten minutes, not thousands.
        #expect(starts >= 9 && starts <= 14, "\(starts) starts")
        #expect(world.observed(web).problem?.contains("app-web-1 keeps stopping (exit code 1)") == true)
        #expect(world.instances(of: web) == [number])
    }

    @Test
    func `a failed instance is replaced under its index, ever more slowly, and the reason is shown`() {
        var world = World()
        _ = world.addHost("alpha")
        let web: UInt64 = world.addService("web", in: world.addStack("app"), image: "sim:fail")
        world.settle()
        world.advance(seconds: 300)
        #expect(world.service(web).state == "activating")
        #expect(world.observed(web).problem == "app-web-1: no such image")
        #expect(world.names(of: web) == ["app-web-1"])
        let made: Int = world.service(web).createIndex
        #expect(made >= 7 && made <= 13, "\(made) made")
        // The image appears: it recovers by itself.
        world.patch(.service, web, ["launchConfig": ["imageUuid": "sim:ok"]])
        world.advance(seconds: 300)
        #expect(world.service(web).state == "active")
        #expect(world.observed(web).problem == nil)
        #expect(world.pending() == [])
    }

    @Test
    func `a start-once instance that has ended is left alone`() {
        var world = World()
        _ = world.addHost("alpha")
        let job: UInt64 = world.addService(
            "job",
            in: world.addStack("app"),
            image: "sim:once",
            labels: ["io.rancher.container.start_once": "true"]
        )
        world.settle()
        world.advance(seconds: 600)
        #expect(world.service(job).state == "active")
        #expect(world.observed(job).healthState == "started-once")
        #expect(world.instance(world.instances(of: job)[0])?.generation == 1)
    }

    @Test
    func `deactivating stops the instances and activating starts the same ones`() {
        var world = World()
        _ = world.addHost("alpha")
        let web: UInt64 = world.addService("web", in: world.addStack("app"), scale: 3)
        world.settle()
        let before: [UInt64] = world.instances(of: web)
        world.patch(.service, web, ["state": "deactivating"])
        world.settle()
        #expect(world.service(web).state == "inactive")
        #expect(before.allSatisfy { world.shown($0)?.state == "stopped" })
        #expect(world.observed(web).healthState == "unhealthy")
        world.patch(.service, web, ["scale": 2, "state": "updating-inactive"])
        world.settle()
        #expect(world.service(web).state == "inactive")
        world.patch(.service, web, ["state": "activating"])
        world.settle()
        #expect(world.service(web).state == "active")
        #expect(world.running(of: web) == Array(before.prefix(2)))
        #expect(world.pending() == [])
    }

    @Test
    func `without startOnCreate nothing is made`() {
        var world = World()
        _ = world.addHost("alpha")
        let web: UInt64 = world.addService("web", in: world.addStack("app"))
        world.patch(.service, web, ["startOnCreate": false])
        world.settle()
        #expect(world.service(web).state == "inactive")
        #expect(world.instances(of: web) == [])
    }

    @Test
    func `removing a service removes its instances, gives back its ports and frees its name`() {
        var world = World()
        let host: UInt64 = world.addHost("alpha")
        let stack: UInt64 = world.addStack("app")
        let web: UInt64 = world.addService("web", in: stack, ports: ["8080:80"])
        world.settle()
        #expect(world.reservation(host).ports == ["0.0.0.0:8080/tcp": world.instances(of: web)[0]])
        world.patch(.service, web, ["state": "removing"])
        world.settle()
        #expect(world.service(web).state == "removed")
        #expect(world.service(web).removed != nil)
        #expect(world.reservation(host).ports == [:])
        #expect(world.reservation(host).instances == [])
        #expect(world.containersRunning(on: host) == [])
        let again: UInt64 = world.addService("web", in: stack, ports: ["8080:80"])
        world.settle()
        #expect(world.service(again).state == "active")
    }
}

/// `restart` of a service: batch after batch.
struct ServiceRestartTests {
    private static func restarting(_ world: inout World, _ web: UInt64, batch: Int, interval: Int64) {
        var record: ServiceRecord = world.service(web)
        record.restart = ServiceRestart(batchSize: batch, intervalMilliseconds: interval, upTo: record.createIndex)
        world.put(.service, web, record.fields)
    }

    private static func generations(_ world: World, _ web: UInt64) -> [Int64] {
        world.instances(of: web).compactMap { world.instance($0)?.generation }
    }

    @Test
    func `each instance is started again once, and the service is active after the last`() {
        var world = World()
        _ = world.addHost("alpha")
        let web: UInt64 = world.addService("web", in: world.addStack("app"), scale: 5)
        world.settle()
        let before: [UInt64] = world.instances(of: web)
        var down: [Int] = []
        world.inspect = { transaction in
            let orders: Int = transaction.writes.count {
                if case .put(let write) = $0 { write.table == .instance } else { false }
            }
            if orders > 0 { down.append(orders) }
        }
        Self.restarting(&world, web, batch: 2, interval: 0)
        #expect(world.service(web).shownState == "restarting" && world.service(web).state == "active")
        world.settle()
        #expect(down == [2, 2, 1], "never more than a batch at a time")
        #expect(world.instances(of: web) == before && world.running(of: web) == before)
        #expect(Self.generations(world, web) == [2, 2, 2, 2, 2])
        #expect(world.service(web).restart == nil && world.service(web).shownState == "active")
        #expect(world.pending() == [])
    }

    @Test
    func `the next batch waits for its moment, and for everything to run`() {
        var world = World()
        let hosts: [UInt64] = [world.addHost("alpha"), world.addHost("beta")]
        let web: UInt64 = world.addService("web", in: world.addStack("app"), scale: 2)
        world.settle()
        Self.restarting(&world, web, batch: 1, interval: 5_000)
        world.settle()
        world.advance(seconds: 4)
        #expect(Self.generations(world, web) == [2, 1])
        // Out of reach: it is not told to go down, and nothing is passed over.
        let last: UInt64 = world.instances(of: web)[1]
        let away: UInt64 = world.instance(last)?.hostID ?? 0
        #expect(hosts.contains(away))
        world.disconnect(away)
        world.advance(seconds: 20)
        #expect(world.service(web).shownState == "restarting")
        #expect(world.instance(last)?.generation == 1)
        #expect(world.observed(web).problem?.contains("app-web-2") == true)
        world.connect(away)
        world.settle()
        #expect(Self.generations(world, web) == [2, 2])
        #expect(world.service(web).shownState == "active" && world.observed(web).problem == nil)
    }

    @Test
    func `what was made since needs no restart, and an end of the service ends the restart`() {
        var world = World()
        _ = world.addHost("alpha")
        let web: UInt64 = world.addService("web", in: world.addStack("app"), scale: 2)
        world.settle()
        Self.restarting(&world, web, batch: 1, interval: 1_000)
        world.patch(.service, web, ["scale": 4, "state": "updating-active"])
        world.settle()
        world.advance(seconds: 10)
        #expect(Self.generations(world, web) == [2, 2, 1, 1])
        #expect(world.service(web).shownState == "active")
        Self.restarting(&world, web, batch: 1, interval: 1_000)
        world.patch(.service, web, ["state": "removing"])
        #expect(world.service(web).shownState == "removing")
        world.settle()
        #expect(world.service(web).removed != nil)
    }
}
