import EventLoop
@testable import Gateway
@testable import HTTP
import JSON
import Limits
import Model
import Store
import StoreFormat
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(2))) struct ForwardingTests {
    static let stacks: String = "\(World.home)/stacks"

    // MARK: An owner that answers

    @Test func `a change that comes in elsewhere is made by the owner, once, for the client that asked`() async throws {
        try await Cluster.run(of: 3, timing: { $0.silenceMilliseconds = 60_000 }) { (cluster: Cluster) async throws in
            let answer: Answer = try await cluster.ask(
                1,
                "POST",
                Self.stacks,
                ["name": "web"],
                headers: ["X-Forwarded-For": "203.0.113.9"]
            )
            #expect(answer.status == 201, "\(answer)")
            #expect(cluster[0].gate.came == 1 && cluster[2].gate.came == 0)
            #expect(cluster.world.node.changes.count == 1)
            let change: Transaction = try #require(cluster.world.node.lastChange)
            #expect(change.requestID == answer.headers["x-api-request-id"])
            #expect(change.audit?.clientIP == "203.0.113.9 via 127.0.0.1")
            #expect(change.actor == "1a20")
            #expect(answer.headers["x-api-client-ip"] == "203.0.113.9")
            #expect(answer.headers["x-api-revision"] == "\(cluster.world.node.store.view.revision)")
            #expect(answer.headers.all("x-api-revision").count == 1)
            let link: String? = answer["links"]?["self"]?.string
            #expect(link == "http://drover.test:8080\(Self.stacks)/\(answer["id"]?.string ?? "")".lowercased())
            // Under the session of the gateway that was asked: nobody else has opened one.
            #expect(cluster.world.node.sessionOpenings == 1)
        }
    }

    @Test func `actions go the same way; reads, tokens, replacements and removals do not`() async throws {
        try await Cluster.run { (cluster: Cluster) async throws in
            let made: Answer = try await cluster.ask(1, "POST", Self.stacks, ["name": "web"])
            let path = "\(Self.stacks)/\(made["id"]?.string ?? "")"
            #expect(try await cluster.ask(1, "PUT", path, ["description": "d"]).status == 200)
            #expect(try await cluster.ask(1, "GET", path)["description"] == "d")
            let (container, _) = try await StreamTests.ticket(cluster.world)
            let instance = "\(World.home)/containers/\(container)"
            #expect(try await cluster.ask(1, "POST", "\(instance)?action=logs").status == 200)
            #expect(cluster[0].gate.came == 1)
            #expect(try await cluster.ask(1, "POST", "\(instance)?action=restart").status == 202)
            // At the root the object says where it belongs.
            let root = "/v2-beta/containers/\(container)"
            #expect(try await cluster.ask(1, "POST", "\(root)?action=stop", as: .admin).status == 202)
            #expect(cluster[0].gate.came == 3)
            #expect(try await cluster.ask(1, "DELETE", path).status == 200)
            #expect(try await cluster.ask(0, "POST", Self.stacks, ["name": "own"]).status == 201)
            #expect(cluster[0].gate.came == 3 && cluster[1].gate.came == 0)
        }
    }

    @Test func `what the owner refuses is passed on, not tried again`() async throws {
        try await Cluster.run { (cluster: Cluster) async throws in
            let answer: Answer = try await cluster.ask(1, "POST", "\(World.home)/services", ["name": "app"])
            #expect(answer.status == 422 && answer.code == "MissingRequired", "\(answer)")
            #expect(try await cluster.ask(1, "POST", Self.stacks, ["name": "a"], as: .eve).status == 403)
            #expect(cluster[0].gate.came == 1)
            #expect(cluster.world.node.changes.isEmpty)
        }
    }

    @Test func `a conflict is planned again by the owner, under the next ticket of the row`() async throws {
        try await Cluster.run(timing: { $0.silenceMilliseconds = 60_000 }) { (cluster: Cluster) async throws in
            let container: String = try await cluster.world.container()
            let number: UInt64 = try #require(ResourceID(container)?.number)
            cluster.world.node.beforeNext { [world = cluster.world] _ in
                try? world.change(.instance, number, ["description": "theirs"])
            }
            let answer: Answer = try await cluster.ask(
                1,
                "POST",
                "\(World.home)/containers/\(container)?action=stop"
            )
            #expect(answer.status == 202 && answer["description"] == "theirs", "\(answer)")
            #expect(try cluster.world.stored(.instance, container)["goal"] == "stopped")
            let tickets: [SessionTicket] = cluster.world.node.changes.suffix(2).compactMap(\.ticket)
            #expect(tickets.map(\.sequence) == [1, 2] && Set(tickets.map(\.session)).count == 1)
        }
    }

    // MARK: An owner that does not

    @Test func `a silent owner is not waited for, and what it does later changes nothing`() async throws {
        try await Cluster.run { (cluster: Cluster) async throws in
            cluster[0].gate.shut()
            let answer: Answer = try await cluster.ask(1, "POST", Self.stacks, ["name": "web"])
            #expect(answer.status == 201, "\(answer)")
            let stack: String = try #require(answer["id"]?.string)
            cluster[0].gate.open()
            #expect(await eventually { cluster[0].gate.finished == 1 })
            #expect(await cluster.stacks() == ["web"])
            #expect(Set(cluster.world.node.changes.compactMap(\.ticket?.sequence)) == [1])
            #expect(try await cluster.ask(1, "GET", "\(Self.stacks)/\(stack)").status == 200)
        }
    }

    @Test func `a change that the owner made and could not tell of is answered as made`() async throws {
        try await Cluster.run { (cluster: Cluster) async throws in
            cluster[0].gate.holdAnswers(true)
            for name in ["a", "b", "c"] {
                let answer: Answer = try await cluster.ask(1, "POST", Self.stacks, ["name": .string(name)])
                #expect(answer.status == 201 && answer["name"]?.string == name, "\(answer)")
            }
            cluster[0].gate.holdAnswers(false)
            #expect(await eventually { cluster[0].gate.finished == 3 })
            #expect(await cluster.stacks() == ["a", "b", "c"])
        }
    }

    @Test func `an owner that answers others is busy, and is left to make its changes alone`() async throws {
        try await Cluster.run(timing: { $0.silenceMilliseconds = 2_000 }) { (cluster: Cluster) async throws in
            cluster[0].gate.shutForOne()
            let latest: Deadline = .after(milliseconds: Limits.forwardBusyMilliseconds)
            async let slow: Answer = cluster.ask(1, "POST", Self.stacks, ["name": "slow"])
            #expect(await eventually { cluster[0].gate.came == 1 })
            // Twice as long as a silent owner would be waited for.
            let end: Deadline = .after(milliseconds: 4_000)
            var others: Int = 0
            var answered: UInt64 = MonotonicClock.now
            var longestPause: UInt64 = 0
            // Not so many that they fill the room of the session behind the slow one: then nobody is answered any more.
            while !end.isPast, others < 60 {
                others += 1
                try await Task.sleep(for: .milliseconds(70))
                #expect(try await cluster.ask(1, "POST", Self.stacks, ["name": "s\(others)"]).status == 201)
                longestPause = max(longestPause, MonotonicClock.now - answered)
                answered = MonotonicClock.now
            }
            // On a machine without time the owner may have been silent after all, or the request very old.
            if longestPause < 1_500_000_000, !latest.isPast {
                #expect(cluster.world.node.changes.count == others)
            }
            cluster[0].gate.open()
            #expect(try await slow.status == 201)
            #expect(cluster.world.node.changes.count == others + 1)
        }
    }

    @Test func `an answer that comes while this node is at work counts, and both made one change`() async throws {
        try await Cluster.run(timing: { $0.silenceMilliseconds = 1 }) { (cluster: Cluster) async throws in
            // Without a name there is no other bound than the ticket.
            let path = "\(World.home)/containers"
            for _ in 0..<30 {
                let answer: Answer = try await cluster.ask(1, "POST", path, ["name": "c", "imageUuid": "docker:a"])
                #expect(answer.status == 201, "\(answer)")
            }
            #expect(await eventually { cluster[0].gate.finished == 30 })
            let all: Answer = await cluster.world.get("\(path)?limit=1000", as: .ann)
            #expect(all.data.count == 30)
        }
    }

    @Test func `whoever of two makes a change first, neither refuses it for the other`() async throws {
        try await Cluster.run(timing: { $0.silenceMilliseconds = 1 }) { (cluster: Cluster) async throws in
            for number in 0..<150 {
                let answer: Answer = try await cluster.ask(1, "POST", Self.stacks, ["name": .string("s\(number)")])
                #expect(answer.status == 201, "\(answer)")
            }
        }
    }

    @Test func `whoever made a key, the secret in the answer opens`() async throws {
        try await Cluster.run(timing: { $0.silenceMilliseconds = 1 }) { (cluster: Cluster) async throws in
            for _ in 0..<10 {
                let made: Answer = try await cluster.ask(1, "POST", "/v2-beta/apikeys", ["name": "k"])
                let key: String = World.basic(made["publicValue"]?.string ?? "", made["secretValue"]?.string ?? "")
                let tried: Answer = try await cluster.ask(1, "GET", Self.stacks, headers: ["Authorization": key])
                #expect(tried.status == 200, "\(made)")
            }
        }
    }

    @Test func `an owner whose process is gone costs nothing but a refused connection`() async throws {
        try await Cluster.run(timing: { $0.silenceMilliseconds = 60_000 }) { (cluster: Cluster) async throws in
            await cluster.stopListening(0)
            #expect(try await cluster.ask(1, "POST", Self.stacks, ["name": "web"]).status == 201)
            #expect(await cluster.stacks() == ["web"])
            #expect(cluster.world.node.changes.count == 1)
        }
    }

    @Test func `an owner that fails is helped out, under the same ticket`() async throws {
        try await Cluster.run(timing: { $0.silenceMilliseconds = 60_000 }) { (cluster: Cluster) async throws in
            cluster.world.node.inject(.refuse(.stopping))
            #expect(try await cluster.ask(1, "POST", Self.stacks, ["name": "web"]).status == 201)
            #expect(cluster.world.node.changes.map { $0.ticket?.sequence } == [1, 1])
            #expect(await cluster.stacks() == ["web"])
            // The owner makes it, and its answer is lost on the way.
            cluster.world.node.inject(.applyThen(.stopping))
            #expect(try await cluster.ask(1, "POST", Self.stacks, ["name": "two"]).status == 201)
            #expect(await cluster.stacks() == ["two", "web"])
        }
    }

    @Test func `nothing happens after an answer that says that nothing happened`() async throws {
        try await Cluster.run { (cluster: Cluster) async throws in
            cluster.world.host()
            let path = "\(World.home)/hosts/1h50"
            cluster[0].gate.shut()
            // It is active already: this node refuses, the owner would have something to do if it came later.
            #expect(try await cluster.ask(1, "POST", "\(path)?action=activate").status == 422)
            try cluster.world.change(.host, 50, ["state": "inactive"])
            cluster[0].gate.open()
            #expect(await eventually { cluster[0].gate.finished == 1 })
            #expect(try cluster.world.stored(.host, "1h50")["state"] == "inactive")
        }
    }

    @Test func `a conflict met by both is one change`() async throws {
        try await Cluster.run { (cluster: Cluster) async throws in
            let stack: Answer = try await cluster.ask(0, "POST", Self.stacks, ["name": "web"])
            let id: String = try #require(stack["id"]?.string)
            let number: UInt64 = try #require(ResourceID(id)?.number)
            cluster[0].gate.shut()
            cluster.world.node.beforeNext { [world = cluster.world] _ in
                try? world.change(.stack, number, ["externalId": "theirs"])
            }
            let service: JSONValue = [
                "name": "app", "stackId": .string(id), "launchConfig": ["imageUuid": "docker:nginx"],
            ]
            #expect(try await cluster.ask(1, "POST", "\(World.home)/services", service).status == 201)
            cluster[0].gate.open()
            #expect(await eventually { cluster[0].gate.finished == 1 })
            #expect(await cluster.world.get("\(World.home)/services", as: .ann).names == ["app"])
        }
    }

    @Test func `a session that was evicted is opened anew by the gateway that had it`() async throws {
        try await Cluster.run(timing: { $0.silenceMilliseconds = 60_000 }) { (cluster: Cluster) async throws in
            #expect(try await cluster.ask(1, "POST", Self.stacks, ["name": "a"]).status == 201)
            for nonce in 0..<UInt64(Limits.sessions + 1) { cluster.world.node.write([.openSession(nonce: nonce)]) }
            #expect(try await cluster.ask(1, "POST", Self.stacks, ["name": "b"]).status == 201)
            #expect(await cluster.stacks() == ["a", "b"])
        }
    }

    @Test func `without an owner a change is made where it comes in`() async throws {
        try await Cluster.run { (cluster: Cluster) async throws in
            cluster.own(nil)
            #expect(try await cluster.ask(1, "POST", Self.stacks, ["name": "web"]).status == 201)
            #expect(cluster[0].gate.came == 0)
        }
    }

    // MARK: Who may say what

    @Test func `a forwarded request is not forwarded again`() async throws {
        try await Cluster.run { (cluster: Cluster) async throws in
            cluster.own(0, seenBy: 1)
            cluster.own(1, seenBy: 0)
            #expect(try await cluster.ask(1, "POST", Self.stacks, ["name": "web"]).status == 201)
            #expect(cluster[0].gate.came == 1 && cluster[1].gate.came == 0)
            #expect(cluster.world.node.changes.count == 1)
        }
    }

    @Test func `what only nodes may say counts for nothing from a client`() async throws {
        try await Cluster.run { (cluster: Cluster) async throws in
            let forged: HTTPHeaders = [
                "X-Drover-Peer-Hops": "1", "X-Drover-Peer-Request-Id": "forged",
                "X-Drover-Peer-Client-Address": "198.51.100.1", "X-Drover-Peer-Socket-Address": "198.51.100.1",
                "X-Drover-Peer-Base-Scheme": "https", "X-Drover-Peer-Base-Authority": "evil.test",
                "X-Drover-Peer-Certificate": "host 50", "X-Drover-Peer-Tickets": "1-1-1-1",
                "X-Drover-Peer-Seed": String(repeating: "00", count: 32), "X-Drover-Peer-Revision": "99999999",
            ]
            for member in 0...1 {
                let answer: Answer = try await cluster.ask(
                    member,
                    "POST",
                    Self.stacks,
                    ["name": .string("s\(member)")],
                    headers: forged
                )
                #expect(answer.status == 201, "\(answer)")
                #expect(answer.headers["x-api-request-id"] != "forged")
                #expect(answer["links"]?["self"]?.string?.hasPrefix("http://drover.test:8080/") == true)
                let change: Transaction = try #require(cluster.world.node.lastChange)
                #expect(change.audit?.clientIP == "127.0.0.1")
                #expect(change.ticket?.session != SessionID(high: 1, low: 1))
            }
            // Marked as forwarded it would not have gone to the owner.
            #expect(cluster[0].gate.came == 1)
        }
    }

    static let malformed: [(String, String?)] = [
        ("X-Drover-Peer-Hops", nil), ("X-Drover-Peer-Hops", "2"), ("X-Drover-Peer-Seed", "00"),
        ("X-Drover-Peer-Tickets", "1-1-0-0"), ("X-Drover-Peer-Tickets", "1-1-5-6"),
        ("X-Drover-Peer-Tickets", "1-1-ffffffffffffffff-1"), ("X-Drover-Peer-Tickets", "1-1-1"),
        ("X-Drover-Peer-Revision", "-1"), ("X-Drover-Peer-Base-Scheme", "gopher"),
    ]

    @Test(arguments: malformed)
    func `a peer that does not say whose request it is gets 400`(name: String, value: String?) async throws {
        let world = World()
        var headers: HTTPHeaders = ["Authorization": World.credentials(.ann)]
        ForwardedFacts(
            id: "x",
            client: ClientAddress(claimed: "192.0.2.1", peer: "192.0.2.1"),
            base: BaseURL(scheme: "http", authority: "a"),
            certificate: nil,
            tickets: RequestTickets(session: SessionID(high: 1, low: 2), first: 3, answeredBelow: 2),
            seed: Chance().seed,
            revision: 1
        ).write(to: &headers)
        let connection = ConnectionInfo(
            peer: .tcp(host: "192.0.2.7", port: 1),
            local: .tcp(host: "127.0.0.1", port: 2),
            stream: MemoryStream(loop: world.loop)
        )
        func status() async -> Int {
            let request = HTTPRequest(method: "GET", target: Self.stacks, headers: headers)
            return await world.gateway.handleFromPeer(request, connection, peer: "b").status
        }
        #expect(await status() == 200)
        headers[name] = value
        #expect(await status() == 400)
    }
}
