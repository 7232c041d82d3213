import JSON
import Limits
import Model
import Services
import StoreFormat
import Testing

struct RemovalTests {
    @Test
    func `removing a stack removes its services and containers, then itself`() {
        var world = World()
        let host: UInt64 = world.addHost("alpha")
        let stack: UInt64 = world.addStack("app")
        let services: [UInt64] = [
            world.addService("web", in: stack, scale: 3), world.addService("db", in: stack, image: "sim:fail"),
        ]
        let loose: UInt64 = world.addContainer("loose")
        world.patch(.instance, loose, ["stackId": JSONValue(stack)])
        let foreign: UInt64 = world.addContainer("foreign")
        world.settle()
        world.patch(.stack, stack, ["state": "removing"])
        world.settle()
        #expect(world.state.read(.stack, stack, as: StackRecord.self)?.record.state == "removed")
        #expect(services.allSatisfy { world.service($0).state == "removed" })
        #expect(world.instance(loose)?.removed != nil)
        #expect(world.containersRunning(on: host) == [foreign])
        #expect(world.reservation(host).instances == [foreign])
        #expect(world.pending() == [])
    }

    @Test
    func `a stack waits for a container on a host that does not answer, and says so`() throws {
        var world = World()
        _ = world.addHost("alpha")
        let beta: UInt64 = world.addHost("beta")
        let stack: UInt64 = world.addStack("app")
        _ = world.addService("web", in: stack, scale: 2)
        world.settle()
        world.disconnect(beta)
        world.patch(.stack, stack, ["state": "removing"])
        world.settle()
        #expect(world.state.read(.stack, stack, as: StackRecord.self)?.record.state == "removing")
        let explanation: Explanation = try #require(Explanation.explain(RecordKey(.stack, stack), in: world.state))
        #expect(explanation.waitsFor.contains { $0.contains("host beta") && $0.contains("connect again") })
        world.connect(beta)
        world.settle()
        #expect(world.state.read(.stack, stack, as: StackRecord.self)?.record.state == "removed")
    }

    @Test
    func `removing an environment removes everything in it, hosts that do not answer too`() {
        var world = World()
        let alpha: UInt64 = world.addHost("alpha")
        let beta: UInt64 = world.addHost("beta")
        _ = world.addService("web", in: world.addStack("app"), scale: 4)
        _ = world.addContainer("loose")
        world.create(.projectMember, ["projectId": 5, "memberId": 1, "state": "active"])
        world.settle()
        world.disconnect(beta)
        world.patch(.account, World.account, ["state": "removing"])
        world.settle()
        let account: AccountRecord? = world.state.read(.account, World.account)?.record
        #expect(account?.state == "removed")
        #expect(world.containersRunning(on: alpha) == [])
        for table: Table in [.stack, .service, .instance, .host, .credential, .projectMember] {
            for number in world.state.keys(of: table) {
                let fields: JSONObject? = world.state.document(RecordKey(table, number))?.fields
                #expect(fields?["removed"]?.int != nil, "\(table) \(number) stayed")
            }
        }
    }

    @Test
    func `removed records are deleted after ten minutes, with all that is beside them`() {
        var world = World()
        let alpha: UInt64 = world.addHost("alpha")
        let stack: UInt64 = world.addStack("app")
        _ = world.addService("web", in: stack, scale: 2)
        world.settle()
        world.patch(.stack, stack, ["state": "removing"])
        world.patch(.host, alpha, ["state": "deactivating"])
        world.settle()
        world.patch(.host, alpha, ["state": "removing"])
        world.settle()
        world.advance(seconds: 599)
        #expect(world.state.keys(of: .stack) == [stack])
        world.advance(seconds: 2)
        for table: Table in [
            .stack, .stackObserved, .service, .serviceObserved, .instance, .instanceObserved, .host, .hostObserved,
            .hostReservation, .credential,
        ] {
            #expect(world.state.keys(of: table) == [], "\(table)")
        }
        #expect(world.state.keys(of: .account) == [World.account])
    }

    @Test
    func `a host that is evacuated rests, and its services go on elsewhere`() {
        var world = World()
        let alpha: UInt64 = world.addHost("alpha")
        let stack: UInt64 = world.addStack("app")
        let service: UInt64 = world.addService("web", in: stack, scale: 3)
        let loose: UInt64 = world.addContainer("loose")
        let system: UInt64 = world.addContainer("agent")
        world.patch(.instance, system, ["system": true])
        world.settle()
        let beta: UInt64 = world.addHost("beta")
        world.patch(.host, alpha, ["state": "deactivating", "evacuating": true])
        world.settle()
        let record: HostRecord? = world.state.read(.host, alpha)?.record
        #expect(record?.state == "inactive" && record?.isEvacuating == false)
        #expect(world.containersRunning(on: alpha) == [system])
        #expect(world.instance(loose)?.removed != nil)
        #expect(world.containersRunning(on: beta).count == 3)
        #expect(world.service(service).state == "active")
        #expect(world.reservation(alpha).instances == [system])
        #expect(world.pending() == [])
    }

    @Test
    func `a host with more containers than one change holds is evacuated, and what comes meanwhile goes, too`() {
        var world = World()
        let alpha: UInt64 = world.addHost("alpha")
        let count: Int = Limits.orderBatch + 5
        for index in 0..<count { _ = world.addContainer("c\(index)") }
        world.settle()
        #expect(world.containersRunning(on: alpha).count == count)
        world.patch(.host, alpha, ["state": "deactivating", "evacuating": true])
        world.settle()
        #expect(world.containersRunning(on: alpha).isEmpty)
        let record: HostRecord? = world.state.read(.host, alpha)?.record
        #expect(record?.state == "inactive")
        #expect(world.pending() == [])
    }
}

/// What is deleted some time after its removal.
struct PurgedTablesTests {
    @Test
    func `documents name a moment of forgetting for exactly what is forgotten`() {
        var state = MemoryState()
        let context = ControlContext(
            scope: 0,
            epoch: 1,
            time: 2 * Limits.removedPurgeSeconds * 1_000,
            uuids: UUIDSource(seed: (high: 1, low: 2)),
            requestID: "t"
        )
        state.epochs[0] = 1
        var number: UInt64 = 100
        for table in (1...70).map({ Table(rawValue: $0) }) {
            number += 1
            let write: Write = RecordWriting.put(table, .known(number), ["kind": "x", "removed": 1], scope: .known(0))
            guard
                case .committed = state.apply(
                    Transaction(time: 1, actor: "t", requestID: "t", writes: [write]),
                    isController: false
                )
            else {
                Issue.record("\(table) was refused")
                continue
            }
            let plan: Plan = PurgeController.plan(number, in: state, context)
            #expect(plan.transactions.isEmpty != Table.purged.contains(table), "\(table)")
        }
    }
}
