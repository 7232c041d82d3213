import Gateway
import JSON
import Limits
import Model
import Store
import StoreFormat
import Synchronization
import Testing

@Suite struct ClusterTests {
    /// What a node would supply, as a test sets it.
    final class Office: ClusterOperating {
        let objection = Mutex<String?>(nil)
        let asked = Mutex<[UInt64]>([])

        func status(in view: StoreView) async -> JSONObject {
            [
                "clusterId": "0abc", "leader": "node1",
                "members": [
                    ["id": "node1", "role": "leader"],
                    [
                        "id": "node2", "member": 402, "role": "voter", "peer": "10.0.0.2:9345",
                        "http": "10.0.0.2:8080", "lastHeardMs": 1_200,
                    ], ["id": "node3", "member": 403, "role": "voter", "lastHeardMs": 15_001],
                    ["id": "alone", "member": 404, "role": "leader", "lastHeardMs": 0],
                ],
            ]
        }

        func makeToken(role: String, in view: StoreView) throws(Problem) -> MintedToken {
            MintedToken(text: "drover-\(role)-secret", id: "id-\(role)", secretHash: "hash")
        }

        func objection(toRemoving node: UInt64, in view: StoreView) -> String? { objection.withLock { $0 } }
        func objection(toLeading node: UInt64, in view: StoreView) -> String? { objection.withLock { $0 } }
        func transfer(to node: UInt64) async throws(Problem) { asked.withLock { $0.append(node) } }
        func refresh() async {}
        func beginRotation(waitSeconds: Int64, holdSeconds: Int64) throws(Problem) -> JSONObject {
            ["rotationPhase": "trust", "rotationWait": .int(waitSeconds)]
        }
        func objection(toPromoting node: UInt64, in view: StoreView) -> String? {
            objection.withLock { $0 }
        }
        func promote(_ node: UInt64) async throws(Problem) {
            asked.withLock { $0.append(node + 1_000) }
        }
        func backup() async throws(Problem) -> PreparedBackup {
            let bytes: [UInt8] = Array("the state".utf8)
            return PreparedBackup(about: ["index": 7], length: bytes.count) { Array(bytes[$0..<min(9, $0 + $1)]) }
        }
    }

    private static func world(_ office: Office = Office()) -> World {
        let world = World(cluster: office)
        world.node.write([
            RecordWriting.put(
                .node,
                .known(400),
                ["name": "node1", "kind": "node", "state": "active", "created": 1, "removed": nil],
                scope: .known(0)
            )
        ])
        return world
    }

    @Test func `memberships have a row for each node that is there`() async throws {
        let world: World = Self.world()
        let list: Answer = await world.get("/v2-beta/clustermemberships")
        #expect(list.status == 200 && list.names == ["node2", "alone"], "\(list)")
        let row: Answer = await world.get("/v2-beta/clusterMemberships/1cm402")
        #expect(row["type"] == "clusterMembership" && row["uuid"] == "10.0.0.2:9345" && row["clustered"] == true)
        #expect(row["heartbeat"] == .int(World.started - 1_200))
        let config: JSONValue = try JSONReader.parse(Array((row["config"]?.string ?? "").utf8))
        #expect(config == ["advertiseAddress": "10.0.0.2:9345", "httpPort": 8080, "clustered": true])
        #expect(list.data.last?["clustered"] == false && list.data.last?["uuid"] == "member-404")
        #expect(await world.get("/v2-beta/clustermemberships?clustered=True&sort=id&order=desc").names == ["node2"])
        for id in ["1cm403", "1cm1", "node2"] {
            #expect(await world.get("/v2-beta/clustermemberships/\(id)").status == 404, "\(id)")
        }
        #expect(await world.delete("/v2-beta/clustermemberships/1cm402").status == 405)
        #expect(await world.get("/v2-beta/clustermemberships", as: .ann).status == 404)
        #expect(await world.get("\(World.home)/clustermemberships").status == 404)
    }

    @Test func `one resource says that this is a cluster, and of how many nodes`() async throws {
        let world: World = Self.world()
        let list: Answer = await world.get("/v2-beta/haconfigs")
        #expect(list.status == 200 && list.data.count == 1 && list["pagination"]?["total"] == 1, "\(list)")
        let config: Answer = await world.get("/v2-beta/haConfigs/haConfig")
        #expect(config["id"] == "haConfig" && config["type"] == "haConfig" && config["actions"] == [:])
        #expect(config["enabled"] == true && config["clusterSize"] == 4 && config["dbHost"] == .null)
        #expect(config["links"] == ["self": "http://drover.test:8080/v2-beta/haconfigs/haConfig"])
        #expect(list.data.first == config.json)
        #expect(await world.get("/v2-beta/haconfigs?enabled=false").data.isEmpty)
        #expect(await world.get("/v2-beta/haconfigs?id=haConfig&clusterSize_gt=3").data.count == 1)
        #expect(await world.get("/v2-beta/haconfigs/1").status == 404)
        #expect(await world.put("/v2-beta/haconfigs/haConfig", ["enabled": false]).status == 405)
        #expect(await world.get("/v2-beta/haconfigs", as: .ann).status == 404)
        #expect(await world.get("\(World.home)/haconfigs").status == 404)
        let alone: Answer = await World().get("/v2-beta/haconfigs/haconfig")
        #expect(alone["enabled"] == false && alone["clusterSize"] == 1, "\(alone)")
    }

