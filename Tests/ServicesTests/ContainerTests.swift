import JSON
import Model
import Services
import StoreFormat
import Testing

struct ContainerTests {
    @Test
    func `a second container on a taken port ends in error, and one made after the first has gone runs`() {
        var world = World()
        let host: UInt64 = world.addHost("alpha")
        let first: UInt64 = world.addContainer("one", ports: ["8081:80"])
        world.settle()
        #expect(world.shown(first)?.state == "running")
        let second: UInt64 = world.addContainer("two", ports: ["8081:80"])
        world.settle()
        #expect(world.shown(second)?.state == "error")
        #expect(world.shown(second)?.message == "Allocation failed: host needs ports 8081/tcp available")
        for number in [first, second] { world.patch(.instance, number, ["goal": "removed"]) }
        world.settle()
        #expect(world.instance(first)?.removed != nil)
        #expect(world.instance(second)?.removed != nil)
        #expect(world.reservation(host).instances == [])
        let third: UInt64 = world.addContainer("three", ports: ["8081:80"])
        world.settle()
        #expect(world.shown(third)?.state == "running")
        #expect(world.pending() == [])
    }

    @Test
    func `one port twice in one container is refused`() {
        var world = World()
        _ = world.addHost("alpha")
        let number: UInt64 = world.addContainer("one", ports: ["5555:80", "5555:81"])
        world.settle()
        #expect(world.shown(number)?.message?.contains("Port 5555/tcp requested more than once.") == true)
    }

    @Test
    func `an inactive host takes only who names it`() {
        var world = World()
        let host: UInt64 = world.addHost("alpha")
        world.patch(.host, host, ["state": "deactivating"])
        world.settle()
        let free: UInt64 = world.addContainer("free")
        let bound: UInt64 = world.addContainer("bound", requestedHost: host)
        world.settle()
        #expect(world.shown(free)?.state == "error")
        #expect(world.shown(free)?.message?.hasPrefix("Allocation failed:") == true)
        #expect(world.shown(bound)?.state == "running")
    }

    @Test
    func `while hosts only reconnect a container waits for them`() {
        var world = World()
        let host: UInt64 = world.addHost("alpha")
        world.put(.hostObserved, host, ["agentState": "reconnecting"])
        let number: UInt64 = world.addContainer("one")
        world.settle()
        #expect(world.shown(number)?.state == "creating")
        #expect(world.instance(number)?.hostID == nil)
        world.connect(host)
        world.settle()
        #expect(world.shown(number)?.state == "running")
    }

    @Test
    func `removal waits for the host's report about the order itself`() {
        var world = World()
        let host: UInt64 = world.addHost("alpha")
        let number: UInt64 = world.addContainer("one", ports: ["80:80"])
        world.settle()
        world.disconnect(host)
        world.patch(.instance, number, ["goal": "removed", "generation": 2])
        world.put(.instanceObserved, number, ["condition": "gone", "generation": 1])
        world.settle()
        #expect(world.instance(number)?.removed == nil)
        #expect(world.reservation(host).ports == ["0.0.0.0:80/tcp": number])
        world.connect(host)
        world.settle()
        #expect(world.instance(number)?.removed != nil)
        #expect(world.reservation(host).ports == [:])
    }

    @Test
    func `a stopped standalone container is left alone, by exit as by order`() {
        var world = World()
        _ = world.addHost("alpha")
        let number: UInt64 = world.addContainer("one")
        world.settle()
        world.kill(number)
        world.settle()
        #expect(world.shown(number)?.state == "stopped")
        #expect(world.instance(number)?.generation == 1)
        #expect(world.pending() == [])
    }
}
