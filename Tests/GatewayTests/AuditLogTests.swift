import HTTP
import JSON
import Model
import StoreFormat
import Testing

@testable import Gateway

@Suite struct AuditLogTests {
    static let rows: String = "/v2-beta/auditlogs"

    private func rows(_ world: World, _ query: String = "", as who: World.Who = .admin) async -> [JSONValue] {
        await world.get("\(Self.rows)?\(query)", as: who).data
    }

    @Test func `each change is a row with its circumstances, before and after`() async throws {
        let world = World()
        let made: Answer = await world.send(
            "POST",
            "\(World.home)/stacks",
            as: .bob,
            headers: ["X-Forwarded-For": "203.0.113.9"],
            body: Array(#"{"name":"web"}"#.utf8)
        )
        let stack: String = try #require(made["id"]?.string)
        _ = await world.put("\(World.home)/stacks/\(stack)", ["description": "new"], as: .ann)
        _ = await world.delete("\(World.home)/stacks/\(stack)", as: .ann)
        let all: [JSONValue] = await rows(world, "resourceType=stack")
        #expect(await world.get(Self.rows)["createTypes"] == nil, "the type has none below it")
        #expect(all.map { $0["eventType"] } == ["api.stack.create", "api.stack.update", "api.stack.delete"])
        let first: JSONValue = all[0]
        #expect(first["type"] == "auditLog" && first["id"]?.string?.hasPrefix("1al") == true)
        #expect(
            first["resourceId"] == .string(stack) && first["resourceType"] == "stack" && first["accountId"] == "1a5"
        )
        #expect(
            first["authenticatedAsAccountId"] == "1a21" && first["authType"] == "BasicAuth"
                && first["credentialId"] == "1c121"
        )
        #expect(first["authenticatedAsIdentityId"] == "1i!rancher_id:1a21" && first["responseCode"] == 201)
        #expect(first["clientIp"] == "203.0.113.9 via 192.0.2.7" && first["createdTS"] == .int(World.started))
        #expect(first["requestObject"] == #"{"name":"web"}"# && first["decision"]?.string?.contains("allow") == true)
        #expect(first["requestId"] == made.headers["x-api-request-id"].map { .string($0) })
        #expect(first["links"]?["resource"]?.string?.hasSuffix("/stacks/\(stack)") == true)
        func left(_ row: JSONValue) throws -> JSONValue {
            try JSONReader.parse(Array((row["responseObject"]?.string ?? "").utf8))
        }
        let response: JSONValue = try left(first)
        #expect(response["id"] == .string(stack) && response["type"] == "stack" && response["name"] == "web")
        #expect(response["accountId"] == "1a5" && response["creatorId"] == "1a21" && response["description"] == .null)
        #expect(try left(all[1])["description"] == "new" && left(all[1])["state"] == "activating")
        #expect(try left(all[2])["state"] == "removing", "\(all[2])")
        #expect(first["runtime"] == .null)
        let change: JSONValue? = all[1]["changes"]?.array?.first { $0["field"] == "description" }
        #expect(change?["before"] == .null && change?["after"] == "new" && change?["resourceId"] == .string(stack))
        let item: Answer = await world.get("\(Self.rows)/\(first["id"]?.string ?? "")")
        #expect(item.status == 200 && item["eventType"] == "api.stack.create")
        #expect(item["responseObject"] == first["responseObject"])
        for method in ["POST", "PUT", "DELETE"] {
            #expect([404, 405].contains(await world.send(method, "\(Self.rows)/\(first["id"]?.string ?? "")").status))
        }
        #expect(await world.get("\(Self.rows)/1al999999").status == 404)
        #expect(await world.get("\(Self.rows)/nothing").status == 404)
    }

    @Test func `whoever looks sees what is theirs to see`() async throws {
        let world = World()
        _ = try await world.stack("one", as: .ann)
        _ = await world.post("/v2-beta/projects/1a30/stacks", ["name": "two"], as: .eve)
        _ = await world.post("/v2-beta/apikeys", ["name": "mine"], as: .bob)
        func seen(_ who: World.Who, _ path: String = "auditlogs") async -> [String] {
            await world.get("/v2-beta/\(path)", as: who).data.compactMap { row in
                "\(row["eventType"]?.string ?? "") \(row["authenticatedAsAccountId"]?.string ?? "")"
            }
        }
        #expect(await seen(.admin).count == 3)
        // At the root everybody sees what they did themselves; in an environment what happened there.
        #expect(await seen(.bob) == ["api.apiKey.create 1a21"])
        #expect(await seen(.bob, "projects/1a5/auditlogs") == ["api.stack.create 1a20"])
        #expect(await seen(.project) == ["api.stack.create 1a20"])
        #expect(await seen(.admin, "projects/1a30/auditlogs") == ["api.stack.create 1a22"])
        #expect(await world.get("/v2-beta/projects/1a30/auditlogs", as: .bob).status == 403)
        #expect(await world.get("/v2-beta/auditlogs", as: .nobody).status == 401)
        let foreign: String = try #require((await rows(world)).first { $0["accountId"] == "1a30" }?["id"]?.string)
        #expect(await world.get("/v2-beta/auditlogs/\(foreign)", as: .bob).status == 404)
        #expect(await world.get("/v2-beta/projects/1a5/auditlogs/\(foreign)", as: .ann).status == 404)
        #expect(await world.send("POST", "/v2-beta/auditlogs?action=verify").status == 200)
        #expect(await world.send("POST", "/v2-beta/auditlogs?action=verify", as: .bob).status == 422)
    }

    @Test func `rows are filtered, ordered and paged`() async throws {
        let world = World()
        for number in 0..<7 {
            world.clock.advance(1_000)
            _ = try await world.stack("s\(number)", as: number % 2 == 0 ? .ann : .bob)
        }
        #expect(await rows(world, "authenticatedAsAccountId=1a20").count == 4)
        #expect(await rows(world, "eventType=api.stack.create&authType=BasicAuth").count == 7)
        #expect(await rows(world, "eventType_like=api.host%25").isEmpty)
        #expect(await rows(world, "created_gt=\(World.started + 5_000)").count == 2)
        #expect(await rows(world, "clientIp=192.0.2.7&limit=2").count == 2)
        let stack: JSONValue = try #require((await rows(world)).first?["resourceId"])
        #expect(await rows(world, "resourceId=\(stack.string ?? "")").count == 1)
        let latest: Answer = await world.get("\(Self.rows)?sort=created&order=desc&limit=1")
        #expect(Set(latest["sortLinks"]?.object?.keys ?? []) == ["created", "id"], "the orders that there are")
        #expect(latest["sort"]?["name"] == "created" && latest["sort"]?["order"] == "desc")
        #expect(latest["sort"]?["reverse"] == "http://drover.test:8080\(Self.rows)?limit=1&sort=created&order=asc")
        #expect(latest.data.first?["createdTS"] == .int(World.started + 7_000))
        #expect(await world.get("\(Self.rows)?sort=eventType")["sort"] == .null)
        for order in ["asc", "desc"] {
            var seen: [String] = []
            var next: String? = "\(Self.rows)?sort=id&order=\(order)&limit=3"
            while let page: String = next {
                let answer: Answer = await world.get(page)
                seen += answer.data.compactMap { $0["id"]?.string }
                next = answer["pagination"]?["next"]?.string?.replacing("http://drover.test:8080", with: "")
                #expect(answer["pagination"]?["partial"] == .bool(next != nil) && answer["pagination"]?["limit"] == 3)
            }
            let numbers: [UInt64] = seen.compactMap { ResourceID($0)?.number }
            #expect(numbers.count == 7 && numbers == (order == "asc" ? numbers.sorted() : numbers.sorted().reversed()))
        }
    }

    @Test func `no row tells a secret`() async throws {
        let world = World()
        let stack: String = try await world.stack()
        _ = try await world.service(
            stack: stack,
            launchConfig: ["imageUuid": "i", "environment": ["PASS": "S3CRET"], "labels": ["api-token": "S3CRET"]]
        )
        _ = await world.post("/v2-beta/settings", ["name": "my.ldap.password", "value": "S3CRET"])
        _ = await world.put("/v2-beta/settings/my.ldap.password", ["value": "S3CRET2"])
        _ = await world.configure([
            "requestInterceptors": [
                ["type": "http", "paths": ["/a"], "methods": ["get"], "endpoint": "http://h", "secretToken": "S3CRET"]
            ]
        ])
        let key: Answer = await world.post("/v2-beta/apikeys", ["name": "k"], as: .ann)
        let secret: String = try #require(key["secretValue"]?.string)
        let answer: Answer = await world.get(Self.rows)
        #expect(answer.data.count == 6)
        #expect(
            !answer.text.contains("S3CRET") && !answer.text.contains(secret) && !answer.text.contains("SHA256:"),
            "\(answer)"
        )
        let event: JSONValue? = answer.data.first { $0["resourceId"] == "my.ldap.password" }
        #expect(event?["eventType"] == "api.setting.create")
    }

    // MARK: The trail

    @Test func `who was refused is in the trail, with the reason and without what they showed`() async throws {
        let world = World()
        let wrong: Answer = await world.get(
            "/v2-beta/projects",
            as: .nobody,
            headers: ["Authorization": World.basic("ann-key", "guessed-secret")]
        )
        #expect(wrong.status == 401)
        #expect(await world.get("/v2-beta/projects/1a30/stacks", as: .bob).status == 403)
        #expect(await world.get("/v2-beta/projects/1a5/stacks", as: .bob).status == 200)
        let events: [JSONObject] = world.past.events
        #expect(events.map { $0["event"] } == ["denied.unauthenticated", "denied.forbidden"])
        #expect(events[0]["requestId"] == wrong.headers["x-api-request-id"].map { .string($0) })
        #expect(
            events[1]["account"] == "1a21" && events[1]["credential"] == "1c121"
                && events[1]["path"] == "/v2-beta/projects/1a30/stacks"
        )
        #expect(events[1]["client"] == "192.0.2.7" && events[1]["method"] == "GET" && events[1]["status"] == 403)
        for event in events { #expect(!"\(event)".contains("guessed-secret") && !"\(event)".contains("ann-key")) }
    }

    @Test func `whoever reads what opens something is in the trail`() async throws {
        let world = World()
        _ = await world.get("/v2-beta/settings/api.interceptor.config")
        _ = await world.post("\(World.home)/registrationTokens", [:], as: .ann)
        _ = await world.get("\(World.home)/registrationTokens", as: .ann)
        _ = await world.get("/v2-beta/settings/api.host")
        #expect(world.past.events.map { $0["event"] } == ["secret.read", "secret.read"])
        #expect(
            world.past.events.map { $0["resourceType"] } == ["activeSetting", "registrationToken"]
                || world.past.events.map { $0["resourceType"] } == ["setting", "registrationToken"]
        )
    }

    @Test func `interceptors that deny, fail or are passed are in the trail`() async throws {
        let world = World()
        let fake = try FakeInterceptor { _ in FakeInterceptor.json(403, ["message": "no"]) }
        _ = await world.intercept(fake, ["name": "policy"])
        _ = await world.get("\(World.home)/stacks", as: .ann)
        _ = await world.get("\(World.home)/stacks", headers: ["X-API-Break-Glass": "INC-1"])
        await fake.stop()
        _ = await world.get("\(World.home)/stacks", as: .ann)
        #expect(
            world.past.events.map { $0["event"] } == [
                "interceptor.denied", "interceptors.bypassed", "interceptor.failed",
            ]
        )
        #expect(
            world.past.events[0]["interceptor"] == "policy" && world.past.events[1]["reason"] == "break-glass: INC-1"
        )
    }

    // MARK: The access log

    @Test func `the access log has a line for each request, without what stands for somebody`() async throws {
        let world = World()
        _ = await world.get("/v2-beta/projects", as: .ann)
        #expect(world.past.lines.isEmpty)
        #expect(await world.put("/v2-beta/settings/access.log", ["value": "access.log"]).status == 200)
        let parent: String = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        let answer: Answer = await world.get(
            "\(World.home)/stacks?name=a&token=S3CRET&%74oken=S3CRET&code=S3CRET",
            as: .ann,
            headers: ["traceparent": parent, "User-Agent": "curl/8"]
        )
        _ = await world.get("/ping", as: .nobody)
        #expect(world.past.lines.map(\.file) == ["access.log", "access.log"])
        let line: JSONValue = try JSONReader.parse(try #require(world.past.lines.first).line)
        #expect(line["requestId"] == answer.headers["x-api-request-id"].map { .string($0) })
        #expect(
            line["traceId"] == "4bf92f3577b34da6a3ce929d0e0e4736" && line["account"] == "1a20"
                && line["project"] == "1a5"
        )
        #expect(line["method"] == "GET" && line["status"] == 200 && line["bytes"] == JSONValue(answer.bytes.count))
        #expect(line["target"] == "/v2-beta/projects/1a5/stacks?name=a&token=***&%74oken=***&code=***")
        #expect(line["client"] == "192.0.2.7" && line["agent"] == "curl/8" && (line["milliseconds"]?.double ?? -1) >= 0)
        for (_, bytes) in world.past.lines { #expect(!String(decoding: bytes, as: UTF8.self).contains("S3CRET")) }
        _ = await world.delete("/v2-beta/settings/access.log")
        let count: Int = world.past.lines.count
        _ = await world.get("/ping", as: .nobody)
        #expect(world.past.lines.count <= count + 1)
        for bad in ["/etc/passwd", "../x", "a/b", ".hidden", "a b"] {
            #expect(await world.put("/v2-beta/settings/access.log", ["value": .string(bad)]).status == 422, "\(bad)")
        }
    }
}
