@testable import Gateway
import HTTP
import JSON
import Limits
import Logging
import Model
import Store
import StoreFormat
import Testing

@Suite struct TransactionTests {
    // MARK: Audit

    @Test func `a change carries who, by what, from where and why, in its own entry`() async throws {
        let world = World()
        let answer: Answer = await world.send(
            "POST",
            "\(World.home)/stacks",
            as: .bob,
            headers: ["X-Forwarded-For": "203.0.113.9"],
            body: Array(#"{"name":"web","unknown":"x"}"#.utf8)
        )
        let change: Transaction = try #require(world.node.lastChange)
        let audit: AuditRecord = try #require(change.audit)
        #expect(change.actor == "1a21")
        #expect(change.requestID == answer.headers["x-api-request-id"])
        #expect(change.time == World.started)
        #expect(audit.eventType == "api.stack.create")
        #expect(audit.resourceType == "stack")
        #expect(audit.createdResource == 0 && audit.resourceID == nil)
        #expect(audit.authType == "apiKey" && audit.credential == "1c121")
        #expect(audit.clientIP == "203.0.113.9 via 192.0.2.7")
        #expect(audit.decision.contains("environment 1a5") && audit.decision.contains("allow"))
        #expect(
            String(decoding: audit.requestObject, as: UTF8.self)
                == #"{"$audit":1,"project":5,"request":{"name":"web"}}"#
        )
        let stack: UInt64 = try #require(ResourceID(answer["id"]?.string ?? "")?.number)
        _ = await world.delete("\(World.home)/stacks/1st\(stack)", as: .ann)
        #expect(world.node.lastChange?.audit?.eventType == "api.stack.remove")
        #expect(world.node.lastChange?.audit?.resourceID == stack)
        #expect(world.node.lastChange?.audit?.clientIP == "192.0.2.7")
    }

    @Test func `no secret ever gets into the audit record`() async throws {
        let world = World()
        let stack: String = try await world.stack()
        _ = await world.post("/v2-beta/apikeys", ["name": "k", "secretValue": "S3CRET", "password": "S3CRET"])
        _ = await world.post(
            "\(World.home)/services",
            [
                "name": "a", "stackId": .string(stack), "S3CRET": "S3CRET",
                "metadata": ["db_password": "S3CRET", "x": ["y": "S3CRET"]],
                "launchConfig": [
                    "imageUuid": "i", "environment": ["PASS": "S3CRET"], "labels": ["api-token": "S3CRET"],
                    "mine": "S3CRET",
                    "ulimits": [["name": "a", "S3CRET": 1]],
                ],
            ],
            as: .ann
        )
        _ = await world.post("\(World.home)/stacks", ["name": "b", "environment": ["A": "S3CRET"]], as: .ann)
        _ = await world.post("/v2-beta/settings", ["name": "my.ldap.password", "value": "S3CRET"])
        #expect(world.node.changes.count == 5)
        for change in world.node.changes {
            let audit: AuditRecord = try #require(change.audit)
            #expect(!String(decoding: audit.requestObject, as: UTF8.self).contains("S3CRET"), "\(audit.eventType)")
            #expect(!"\(audit)".contains("S3CRET"))
        }
        for record in world.log.records { #expect(!"\(record)".contains("S3CRET")) }
    }

    @Test func `a request that is too long leaves its length in the audit record`() async throws {
        let world = World()
        let stack: String = try await world.stack()
        _ = await world.put(
            "\(World.home)/stacks/\(stack)",
            ["externalId": .string(String(repeating: "x", count: 40_000))],
            as: .ann
        )
        let audit: AuditRecord = try #require(world.node.lastChange?.audit)
        #expect(String(decoding: audit.requestObject, as: UTF8.self).contains(#""request":{"omittedBytes":40"#))
    }

    // MARK: Rights that change under way

    @Test func `a role that is lost between decision and commit is decided about again`() async throws {
        let world = World()
        world.node.beforeNext { [node = world.node] _ in
            node.write([
                .delete(.projectMember, .known(201)), .touchPolicy(subject: Template(bytes: Array("account/21".utf8))),
            ])
        }
        let answer: Answer = await world.post("\(World.home)/stacks", ["name": "late"], as: .bob)
        #expect(answer.status == 403, "\(answer)")
        #expect(await world.get("\(World.home)/stacks", as: .ann).data.isEmpty)
    }

    @Test func `a key that is taken away between decision and commit is 401`() async throws {
        let world = World()
        world.node.beforeNext { [world] _ in
            try? world.change(.credential, 121, ["state": "inactive"])
            world.node.write([.touchPolicy(subject: Template(bytes: Array("credential/121".utf8)))])
        }
        #expect(await world.post("\(World.home)/stacks", ["name": "late"], as: .bob).status == 401)
        #expect(await world.get("\(World.home)/stacks", as: .ann).data.isEmpty)
    }

    @Test func `deactivating a key, an account or an environment tells those who planned before`() async throws {
        let world = World()
        _ = await world.post("/v2-beta/accounts/1a22?action=deactivate")
        _ = await world.post("/v2-beta/apikeys/1c121?action=deactivate")
        _ = await world.post("/v2-beta/projects/1a30?action=deactivate")
        let view: StoreView = world.node.store.view
        for subject in ["account/22", "credential/121", "account/30"] {
            #expect(view.policyRevision(Array(subject.utf8)) > 0, "\(subject)")
        }
        _ = await world.post("\(World.home)/stacks", ["name": "a"], as: .ann)
        let conditions: [Precondition] = try #require(world.node.lastChange?.preconditions)
        for subject in ["account/20", "account/5", "credential/120"] {
            #expect(
                conditions.contains { if case .policyUnchanged(Array(subject.utf8), _) = $0 { true } else { false } },
                "\(subject)"
            )
        }
    }