    private static func token(_ world: World, _ id: String) -> JoinTokenRecord? {
        world.node.store.view.holder(JoinTokenRecord.uniqueKey(id)).flatMap { world.node.store.view.get($0) }.flatMap {
            try? JoinTokenRecord(document: $0.document)
        }
    }

    @Test func `an administrator sees the cluster`() async {
        let world = Self.world()
        let answer = await world.get("/v2-beta/cluster")
        #expect(answer.status == 200 && answer.json["type"] == "cluster" && answer.json["leader"] == "node1")
        let members = await world.get("/v2-beta/cluster/members")
        #expect(members.json["data"]?.array?.count == 4 && members.json["type"] == "collection")
        let other = await world.get("/v2-beta/cluster/nothing")
        #expect(other.status == 404)
    }

    @Test(arguments: World.Who.allCases.filter { $0 != .admin })
    func `for everyone else the cluster is not there`(who: World.Who) async {
        let world = Self.world()
        let wanted: Int = who == .nobody ? 401 : 404
        for path in ["cluster", "cluster/members", "cluster/tokens", "projects/1a5/cluster/x"] {
            let answer = await world.get("/v2-beta/\(path)", as: who)
            #expect([wanted, 403].contains(answer.status), "\(path): \(answer.status)")
        }
        for action in [
            "createtoken", "listtokens", "revoketoken", "transfer", "promote", "remove", "drain", "undrain", "backup",
            "rotateca",
        ] {
            let answer = await world.post(
                "/v2-beta/cluster?action=\(action)",
                ["name": "node1", "to": "node1"],
                as: who
            )
            #expect(answer.status == wanted, "\(action)")
        }
        #expect(world.node.changes.isEmpty)
    }

    @Test func `it has the words of a type that does not exist, for who may not see it`() async {
        let world = Self.world()
        let (hidden, unknown) = (
            await world.get("/v2-beta/cluster", as: .ann), await world.get("/v2-beta/clutter", as: .ann)
        )
        let text: String? = unknown.json["message"]?.string?.split(separator: "clutter").joined(separator: "cluster")
        #expect(hidden.json["message"]?.string == text && text != nil)
        let none = await World().get("/v2-beta/cluster")
        #expect(none.status == 404)
    }

    @Test func `a token is shown once, stored without its secret, audited, listed and withdrawn`() async {
        let world = Self.world()
        let made = await world.post("/v2-beta/cluster?action=createtoken", ["role": "host", "expiresSeconds": 60])
        #expect(made.status == 201 && made.json["token"] == "drover-host-secret")
        #expect(made.json["expires"] == .string(StoredDate.text(World.started + 60_000)))
        let stored: JoinTokenRecord? = Self.token(world, "id-host")
        #expect(stored?.role == "host" && stored?.secretHash == "hash" && stored?.expires == World.started + 60_000)
        let change: Transaction? = world.node.lastChange
        #expect(change?.audit?.eventType == "api.joinToken.create" && change?.actor == "1a1")
        #expect(!"\(change.map { "\($0)" } ?? "")".contains("drover-host-secret"))
        for list in [
            await world.get("/v2-beta/cluster/tokens"), await world.post("/v2-beta/cluster?action=listtokens"),
        ] {
            let tokens: [JSONValue] = list.json["data"]?.array ?? []
            #expect(tokens.count == 1 && tokens.first?["id"] == "id-host" && tokens.first?["used"] == .null)
            #expect(tokens.first?["secretHash"] == nil && tokens.first?["token"] == nil)
        }
        let gone = await world.post("/v2-beta/cluster?action=revoketoken", ["id": "id-host"])
        #expect(gone.status == 200 && Self.token(world, "id-host") == nil)
        let again = await world.post("/v2-beta/cluster?action=revoketoken", ["id": "id-host"])
        #expect(again.status == 404)
    }

    @Test func `what a token is asked for is checked`() async {
        let world = Self.world()
        let wrong: [(JSONValue, String)] = [
            (["role": "king"], "InvalidOption"), (["role": 7], "InvalidOption"),
            (["expiresSeconds": "soon"], "InvalidFormat"), (["expiresSeconds": 0], "MinLimitExceeded"),
            (["expiresSeconds": .int(Limits.joinTokenMaximumSeconds + 1)], "MaxLimitExceeded"),
        ]
        for (body, code) in wrong {
            let answer = await world.post("/v2-beta/cluster?action=createtoken", body)
            #expect(answer.status == 422 && answer.json["code"] == .string(code), "\(answer.json)")
        }
        #expect(world.node.changes.isEmpty)
        let standard = await world.post("/v2-beta/cluster?action=createtoken")
        #expect(standard.json["role"] == "node")
        #expect(Self.token(world, "id-node")?.expires == World.started + Limits.joinTokenSeconds * 1_000)
        let action = await world.post("/v2-beta/cluster?action=explode")
        #expect(action.json["code"] == "InvalidAction")
        let method = await world.put("/v2-beta/cluster", [:])
        #expect(method.status == 405)
    }

