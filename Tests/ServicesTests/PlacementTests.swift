import JSON
import Model
import Services
import StoreFormat
import Testing

struct PlacementTests {
    static let affinity: String = "io.rancher.scheduler.affinity:"
    static let global: JSONObject = ["io.rancher.scheduler.global": "true"]

    @Test
    func `a taken port leaves the rest placed, names the port and its holder, and is taken when it comes free`() throws
    {
        var world = World()
        let alpha: UInt64 = world.addHost("alpha")
        let stack: UInt64 = world.addStack("app")
        let web: UInt64 = world.addService("web", in: stack, ports: ["8080:80"])
        world.settle()
        let other: UInt64 = world.addService("other", in: stack, scale: 2, ports: ["8080:80"])
        world.settle()
        #expect(world.service(other).state == "activating")
        #expect(world.observed(other).problem == "Allocation failed: host needs ports 8080/tcp available")
        let holder: String = ResourceID(number: world.instances(of: web)[0]).rendered("i")
        #expect(
            world.observed(other).placement == [
                ["host": JSONValue(alpha), "reason": .string("port 8080/tcp is taken by instance \(holder)")]
            ]
        )
        let explanation: Explanation = try #require(Explanation.explain(RecordKey(.service, other), in: world.state))
        #expect(explanation.because.contains("host alpha: port 8080/tcp is taken by instance \(holder)"))
        #expect(explanation.fix.contains { $0.contains("drover explain \(holder)") })
        #expect(world.pending() == [])

