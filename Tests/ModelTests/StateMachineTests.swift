import JSON
import Model
import Testing

struct StateMachineTests {
    @Test func `every process ends where another can begin or all ends`() {
        for machine in [StateMachine.standard, .instance, .service, .stack, .host, .volume] {
            for process in machine.processes where !["removed", "purged"].contains(process.done) {
                #expect(machine.processes.contains { $0.from.contains(process.done) }, "\(process)")
            }
            #expect(!machine.isTransitioning("removed"))
            #expect(machine.isTransitioning("removing"))
            #expect(machine.process(named: "remove", from: "removed") == nil)
        }
    }

    @Test func `one name and one start lead to one process`() {
        for machine in [StateMachine.standard, .instance, .service, .stack, .host, .volume] {
            for state in machine.states {
                let names: [String] = machine.processes.filter { $0.from.contains(state) }.map(\.name)
                #expect(Set(names).count == names.count, "\(state): \(names)")
            }
        }
    }

    static let shown: [(String, String, [String])] = [
        ("service", "active", ["deactivate", "remove", "update", "restart", "setservicelinks"]),
        ("service", "restarting", ["activate", "deactivate", "remove", "setservicelinks"]),
        ("service", "inactive", ["activate", "remove", "update", "setservicelinks"]),
        ("service", "removing", []),
        ("service", "removed", []),
        ("host", "active", ["deactivate", "update", "evacuate"]),
        ("host", "inactive", ["activate", "remove", "update", "evacuate"]),
        ("host", "deactivating", ["remove"]),
        ("project", "active", ["deactivate", "update", "setmembers"]),
        ("project", "inactive", ["activate", "remove", "update", "setmembers"]),
        ("password", "active", ["deactivate", "update", "changesecret"]),
        ("stack", "active", ["activateservices", "deactivateservices", "remove", "update"]),
        ("stack", "removing", []),
        ("container", "running", ["stop", "restart", "update", "logs", "execute"]),
        ("container", "stopped", ["start", "remove", "update", "logs"]),
        ("container", "error", ["remove"]),
        ("container", "nonsense", []),
        ("volume", "detached", ["remove"]),
        ("volume", "active", ["update"]),
        ("apiKey", "active", ["deactivate", "update"]),
        ("apiKey", "removed", ["purge"]),
        ("container", "removed", ["purge"]),
        ("host", "purged", []),
    ]

    @Test(arguments: shown)
    func `a resource offers the actions of its state`(_ type: String, _ state: String, _ actions: [String]) throws {
        let definition: ResourceDefinition = try #require(Schemas.definition(type))
        #expect(definition.availableActions(in: state).map(\.name) == actions)
    }

    @Test func `what runs the process update offers the action of that name`() {
        for definition in Schemas.all where !definition.actions.isEmpty {
            let hasProcess: Bool = definition.states?.hasProcess("update") ?? false
            #expect((definition.action("update") != nil) == hasProcess, "\(definition.name)")
        }
    }

    @Test func `an update keeps its side`() {
        #expect(StateMachine.service.process(named: "update", from: "inactive")?.via == "updating-inactive")
        #expect(StateMachine.service.process(named: "update", from: "active")?.done == "active")
        #expect(StateMachine.service.process(named: "update", from: "activating")?.via == "activating")
        #expect(StateMachine.service.process(named: "update", from: "removing") == nil)
    }

    @Test func `a host shows its agent only while it is active`() {
        var host = HostRecord(fields: ["state": "active"])
        let lost = HostObservation(fields: ["agentState": "disconnected"])
        #expect(HostState.shown(desired: host, observed: lost) == "disconnected")
        #expect(HostState.shown(desired: host, observed: nil) == "active")
        host.state = "inactive"
        #expect(HostState.shown(desired: host, observed: lost) == "inactive")
    }
}