    @Test func `whoever came in without a key does not finish once keys are asked for`() async throws {
        let world = World(settings: [("api.security.enabled", "false")])
        world.node.beforeNext { [world] _ in
            try? world.change(.setting, 300, ["value": "true"])
            world.node.write([.touchPolicy(subject: Template(bytes: Array("setting/api.security.enabled".utf8)))])
        }
        #expect(await world.post("/v2-beta/accounts", ["name": "x", "kind": "admin"], as: .nobody).status == 401)
        #expect(await world.put("/v2-beta/settings/api.security.enabled", ["value": "false"]).status == 200)
        guard case .touchPolicy? = world.node.lastChange?.writes.last else {
            Issue.record("switching access control is not told")
            return
        }
    }

    // MARK: Conflicts

    @Test func `a conflict is planned again on what is there now`() async throws {
        let world = World()
        let stack: String = try await world.stack()
        let number: UInt64 = try #require(ResourceID(stack)?.number)
        world.node.beforeNext { [world] _ in try? world.change(.stack, number, ["externalId": "theirs"]) }
        let answer: Answer = await world.put("\(World.home)/stacks/\(stack)", ["description": "mine"], as: .ann)
        #expect(answer.status == 200)
        #expect(answer["externalId"] == "theirs" && answer["description"] == "mine")
    }

    @Test func `a name that somebody else was faster with is not unique`() async throws {
        let world = World()
        world.node.beforeNext { [node = world.node] _ in
            node.write([
                RecordWriting.put(
                    .stack,
                    .known(900),
                    ["name": "WEB", "kind": "stack", "state": "active", "accountId": 5, "created": 1],
                    scope: .known(5)
                )
            ])
        }
        let answer: Answer = await world.post("\(World.home)/stacks", ["name": "web"], as: .ann)
        #expect(answer.code == "NotUnique")
    }

    @Test func `after five further attempts a conflict is 409`() async throws {
        let world = World()
        let stack: String = try await world.stack()
        let number: UInt64 = try #require(ResourceID(stack)?.number)
        for round in 0..<7 {
            world.node.beforeNext { [world] _ in try? world.change(.stack, number, ["externalId": "\(round)"]) }
        }
        let before: Int = world.node.changes.count
        let answer: Answer = await world.put("\(World.home)/stacks/\(stack)", ["description": "mine"], as: .ann)
        #expect(answer.status == 409)
        #expect(answer.code == "Conflict")
        #expect(world.node.changes.count - before == 1 + Limits.conflictRetries)
    }

    // MARK: Exactly once

    @Test func `an answer that was lost is fetched under the same ticket, and the change is made once`() async throws {
        let world = World()
        world.node.inject(.applyThen(.unknown("no answer")))
        let answer: Answer = await world.post("\(World.home)/containers", ["name": "once", "imageUuid": "i"], as: .ann)
        #expect(answer.status == 201)
        #expect(await world.get("\(World.home)/containers", as: .ann).data.count == 1)
        let tickets: [SessionTicket?] = world.node.changes.map(\.ticket)
        #expect(tickets.count == 2 && tickets[0] != nil && tickets[0] == tickets[1])
    }

