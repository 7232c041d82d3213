import Foundation
import Gateway
import HostFrames
import HostProtocol
import JSON
import Model
import RaftCore
import Store
import StoreFormat
import Synchronization
import Testing

@testable import ClusterNode

@Suite(.serialized, .timeLimit(.minutes(2))) struct NodeTests {
    /// A stack with one service of it; returns their ids.
    private func deploy(
        _ rig: NodeRig,
        scale: Int64,
        labels: JSONValue = [:],
        ports: JSONValue = []
    ) async throws -> (stack: String, service: String) {
        let stack = try await rig.call("POST", "stacks", ["name": "web"])
        let id: String = try #require(stack.body["id"]?.string)
        let service = try await rig.call(
            "POST",
            "services",
            [
                "name": "app", "stackId": .string(id), "scale": .int(scale), "startOnCreate": true,
                "launchConfig": ["imageUuid": "docker:hello:1", "labels": labels, "ports": ports],
            ]
        )
        #expect(service.status == 201, "\(service.body)")
        return (id, try #require(service.body["id"]?.string))
    }

    @Test func `a service runs on the hosts of its environment, scales and goes`() async throws {
        let rig = try await NodeRig()
        let hosts: [PuppetHost] = [try await rig.host("alpha"), try await rig.host("beta")]
        let (stack, service) = try await deploy(rig, scale: 4)
        let active: JSONValue = try await rig.wait(for: "four instances", "services/\(service)") {
            $0["state"]?.string == "active" && $0["healthState"]?.string == "healthy"
                && $0["instanceIds"]?.array?.count == 4
        }
        #expect(active["transitioning"]?.string == "no")
        for host in hosts { #expect(await host.kept.count == 2, "spread over the hosts") }

        _ = try await rig.call("PUT", "services/\(service)", ["scale": 1])
        _ = try await rig.wait(for: "one instance", "services/\(service)") {
            $0["state"]?.string == "active" && $0["instanceIds"]?.array?.count == 1
        }
        let left = try await rig.call("GET", "containers")
        #expect(
            left.body["data"]?.array?.compactMap { $0["name"]?.string } == ["web-app-1"],
            "the last made goes first"
        )

        #expect(try await rig.call("DELETE", "stacks/\(stack)").status == 200)
        _ = try await rig.wait(for: "nothing left", "containers") { $0["data"]?.array?.isEmpty ?? false }
        _ = try await rig.wait(for: "the stack's end", "stacks/\(stack)") { $0["state"]?.string == "removed" }
        for host in hosts {
            #expect(await host.kept.isEmpty)
            #expect(await host.tombstones.count == 2)
        }
        await rig.stop()
    }

    @Test func `a global service has one instance on every host, also on one that comes later`() async throws {
        let rig = try await NodeRig()
        let first: PuppetHost = try await rig.host("alpha")
        let (_, service) = try await deploy(
            rig,
            scale: 7,
            labels: ["io.rancher.scheduler.global": "true"],
            ports: ["8080:80"]
        )
        _ = try await rig.wait(for: "one instance", "services/\(service)") {
            $0["state"]?.string == "active" && $0["instanceIds"]?.array?.count == 1
        }
        let second: PuppetHost = try await rig.host("beta")
        let both: JSONValue = try await rig.wait(for: "two instances", "services/\(service)") {
            $0["healthState"]?.string == "healthy" && $0["publicEndpoints"]?.array?.count == 2
        }
        #expect(both["publicEndpoints"]?.array?.allSatisfy { $0["ipAddress"]?.string == "127.9.9.9" } ?? false)
        #expect(await first.kept.count == 1)
        #expect(await second.kept.count == 1)
        await rig.stop()
    }

    @Test func `what was acknowledged is there after a restart, under a higher epoch`() async throws {
        let rig = try await NodeRig()
        let host: PuppetHost = try await rig.host("alpha")
        let (_, service) = try await deploy(rig, scale: 2)
        _ = try await rig.wait(for: "two instances", "services/\(service)") { $0["state"]?.string == "active" }
        for number in 0..<20 {
            #expect(try await rig.call("POST", "stacks", ["name": .string("s\(number)")]).status == 201)
        }
        let before: FrameStamp = try #require(await host.stamps.last)
        await host.disconnect()
        try await rig.restart()

        let stacks = try await rig.call("GET", "stacks?limit=-1")
        #expect(stacks.body["data"]?.array?.count == 21)
        try await host.connect()
        _ = try await rig.wait(for: "the host's return", "hosts") {
            $0["data"]?.array?.first?["state"]?.string == "active"
        }
        let again: JSONValue = try await rig.wait(for: "the same service", "services/\(service)") {
            $0["state"]?.string == "active" && $0["healthState"]?.string == "healthy"
        }
        #expect(again["instanceIds"]?.array?.count == 2)
        let after: FrameStamp = try await host.stamp { $0.epoch > before.epoch }
        #expect(after.incarnation == before.incarnation)
        #expect(await host.tombstones.isEmpty)
        await rig.stop()
    }

    @Test func `a hard label that no host has is explained, and met when a host gets it`() async throws {
        let rig = try await NodeRig()
        _ = try await rig.host("alpha")
        let (_, service) = try await deploy(
            rig,
            scale: 1,
            labels: ["io.rancher.scheduler.affinity:host_label": "disk=ssd"]
        )
        let stuck: JSONValue = try await rig.wait(for: "a reason", "services/\(service)") {
            $0["transitioning"]?.string == "error"
        }
        #expect(stuck["transitioningMessage"]?.string?.contains("disk") ?? false, "\(stuck)")
        let why = try await rig.call("GET", "services/\(service)/explain")
        #expect(why.body["because"]?.array?.contains { $0.string?.contains("alpha") ?? false } ?? false, "\(why.body)")
        let host: JSONValue = try #require(try await rig.call("GET", "hosts").body["data"]?.array?.first)
        let id: String = try #require(host["id"]?.string)
        let labelled = try await rig.call("PUT", "hosts/\(id)", ["labels": ["disk": "ssd"]])
        #expect(labelled.status == 200, "\(labelled.body)")
        _ = try await rig.wait(for: "the placement", "services/\(service)") {
            $0["state"]?.string == "active" && $0["transitioning"]?.string == "no"
        }
        await rig.stop()
    }

    @Test func `a host speaks only for instances that are placed on it`() async throws {
        let rig = try await NodeRig()
        let honest: PuppetHost = try await rig.host("alpha")
        let (_, service) = try await deploy(rig, scale: 1)
        let running: JSONValue = try await rig.wait(for: "one instance", "services/\(service)") {
            $0["state"]?.string == "active"
        }
        let liar: PuppetHost = try await rig.host("beta")
        let spec: InstanceSpec = try #require(await honest.kept.values.first)
        // A lie that no controller would mend: if it were believed, it would stay.
        try await liar.report([
            Observation(
                uuid: spec.uuid,
                number: spec.number,
                generation: spec.generation,
                condition: .running,
                externalID: "forged"
            )
        ])
        // A report of its own comes after the lie on the same stream: when it has arrived, so has the lie.
        let other = try await rig.call(
            "POST",
            "containers",
            [
                "imageUuid": "docker:x",
                "requestedHostId": try #require(
                    try await rig.call("GET", "hosts?hostname=beta").body["data"]?.array?.first?["id"]
                ),
            ]
        )
        let id: String = try #require(other.body["id"]?.string, "\(other.body)")
        _ = try await rig.wait(for: "the liar's own container", "containers/\(id)") { $0["state"]?.string == "running" }
        let now = try await rig.call("GET", "services/\(service)")
        let container = try await rig.call("GET", "containers/1i\(spec.number)")
        #expect(container.body["externalId"]?.string == "puppet-\(spec.number)", "\(container.body)")
        #expect(now.body["instanceIds"] == running["instanceIds"])
        #expect(now.body["healthState"]?.string == "healthy")
        await rig.stop()
    }

    @Test func `a folder is founded once, and has one process`() async throws {
        let rig = try await NodeRig()
        await #expect(throws: NodeFault.alreadyFounded(folder: rig.folder.path)) {
            _ = try await ServerInit.found(
                rig.folder,
                ServerInit.Options(name: "again", http: ListenAddress(host: "127.0.0.1", port: 0)),
                logger: NodeRig.logger
            )
        }
        do {
            _ = try await NodeRig.start(rig.folder)
            Issue.record("a second node started in the same folder")
        } catch let fault as NodeFault {
            #expect("\(fault)".contains(rig.folder.path))
            #expect("\(fault)".contains("\(getpid())"), "the message names the process: \(fault)")
        }
        await rig.stop()
    }

    @Test func `founding that was interrupted is done again in the same folder`() async throws {
        let rig = try await NodeRig()
        await rig.node.stop()
        // As if the process had ended before it wrote the last file.
        try rig.folder.beginFounding()
        unlink("\(rig.folder.path)/node.json")
        let options = ServerInit.Options(name: "node1", http: ListenAddress(host: "127.0.0.1", port: 0))
        let kept = Mutex<APIKey?>(nil)
        let key: APIKey = try await ServerInit.found(rig.folder, options, logger: NodeRig.logger) { key in
            kept.withLock { $0 = key }
        }
        #expect(kept.withLock { $0 }?.publicValue == key.publicValue)
        let node: Node = try await NodeRig.start(rig.folder)
        await node.stop()
        // Where a node ran, nothing is taken away.
        unlink("\(rig.folder.path)/node.json")
        await #expect(throws: NodeFault.self) {
            try await ServerInit.found(rig.folder, options, logger: NodeRig.logger)
        }
        #expect(access("\(rig.folder.log)/member", F_OK) == 0)
        await rig.abandon()
    }

    @Test func `a setting that is given twice at founding has its last value`() async throws {
        let rig = try await NodeRig(settings: [("api.security.enabled", "true"), ("api.security.enabled", "false")])
        let anyone = try await rig.call("GET", "stacks", user: "nobody", password: "nothing")
        #expect(anyone.status == 200, "access control is off: \(anyone.body)")
        await rig.stop()
    }

    @Test func `a port that is taken is named`() async throws {
        let rig = try await NodeRig()
        let other = DataFolder(rig.folder.path + "-other")
        _ = try await ServerInit.found(
            other,
            ServerInit.Options(name: "other", http: try #require(ListenAddress(await rig.node.endpoint))),
            logger: NodeRig.logger
        )
        do {
            _ = try await NodeRig.start(other)
            Issue.record("two nodes listen on one port")
        } catch let fault as NodeFault {
            let endpoint: String = await rig.node.endpoint
            #expect("\(fault)".contains(endpoint), "\(fault)")
        }
        try? FileManager.default.removeItem(atPath: other.path)
        await rig.stop()
    }

    @Test func `a word of a host's absence that is written after its return is taken back`() async throws {
        let rig = try await NodeRig()
        _ = try await rig.host("alpha")
        let id: String = try #require(try await rig.call("GET", "hosts").body["data"]?.array?.first?["id"]?.string)
        _ = try await rig.wait(for: "the host", "hosts/\(id)") { $0["agentState"]?.string == "active" }
        let state: ReplicatedState = await rig.node.node.state
        let host: Record = try #require(state.store.view.records(in: .host).first)
        let owner: ScopeOwner = try #require(state.store.view.epoch(host.scope))
        let late: Transaction = try #require(
            HostReports.agentState(
                "reconnecting",
                host: host.key.number,
                scope: host.scope,
                epoch: owner.epoch,
                time: 1,
                in: state.store.view
            )
        )
        guard case .committed = try await state.propose(late) else {
            Issue.record("the late word was refused")
            return await rig.stop()
        }
        _ = try await rig.wait(for: "the host to be shown as it is", "hosts/\(id)") {
            $0["state"]?.string == "active" && $0["agentState"]?.string == "active"
        }
        await rig.stop()
    }

    @Test func `a host that was removed is not let in again, and its containers are written off`() async throws {
        let rig = try await NodeRig()
        let host: PuppetHost = try await rig.host("alpha")
        let (_, service) = try await deploy(rig, scale: 1)
        _ = try await rig.wait(for: "one instance", "services/\(service)") { $0["state"]?.string == "active" }
        let id: String = try #require(try await rig.call("GET", "hosts").body["data"]?.array?.first?["id"]?.string)
        #expect(try await rig.call("DELETE", "hosts/\(id)").status == 405, "an active host is deactivated first")
        #expect(try await rig.call("POST", "hosts/\(id)?action=deactivate").status == 202)
        _ = try await rig.wait(for: "inactive", "hosts/\(id)") { $0["state"]?.string == "inactive" }
        #expect(try await rig.call("DELETE", "hosts/\(id)").status == 200)
        _ = try await rig.wait(for: "its removal", "hosts/\(id)") { $0["state"]?.string == "removed" }
        #expect(await host.kept.isEmpty)
        let key: String = await host.accessKey
        let credential = try await rig.call("GET", "/v2-beta/credentials?publicValue=\(key)")
        #expect(credential.body["data"]?.array?.isEmpty ?? false, "its key is gone")
        await rig.stop()
    }
}