        let beta: UInt64 = world.addHost("beta")
        world.settle()
        #expect(world.running(of: other).compactMap { world.instance($0)?.hostID } == [beta])
        world.patch(.service, web, ["state": "removing"])
        world.settle()
        #expect(world.running(of: other).count == 2)
        #expect(world.service(other).state == "active")
        #expect(world.observed(other).problem == nil)
        #expect(world.observed(other).placement == nil)
        #expect(world.pending() == [])
    }

    @Test
    func `a hard label that no host has is met when a host gets it`() throws {
        var world = World()
        let alpha: UInt64 = world.addHost("alpha")
        let web: UInt64 = world.addService(
            "web",
            in: world.addStack("app"),
            scale: 2,
            labels: [PlacementTests.affinity + "host_label": "disk=ssd"]
        )
        world.settle()
        #expect(world.instances(of: web) == [])
        #expect(world.observed(web).problem == "Allocation failed: needs host with label disk: ssd")
        let explanation: Explanation = try #require(Explanation.explain(RecordKey(.service, web), in: world.state))
        #expect(explanation.because.contains("host alpha: needs host with label disk=ssd"))
        #expect(explanation.fix.contains { $0.contains("label disk=ssd") })
        world.patch(.host, alpha, ["labels": ["disk": "ssd"]])
        world.settle()
        #expect(world.running(of: web).count == 2)
        #expect(world.observed(web).problem == nil)
    }

    @Test
    func `without a host a service waits, and runs when one comes`() {
        var world = World()
        let stack: UInt64 = world.addStack("app")
        let web: UInt64 = world.addService("web", in: stack, scale: 2)
        let agent: UInt64 = world.addService("agent", in: stack, labels: PlacementTests.global)
        world.settle()
        let text: String = "Allocation failed: No healthy hosts with sufficient resources available"
        #expect(world.observed(web).problem == text)
        #expect(world.observed(agent).problem == text)
        #expect(world.service(web).state == "activating")
        _ = world.addHost("alpha")
        world.settle()
        #expect(world.service(web).state == "active")
        #expect(world.service(agent).state == "active")
        #expect(world.observed(web).healthState == "healthy")
        #expect(world.pending() == [])
    }

    @Test
    func `a global service runs once on each host that qualifies`() {
        var world = World()
        var hosts: [UInt64] = [world.addHost("a"), world.addHost("b"), world.addHost("c")]
        let agent: UInt64 = world.addService("agent", in: world.addStack("app"), labels: PlacementTests.global)
        world.settle()
        func places() -> [UInt64] { world.running(of: agent).compactMap { world.instance($0)?.hostID }.sorted() }
        #expect(places() == hosts)
        let first: InstanceRecord? = world.instance(world.instances(of: agent)[0])
        #expect(first?.labels["io.rancher.service.requested.host.id"] == first?.hostID.map { String($0) })
        hosts.append(world.addHost("d"))
        world.settle()
        #expect(places() == hosts)

        // Deactivated: it stays and is not counted. Removed: it goes.
        world.patch(.host, hosts[1], ["state": "deactivating"])
        world.settle()
        #expect(world.service(agent).state == "active")
        #expect(places() == hosts)
        #expect(world.observed(agent).healthState == "healthy")
        world.patch(.host, hosts[1], ["state": "removing"])
        world.settle()
        #expect(places() == [hosts[0], hosts[2], hosts[3]])
        #expect(world.state.read(.host, hosts[1], as: HostRecord.self)?.record.state == "removed")
        #expect(world.pending() == [])
    }

    @Test
    func `a global service skips a host whose port is taken and says which`() {
        var world = World()
        _ = world.addHost("a")
        let beta: UInt64 = world.addHost("b")
        world.settle()
        _ = world.addContainer("blocker", ports: ["80:80"], requestedHost: beta)
        world.settle()
        let edge: UInt64 = world.addService(
            "edge",
            in: world.addStack("app"),
            labels: PlacementTests.global,
            ports: ["80:80"]
        )
        world.settle()
        #expect(world.running(of: edge).count == 1)
        #expect(world.observed(edge).problem == "Allocation failed: host needs ports 80/tcp available")
        #expect(world.observed(edge).placement?.array?.compactMap { $0["host"] } == [JSONValue(beta)])
    }

    @Test
    func `a host that is lost keeps its instances, and gets nothing new until it is back`() {
        var world = World()
        let alpha: UInt64 = world.addHost("alpha")
        let beta: UInt64 = world.addHost("beta")
        let web: UInt64 = world.addService("web", in: world.addStack("app"), scale: 2)
        world.settle()
        let before: [UInt64] = world.instances(of: web)
        world.disconnect(beta)
        world.settle()
        #expect(world.instances(of: web) == before)
        world.patch(.service, web, ["scale": 4, "state": "updating-active"])
        world.settle()
        #expect(world.reservation(alpha).instances.count == 3)
        #expect(world.reservation(beta).instances.count == 1)
        world.connect(beta)
        world.settle()
        #expect(world.instances(of: web).count == 4)
        #expect(Set(before).isSubset(of: world.instances(of: web)))
        #expect(before.allSatisfy { world.instance($0)?.generation == 1 })
        #expect(world.pending() == [])
    }

    @Test
    func `removing a host that answers cleans it up; its service moves`() {
        var world = World()
        let alpha: UInt64 = world.addHost("alpha")
        let beta: UInt64 = world.addHost("beta")
        let web: UInt64 = world.addService("web", in: world.addStack("app"), scale: 4)
        world.settle()
        world.patch(.host, beta, ["state": "removing"])
        world.settle()
        #expect(world.containersRunning(on: beta) == [])
        #expect(world.running(of: web).compactMap { world.instance($0)?.hostID } == [alpha, alpha, alpha, alpha])
        #expect(world.names(of: web) == ["app-web-1", "app-web-2", "app-web-3", "app-web-4"])
        let host: HostRecord? = world.state.read(.host, beta)?.record
        #expect(host?.removed != nil)
        let keys: [Stored<CredentialRecord>] = world.state.all(.credential, "hostId", beta)
        #expect(keys.map(\.record.state) == ["removed"])
    }

    @Test
    func `removing a host that does not answer does not wait for it`() {
        var world = World()
        let alpha: UInt64 = world.addHost("alpha")
        let beta: UInt64 = world.addHost("beta")
        let web: UInt64 = world.addService("web", in: world.addStack("app"), scale: 2)
        world.settle()
        world.disconnect(beta)
        world.patch(.host, beta, ["state": "removing"])
        world.settle()
        #expect(world.state.read(.host, beta, as: HostRecord.self)?.record.state == "removed")
        #expect(world.running(of: web).compactMap { world.instance($0)?.hostID } == [alpha, alpha])
        #expect(world.pending() == [])
    }
}
