import JSON
import Model
import Services
import StoreFormat
import Testing

/// What was on its way up on a host that is lost, and what is done when many are.
struct LostHostTests {
    /// Hosts `h0` …; the first `deaf` ones seem to be connected, take placements, and do nothing.
    static func world(hosts count: Int, deaf: Int, scale: Int64, labels: JSONObject = [:]) -> (World, [UInt64], UInt64)
    {
        var world = World()
        let hosts: [UInt64] = (0..<count).map { world.addHost("h\($0)") }
        for host in hosts.prefix(deaf) { world.connected.remove(host) }
        let web: UInt64 = world.addService("web", in: world.addStack("app"), scale: scale, labels: labels)
        world.settle()
        return (world, hosts, web)
    }

    @Test
    func `what a lost host was never seen to run is created elsewhere, and not doubled when it is back`() throws {
        var (world, hosts, web): (World, [UInt64], UInt64) = Self.world(hosts: 2, deaf: 1, scale: 4)
        #expect(world.running(of: web).count == 2)
        world.put(.hostObserved, hosts[0], ["agentState": "reconnecting", "awaySince": .int(world.time)])
        world.settle()
        #expect(world.instances(of: web).count == 4, "not within the grace")
        #expect(world.reservation(hosts[0]).instances.count == 2)
        world.disconnect(hosts[0])
        world.settle()
        #expect(
            world.running(of: web).compactMap { world.instance($0)?.hostID } == Array(repeating: hosts[1], count: 4)
        )
        #expect(world.names(of: web) == ["app-web-1", "app-web-2", "app-web-3", "app-web-4"])
        #expect(world.service(web).state == "active")
        #expect(world.pending() == [])
        world.connect(hosts[0])
        world.settle()
        #expect(world.containersRunning(on: hosts[0]) == [])
        #expect(world.reservation(hosts[0]).instances == [])
        #expect(world.running(of: web).count == 4)
        #expect(world.pending() == [])
    }

    @Test
    func `what ran on a lost host stays its own`() throws {
        var (world, hosts, web): (World, [UInt64], UInt64) = Self.world(hosts: 2, deaf: 0, scale: 4)
        let before: [UInt64] = world.instances(of: web)
        world.disconnect(hosts[0])
        world.settle()
        #expect(world.instances(of: web) == before)
        let stranded: UInt64 = try #require(before.first { world.instance($0)?.hostID == hosts[0] })
        let text: Explanation = try #require(Explanation.explain(RecordKey(.instance, stranded), in: world.state))
        #expect(text.because.contains { $0.contains("not created elsewhere for the silence of host h0") })
        #expect(text.fix.contains { $0.contains("if host h0") && $0.contains("remove it") })
    }

    @Test
    func `when many hosts vanish at once nothing is created elsewhere, and everybody is told why`() throws {
        var (world, hosts, web): (World, [UInt64], UInt64) = Self.world(hosts: 5, deaf: 2, scale: 5)
        let before: [UInt64] = world.instances(of: web)
        world.disconnect(hosts[0])
        world.time += 30_000
        world.disconnect(hosts[1])
        world.settle()
        #expect(world.instances(of: web) == before)
        let held: [UInt64] = world.instances(of: web).filter { world.instance($0)?.hostID == hosts[1] }
        #expect(held.count == 1 && before.contains(held[0]))
        let reason: String = "2 of 5 hosts vanished within a minute"
        #expect(world.observed(web).problem?.hasPrefix(reason) == true)
        for key in [RecordKey(.service, web), RecordKey(.instance, held[0]), RecordKey(.host, hosts[1])] {
            let text: Explanation = try #require(Explanation.explain(key, in: world.state))
            #expect(text.because.contains { $0.hasPrefix(reason) }, "\(key)")
        }
        #expect(world.pending() == [])
        return try thenReleased(world, hosts, web)
    }

    private func thenReleased(_ world: World, _ hosts: [UInt64], _ web: UInt64) throws {
        // One is back: a single one that is lost is an ordinary failure.
        var back: World = world
        back.connect(hosts[0])
        back.settle()
        #expect(back.running(of: web).count == 5)
        #expect(!back.running(of: web).contains { back.instance($0)?.hostID == hosts[1] })
        #expect(back.observed(web).problem == nil)
        // Or an operator says that one is gone.
        var confirmed: World = world
        confirmed.patch(.host, hosts[0], ["state": "deactivating"])
        confirmed.settle()
        #expect(confirmed.running(of: web).count == 5)
        #expect(confirmed.observed(web).problem == nil)
        #expect(confirmed.pending() == [])
    }

    @Test
    func `a global service's instance, and one that asked for its host, wait for it`() {
        var (world, hosts, web): (World, [UInt64], UInt64) = Self.world(
            hosts: 3,
            deaf: 1,
            scale: 1,
            labels: PlacementTests.global
        )
        let before: [UInt64] = world.instances(of: web)
        #expect(before.count == 3)
        world.disconnect(hosts[0])
        world.settle()
        #expect(world.instances(of: web) == before)
        #expect(world.pending() == [])
    }

    @Test
    func `without another host there is nothing to be gained`() {
        var (world, hosts, web): (World, [UInt64], UInt64) = Self.world(hosts: 1, deaf: 1, scale: 2)
        let before: [UInt64] = world.instances(of: web)
        world.disconnect(hosts[0])
        world.settle()
        #expect(world.instances(of: web) == before)
        world.connect(hosts[0])
        world.settle()
        #expect(world.running(of: web) == before)
        #expect(world.pending() == [])
    }
}