    @Test func `a learner is promoted by the leader, and what is in the way is said`() async {
        let office = Office()
        let world = Self.world(office)
        office.objection.withLock { $0 = "it is 900 entries behind" }
        let refused = await world.post("/v2-beta/cluster?action=promote", ["name": "node1"])
        #expect(
            refused.status == 409
                && refused.json["message"]?.string?.contains("900 entries behind") == true
        )
        #expect(world.node.changes.isEmpty)
        office.objection.withLock { $0 = nil }
        let done = await world.post("/v2-beta/cluster?action=promote", ["name": "node1"])
        #expect(done.status == 202 && office.asked.withLock { $0 } == [1_400])
        #expect(world.node.lastChange?.audit?.eventType == "api.node.promote")
    }

    @Test func `an exchange of the authority begins once, and is taken back while nobody has relied on it`() async {
        let world = Self.world()
        func phase() -> String? {
            world.node.store.view.records(in: .clusterKeys, limit: 1).first.flatMap {
                (try? JSONReader.parse($0.document))?["rotationPhase"]?.string
            }
        }
        func ask(_ body: JSONValue) async -> Int {
            await world.post("/v2-beta/cluster?action=rotateca", body).status
        }
        #expect(await ask(["abort": true]) == 409)
        #expect(await ask(["waitSeconds": -1]) == 422)
        #expect(await ask(["waitSeconds": 7]) == 202)
        #expect(phase() == "trust" && world.node.lastChange?.audit?.eventType == "api.cluster.rotateca")
        #expect(await ask([:]) == 409)
        #expect(await ask(["abort": true]) == 202)
        #expect(phase() == nil)
    }

    @Test func `a backup is told in the audit log before its first byte leaves`() async throws {
        let world = Self.world()
        let answer = await world.post("/v2-beta/cluster?action=backup")
        #expect(answer.status == 200)
        let change: Transaction = try #require(world.node.lastChange)
        #expect(change.audit?.eventType == "api.cluster.backup" && change.writes.isEmpty && change.actor == "1a1")
        let request = String(decoding: change.audit?.requestObject ?? [], as: UTF8.self)
        #expect(request.contains(#""index":7"#), "\(request)")
    }

    private static func node(_ world: World) -> NodeRecord? {
        world.node.store.view.get(RecordKey(.node, 400)).flatMap { try? NodeRecord(document: $0.document) }
    }

    @Test func `removing is a wish in the record; what cannot be done now is refused unless it is forced`() async {
        let office = Office()
        let world = Self.world(office)
        office.objection.withLock { $0 = "there would be no majority" }
        let refused = await world.post("/v2-beta/cluster?action=remove", ["name": "node1"])
        #expect(refused.status == 409 && refused.json["message"]?.string?.contains("no majority") == true)
        #expect(Self.node(world)?.membership == .active)
        let forced = await world.post("/v2-beta/cluster?action=remove", ["name": "node1", "force": true])
        #expect(forced.status == 202 && Self.node(world)?.membership == .removing)
        #expect(world.node.lastChange?.audit?.eventType == "api.node.remove")
        let count: Int = world.node.changes.count
        let again = await world.post("/v2-beta/cluster?action=remove", ["name": "node1"])
        #expect(again.status == 202 && world.node.changes.count == count, "nothing is written twice")
        for body: JSONValue in [[:], ["name": "node9"], ["name": ""], ["name": "node1", "force": "perhaps"]] {
            let answer = await world.post("/v2-beta/cluster?action=remove", body)
            #expect(answer.status == 422)
        }
    }

    @Test func `leadership is asked of the node, and the wish is audited`() async {
        let office = Office()
        let world = Self.world(office)
        let done = await world.post("/v2-beta/cluster?action=transfer", ["to": "node1"])
        #expect(done.status == 202 && office.asked.withLock { $0 } == [400])
        #expect(world.node.lastChange?.audit?.eventType == "api.cluster.transfer")
        #expect(world.node.lastChange?.audit?.resourceID == 400)
        office.objection.withLock { $0 = "it is no voter" }
        let refused = await world.post("/v2-beta/cluster?action=transfer", ["to": "node1"])
        #expect(refused.status == 409 && office.asked.withLock { $0.count } == 1)
    }

    @Test func `draining is noted and taken back`() async {
        let world = Self.world()
        #expect(await world.post("/v2-beta/cluster?action=drain", ["name": "node1"]).status == 200)
        #expect(Self.node(world)?.isDraining == true)
        #expect(await world.post("/v2-beta/cluster?action=undrain", ["name": "node1"]).status == 200)
        #expect(Self.node(world)?.isDraining == false)
        #expect(world.node.changes.compactMap { $0.audit?.eventType } == ["api.node.drain", "api.node.undrain"])
    }
}