    @Test func `a fate that stays unknown is told as such`() async throws {
        let world = World(timing: World.impatient)
        world.node.inject(.applyThen(.unknown("a")), .refuse(.noLeader))
        let answer: Answer = await world.post("\(World.home)/stacks", ["name": "a"], as: .ann)
        #expect(answer.status == 503)
        #expect(answer["message"]?.string?.contains("not known") == true)
        #expect(answer.headers["retry-after"] == "1")
        #expect(world.log.records.allSatisfy { $0.level != .error }, "nobody has to act")
    }

    @Test func `unknown fates do not use up the session`() async throws {
        let world = World(timing: World.impatient)
        for _ in 0..<(Limits.sessionOutstanding + 10) {
            world.node.inject(.refuse(.unknown("a")), .refuse(.unknown("b")))
            #expect(await world.post("\(World.home)/stacks", ["name": "a"], as: .ann).status == 503)
        }
        #expect(await world.post("\(World.home)/stacks", ["name": "a"], as: .ann).status == 201)
    }

    @Test func `every change has a ticket of its own, and old ones are confirmed`() async throws {
        let world = World()
        for name in ["a", "b", "c"] { _ = try await world.stack(name) }
        let tickets: [SessionTicket] = world.node.changes.compactMap(\.ticket)
        // Each request has a row of them, one for every attempt.
        let row: UInt64 = RequestTickets.rowLength
        #expect(tickets.map(\.sequence) == [1, 1 + row, 1 + 2 * row])
        #expect(tickets.map(\.answeredBelow) == [1, 1 + row, 1 + 2 * row])
        #expect(Set(tickets.map(\.session)).count == 1)
    }

    @Test func `a session that was evicted is opened anew`() async throws {
        let world = World()
        _ = try await world.stack("a")
        for nonce in 0..<UInt64(Limits.sessions + 1) { world.node.write([.openSession(nonce: nonce)]) }
        _ = try await world.stack("b")
        let sessions: [SessionID] = world.node.changes.compactMap(\.ticket?.session)
        #expect(sessions.count == 3 && sessions[0] == sessions[1] && sessions[1] != sessions[2])
    }

    @Test func `a change that may have run never runs under another session`() async throws {
        let world = World()
        _ = try await world.stack("a")
        world.node.inject(.refuse(.unknown("lost")), .outcome(.refused(.sessionExpired(sequence: 2))))
        #expect(await world.post("\(World.home)/stacks", ["name": "b"], as: .ann).status == 503)
        #expect(world.node.changes.count == 3)
    }

    // MARK: What the cluster refuses

    static let faults: [(ProposalFault, Int)] = [
        (.noLeader, 503), (.busy, 503), (.stopping, 503), (.tooLarge(byteCount: 9), 413),
    ]

    @Test(arguments: faults)
    func `a proposal that comes to nothing says so`(fault: ProposalFault, status: Int) async {
        let world = World()
        for _ in 0..<100 { world.node.inject(.refuse(fault)) }
        let answer: Answer = await world.post("\(World.home)/stacks", ["name": "a"], as: .ann)
        #expect(answer.status == status)
        #expect(answer["type"] == "error")
    }

    @Test func `outcomes that no new plan mends`() async {
        let world = World()
        let outcomes: [(Refusal, Int)] = [
            (.epochChanged(scope: 5, expected: 1, actual: 2), 409), (.invalid("why"), 400),
            (.poolExhausted(name: Array("p".utf8), wanted: 2, left: 1), 409),
        ]
        for (refusal, status) in outcomes {
            world.node.inject(.outcome(.refused(refusal)))
            #expect(await world.post("\(World.home)/stacks", ["name": "a"], as: .ann).status == status)
        }
    }

    // MARK: Reading

    @Test func `a read that cannot be current is 503 unless an old state will do`() async {
        let world = World()
        world.node.failReads(.noLeader)
        let answer: Answer = await world.get("/v2-beta/projects", as: .ann)
        #expect(answer.status == 503)
        #expect(await world.get("/v2-beta/projects?consistency=stale", as: .ann).status == 200)
    }

    @Test func `an answer is never below the revision that was asked for`() async {
        let world = World()
        let revision: UInt64 = world.node.store.view.revision
        func status(_ minimum: String) async -> Int {
            await world.get("/v2-beta", as: .ann, headers: ["X-API-Min-Revision": minimum]).status
        }
        #expect(await status("\(revision)") == 200)
        #expect(await status("\(revision + 1)") == 503)
        #expect(await status("99999999999999999999") == 400)
        #expect(await status("-1") == 400)
        let made: Answer = await world.post("\(World.home)/stacks", ["name": "a"], as: .ann)
        #expect(made.headers["x-api-revision"] == "\(world.node.store.view.revision)")
    }
}