@Suite struct NodeConfigurationTests {
    @Test func `a configuration reads back as it was written`() throws {
        let configuration = NodeConfiguration(
            name: "node1",
            member: .init(1),
            group: .init(cluster: 0xABC, incarnation: 7),
            http: ListenAddress(host: "::1", port: 8080)
        )
        #expect(try NodeConfiguration(configuration.json) == configuration)
    }

    @Test func `a configuration with a member that nobody knows is refused`() throws {
        var object: JSONObject = try #require(
            NodeConfiguration(
                name: "n",
                member: .init(1),
                group: .init(cluster: 1, incarnation: 1),
                http: ListenAddress(host: "127.0.0.1", port: 1)
            ).json.object
        )
        object["colour"] = "green"
        #expect(throws: NodeFault.badConfiguration("node.json has a member 'colour' that this version does not know")) {
            _ = try NodeConfiguration(.object(object))
        }
    }

    @Test(arguments: [
        ("8080", "127.0.0.1:8080"), ("0.0.0.0:1", "0.0.0.0:1"), ("[::1]:80", "[::1]:80"), ("x", nil),
        ("1.2.3.4:70000", nil),
        (":80", nil),
    ])
    func `a listen address is numeric, with a port`(text: String, shown: String?) {
        #expect(ListenAddress(text)?.description == shown)
    }
}
