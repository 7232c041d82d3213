import Bytes
import Crypto
import EventLoop
import HTTP
import JSON
import Model
import StoreFormat
import TestSupport
import Testing

@testable import Gateway

@Suite struct InterceptorTests {
    static let stacks: String = "\(World.home)/stacks"

    @Test func `an interceptor is sent the request of the contract, signed, without credentials`() async throws {
        let world = World()
        let fake = try FakeInterceptor()
        #expect(await world.intercept(fake, ["secretToken": "s3cr3t"]).status == 200)
        let made: Answer = await world.send(
            "POST",
            "\(Self.stacks)?x=1",
            as: .ann,
            headers: [
                "Content-Type": "application/json", "Cookie": "token=abc; theme=dark", "X-Custom": "a", "x-custom": "b",
            ],
            body: Array(#"{"name":"web","environment":{"DB_PASSWORD":"hunter2"}}"#.utf8)
        )
        #expect(made.status == 201, "\(made)")
        #expect(fake.requests.count == 1)
        let request: HTTPRequest = try #require(fake.requests.first)
        let document: JSONValue = try #require(fake.asked.first)
        #expect(request.method == "POST" && request.target == "/check")
        #expect(request.headers["content-type"] == "application/json")
        #expect(
            document["APIPath"] == "/v2-beta/projects/1a5/stacks" && document["APIMethod"] == "POST"
                && document["envID"] == "1a5"
        )
        #expect(document["body"]?["name"] == "web" && document["body"]?["environment"]?["DB_PASSWORD"] == "***")
        #expect(document["UUID"]?.string?.count == 36)
        #expect(
            document["headers"]?["X-Custom"] == ["a", "b"]
                && document["headers"]?["Content-Type"] == ["application/json"]
        )
        #expect(document["headers"]?["Cookie"] == nil && document["headers"]?["Authorization"] == nil)
        // base64url with padding of HMAC-SHA512 over the exact bytes.
        let tag: [UInt8] = HMAC.sha512(key: Array("s3cr3t".utf8), message: request.body)
        let expected = Base64.encode(tag).replacing("+", with: "-").replacing("/", with: "_")
        #expect(request.headers["x-api-auth-signature"] == expected)
        #expect(request.headers["x-api-request-id"] == made.headers["x-api-request-id"])
        #expect(request.headers["traceparent"]?.count == 55)
        let text = String(decoding: request.body, as: UTF8.self)
        #expect(!text.contains("ann-secret") && !text.contains("hunter2") && !text.contains("token=abc"))
    }

    @Test func `HMAC-SHA512 gives the tag of RFC 4231`() {
        let tag: [UInt8] = HMAC.sha512(key: Array("Jefe".utf8), message: Array("what do ya want for nothing?".utf8))
        #expect(Hex.encode(tag).hasPrefix("164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"))
    }

    @Test func `with grants it sees credentials and secrets`() async throws {
        let world = World()
        let fake = try FakeInterceptor()
        _ = await world.intercept(fake, ["passCredentials": true, "passSecrets": true])
        _ = await world.post(Self.stacks, ["name": "web", "environment": ["DB_PASSWORD": "hunter2"]], as: .ann)
        #expect(fake.asked.first?["headers"]?["Authorization"] == [.string(World.credentials(.ann))])
        #expect(fake.asked.first?["body"]?["environment"]?["DB_PASSWORD"] == "hunter2")
    }

    @Test func `what it changes in the body and headers is what is done`() async throws {
        let world = World()
        let fake = try FakeInterceptor { asked in
            var body: JSONObject = asked["body"]?.object ?? [:]
            body["description"] = "by policy"
            return FakeInterceptor.json(200, ["body": .object(body), "headers": ["X-API-Action-Links": ["1"]]])
        }
        _ = await world.intercept(fake)
        let made: Answer = await world.post(Self.stacks, ["name": "web", "environment": ["A_TOKEN": "t0p"]], as: .ann)
        #expect(made["description"] == "by policy" && made["actionLinks"] != nil, "\(made)")
        // What it was not shown is as it was.
        #expect(try world.stored(.stack, try #require(made["id"]?.string))["description"] == "by policy")
        let audit: AuditRecord = try #require(world.node.lastChange?.audit)
        #expect(String(decoding: audit.requestObject, as: UTF8.self).contains("by policy"))
    }

    @Test(arguments: [403, 201, 204, 302, 500, 418]) func `any status but 200 ends the request with it`(status: Int)
        async throws
    {
        let world = World()
        let fake = try FakeInterceptor { _ in
            var answer: HTTPResponse = FakeInterceptor.json(status, ["message": "not today"])
            if status == 204 { answer.body = .bytes([]) }
            if status == 302 { answer.headers["Location"] = "http://127.0.0.1:1/" }
            return answer
        }
        _ = await world.intercept(fake)
        let before: Int = world.node.changes.count
        let answer: Answer = await world.post(Self.stacks, ["name": "web"], as: .ann)
        #expect(answer.status == status && world.node.changes.count == before)
        #expect(answer.headers["location"] == nil && fake.requests.count == 1)
        guard status != 204 else { return #expect(answer.bytes.isEmpty) }
        #expect(
            answer["status"] == .string(String(status)) && answer["message"] == "not today" && answer["type"] == "error"
        )
        #expect(answer.headers["content-type"] == "application/json")
    }

    @Test func `a refusal without a message has the one of the contract`() async throws {
        let world = World()
        let fake = try FakeInterceptor { _ in HTTPResponse(status: 403) }
        _ = await world.intercept(fake)
        let answer: Answer = await world.get(Self.stacks, as: .ann)
        #expect(
            answer["message"]?.string?.hasPrefix("Error response while processing the interceptor endpoint \(fake.url)")
                == true
        )
    }

    @Test func `an empty answer, or one that is no JSON, changes nothing`() async throws {
        let world = World()
        let fake = try FakeInterceptor()
        _ = await world.intercept(fake)
        #expect(await world.post(Self.stacks, ["name": "one"], as: .ann).status == 201)
        fake.answer { _ in HTTPResponse(status: 200, body: Array("fine".utf8)) }
        #expect(await world.post(Self.stacks, ["name": "two"], as: .ann).status == 201)
        fake.answer { _ in FakeInterceptor.json(200, [:]) }
        #expect(await world.post(Self.stacks, ["name": "three"], as: .ann).status == 201)
    }

    @Test(
        arguments: [
            ["headers": ["Authorization": ["Basic x"]]], ["headers": ["X-API-Project-Id": ["1a30"]]],
            ["headers": ["x-api-account-id": ["1a1"]]], ["headers": ["Host": ["else"]]],
            ["headers": ["Cookie": ["token=1"]]],
            ["headers": ["X-Forwarded-For": ["1.2.3.4"]]], ["headers": ["X-Drover-Peer-Hops": ["1"]]],
            ["headers": ["A b": ["c"]]],
            ["headers": ["A": ["b\r\nC: d"]]], ["headers": []], ["body": []], ["body": "x"], ["UUID": "another"],
        ] as [JSONValue]
    ) func `who asks and where is not an interceptor's to change`(reply: JSONValue) async throws {
        let world = World()
        let fake = try FakeInterceptor { _ in FakeInterceptor.json(200, reply) }
        _ = await world.intercept(fake)
        let before: Int = world.node.changes.count
        let answer: Answer = await world.post(Self.stacks, ["name": "web"], as: .ann)
        #expect(answer.status == 500 && answer["code"] == "InterceptorFailed", "\(answer)")
        #expect(world.node.changes.count == before)
    }

    @Test func `one that cannot be asked stops the request, or not, as its policy says; its key is never told`()
        async throws
    {
        let world = World()
        let fake = try FakeInterceptor()
        await fake.stop()
        #expect(await world.intercept(fake, ["secretToken": "verysecret"]).status == 200)
        let answer: Answer = await world.post(Self.stacks, ["name": "web"], as: .ann)
        #expect(answer.status == 500 && answer["status"] == "500", "\(answer)")
        #expect(answer["message"]?.string?.contains("http interceptor \(fake.url)") == true)
        #expect(!answer.text.contains("verysecret") && !answer.text.contains("/check"))
        _ = await world.intercept(fake, ["failurePolicy": "ignore"])
        #expect(await world.post(Self.stacks, ["name": "web"], as: .ann).status == 201)
    }

    @Test func `a slow one, and one that answers without end, are not waited for`() async throws {
        let world = World()
        let fake = try FakeInterceptor { _ in
            try? await Task.sleep(for: .seconds(30))
            return HTTPResponse(status: 200)
        }
        _ = await world.intercept(fake, ["timeout": "1"])
        let slow: Answer = await world.get(Self.stacks, as: .ann)
        #expect(slow.status == 500 && slow["message"]?.string?.contains("no answer within 1 s") == true, "\(slow)")
        fake.answer { _ in HTTPResponse(status: 200, body: Array(repeating: UInt8(ascii: " "), count: 2 * 1024 * 1024))
        }
        _ = await world.intercept(fake, ["timeout": "60"])
        let huge: Answer = await world.get(Self.stacks, as: .ann)
        #expect(huge.status == 500 && huge["message"]?.string?.contains("more than") == true, "\(huge)")
    }

    @Test func `one that only fails is left alone for a moment, then tried again`() async throws {
        let world = World()
        let fake = try FakeInterceptor { _ in FakeInterceptor.json(200, ["body": 1]) }
        _ = await world.intercept(fake)
        for _ in 0..<10 { _ = await world.get(Self.stacks, as: .ann) }
        #expect(fake.requests.count == 5)
        fake.answer { _ in HTTPResponse(status: 200) }
        #expect(await eventually { await world.get(Self.stacks, as: .ann).status == 200 })
    }

    @Test func `a body that is no object is refused before anybody is asked`() async throws {
        let world = World()
        let fake = try FakeInterceptor()
        _ = await world.intercept(fake)
        for body in ["[1]", "name=web", "{", "1"] {
            let answer: Answer = await world.send("POST", Self.stacks, as: .ann, body: Array(body.utf8))
            #expect(answer.status == 400, "\(body)")
        }
        #expect(fake.requests.isEmpty)
    }

    @Test func `every kind of credential meets the same chain`() async throws {
        let world = World()
        let fake = try FakeInterceptor { _ in FakeInterceptor.json(403, ["message": "no"]) }
        _ = await world.intercept(fake, paths: ["/v2-beta/projects/1a5/stacks"])
        for who in [World.Who.admin, .ann, .bob, .project] {
            #expect(await world.get(Self.stacks, as: who).status == 403, "\(who)")
        }
        // An environment's key acts there without naming it; the header names it as the path does.
        #expect(await world.get("/v2-beta/stacks", as: .project).status == 403)
        #expect(await world.get("/v2-beta/stacks", as: .ann, headers: ["X-API-Project-Id": "1a5"]).status == 403)
        #expect(await world.send("POST", "\(Self.stacks)?_method=GET", as: .ann).status == 403)
        #expect(fake.requests.count == 7)
    }

    @Test func `a validator tells those behind it who is calling, and nobody else can`() async throws {
        let world = World()
        let fake = try FakeInterceptor()
        _ = await world.configure([
            "requestInterceptors": [
                ["type": "authTokenValidator", "paths": ["/v2-beta/projects/{p:.*}"], "methods": ["get"]],
                [
                    "type": "http", "paths": ["/v2-beta/projects/{p:.*}"], "methods": ["get"],
                    "endpoint": .string(fake.url),
                ],
            ]
        ])
        let answer: Answer = await world.get(
            Self.stacks,
            as: .ann,
            headers: ["X-API-Account-Id": "1a1", "X-API-Account-Kind": "admin", "X-API-Roles": "owner"]
        )
        #expect(answer.status == 200)
        let headers: JSONValue? = fake.asked.first?["headers"]
        #expect(headers?["X-Api-Account-Id"] == ["1a20"] && headers?["X-Api-Account-Kind"] == ["user"])
        #expect(headers?["X-Api-Account-Name"] == ["ann"] && headers?["X-Api-Project-Id"] == ["1a5"])
        #expect(headers?["X-Api-Roles"] == nil)
        // Without one nobody says so, least of all the client.
        _ = await world.intercept(fake)
        _ = await world.get(Self.stacks, as: .ann, headers: ["x-api-account-id": "1a1"])
        #expect(fake.asked.last?["headers"]?["X-Api-Account-Id"] == nil)
    }

    @Test func `the output of one is the input of the next, and the first that denies ends it`() async throws {
        let world = World()
        let first = try FakeInterceptor { asked in
            FakeInterceptor.json(200, ["body": ["name": "renamed"], "headers": ["X-Seen": ["1"]]])
        }
        let second = try FakeInterceptor { _ in FakeInterceptor.json(409, ["message": "second"]) }
        let third = try FakeInterceptor()
        func rule(_ fake: FakeInterceptor) -> JSONValue {
            ["type": "http", "paths": ["/v2-beta/projects/{p:.*}"], "methods": ["post"], "endpoint": .string(fake.url)]
        }
        _ = await world.configure(["requestInterceptors": [rule(first), rule(second), rule(third)]])
        let answer: Answer = await world.post(Self.stacks, ["name": "web"], as: .ann)
        #expect(answer.status == 409)
        #expect(
            second.asked.first?["body"] == ["name": "renamed"] && second.asked.first?["headers"]?["X-Seen"] == ["1"]
        )
        #expect(first.asked.first?["UUID"] == second.asked.first?["UUID"] && third.requests.isEmpty)
    }

    @Test func `a shadow is asked and never obeyed; where it disagrees is counted with samples`() async throws {
        let world = World()
        let fake = try FakeInterceptor { _ in FakeInterceptor.json(403, ["message": "I would not"]) }
        _ = await world.intercept(fake, ["mode": "shadow", "name": "new policy"])
        let made: Answer = await world.post(Self.stacks, ["name": "web"], as: .ann)
        #expect(made.status == 201)
        var status: JSONValue?
        #expect(
            await eventually {
                status = await world.get("/v1-api-interceptor/status")["interceptors"]?.array?.first
                return status?["disagreements"] == 1
            }
        )
        #expect(status?["name"] == "new policy" && status?["mode"] == "shadow")
        #expect(status?["samples"]?.array?.first?["requestId"] == made.headers["x-api-request-id"].map { .string($0) })
        #expect(status?["samples"]?.array?.first?["message"] == "I would not")
        fake.answer { _ in HTTPResponse(status: 200) }
        _ = await world.get(Self.stacks, as: .ann)
        #expect(
            await eventually {
                status = await world.get("/v1-api-interceptor/status")["interceptors"]?.array?.first
                return status?["calls"] == 2
            }
        )
        #expect(status?["disagreements"] == 1)
    }

    @Test func `the trace of a request is found by its id, for administrators`() async throws {
        let world = World()
        let fake = try FakeInterceptor { asked in
            FakeInterceptor.json(200, ["body": ["name": "other", "environment": ["A_SECRET": "***", "B": "2"]]])
        }
        _ = await world.intercept(fake, ["name": "renamer"])
        let made: Answer = await world.post(
            Self.stacks,
            ["name": "web", "environment": ["A_SECRET": "x1y2", "B": "1"]],
            as: .ann
        )
        let id: String = try #require(made.headers["x-api-request-id"])
        let trace: Answer = await world.get("/v1-api-interceptor/traces/\(id)")
        let step: JSONValue? = trace["steps"]?.array?.first
        #expect(
            step?["name"] == "renamer" && step?["verdict"] == "change" && (step?["milliseconds"]?.double ?? -1) >= 0
        )
        #expect(step?["changes"]?.array?.first == ["at": "body.name", "before": "web", "after": "other"])
        #expect(step?["changes"]?.array?.count == 2, "\(trace)")
        #expect(trace["template"] == "/v2-beta/projects/1a5/{rest:.*}" && trace["accountId"] == "1a20")
        #expect(!trace.text.contains("x1y2"))
        #expect(await world.get("/v1-api-interceptor/traces/\(id)", as: .ann).status == 404)
        #expect(await world.get("/v1-api-interceptor/traces/\(id)", as: .nobody).status == 401)
        #expect(await world.get("/v1-api-interceptor/traces/nothing").status == 404)
    }

    @Test func `a broken interceptor does not keep an administrator from mending it`() async throws {
        let world = World()
        let fake = try FakeInterceptor()
        await fake.stop()
        #expect(await world.intercept(fake, paths: ["/{everything:.*}"]).status == 200)
        #expect(await world.get("/v2-beta/settings").status == 500)
        // The configuration itself, and with a reason anything.
        #expect(await world.get("/v2-beta/settings/api.interceptor.config").status == 200)
        let glass: Answer = await world.send(
            "POST",
            Self.stacks,
            headers: ["X-API-Break-Glass": "INC-7 policy is down"],
            body: Array(#"{"name":"fix"}"#.utf8)
        )
        #expect(glass.status == 201, "\(glass)")
        let audit: AuditRecord = try #require(world.node.lastChange?.audit)
        #expect(String(decoding: audit.requestObject, as: UTF8.self).contains("break-glass: INC-7 policy is down"))
        #expect(await world.send("GET", Self.stacks, headers: ["X-API-Break-Glass": " "]).status == 400)
        #expect(await world.send("GET", Self.stacks, as: .ann, headers: ["X-API-Break-Glass": "please"]).status == 403)
        #expect(await world.get("/v2-beta/settings/api.interceptor.config", as: .ann).status == 500)
        #expect(await world.delete("/v2-beta/settings/api.interceptor.config").status == 200)
        #expect(await world.get("/v2-beta/settings").status == 200)
    }

    @Test func `the verdicts stand in the audit record of the change`() async throws {
        let world = World()
        let fake = try FakeInterceptor()
        _ = await world.intercept(fake, ["name": "checker"])
        _ = try await world.stack()
        let text = String(decoding: try #require(world.node.lastChange?.audit).requestObject, as: UTF8.self)
        #expect(text.contains(#""interceptors":[{"name":"checker","verdict":"allow"}]"#), "\(text)")
    }

    @Test func `a configuration that is wrong is refused, and the one before stays`() async throws {
        let world = World()
        let fake = try FakeInterceptor { _ in FakeInterceptor.json(403, ["message": "no"]) }
        _ = await world.intercept(fake)
        let answer: Answer = await world.put(
            "/v2-beta/settings/api.interceptor.config",
            [
                "value":
                    #"{"requestInterceptors":[{"type":"http","paths":["/{x:(}"],"methods":["get"],"endpoint":"http://h"}]}"#
            ]
        )
        #expect(answer.status == 422 && answer.code == "InvalidFormat" && answer.field == "value", "\(answer)")
        #expect(answer["message"]?.string?.contains("requestInterceptors[0].paths[0]") == true)
        #expect(await world.get(Self.stacks, as: .ann).status == 403)
        // The key of an interceptor is in no audit record.
        _ = await world.intercept(fake, ["secretToken": "tell-nobody"])
        for change in world.node.changes {
            let text = String(decoding: change.audit?.requestObject ?? [], as: UTF8.self)
            #expect(!text.contains("tell-nobody"))
        }
        #expect(await world.send("POST", "/v1-api-interceptor/reload").status == 200)
        #expect(await world.send("POST", "/v1-api-interceptor/reload", as: .ann).status == 404)
        #expect(await world.send("POST", "/v1-api-interceptor/reload", as: .nobody).status == 401)
    }

    @Test func `whoever changes the configuration drops no request`() async throws {
        let world = World()
        let fake = try FakeInterceptor()
        let stack: String = try await world.stack()
        try await withThrowingTaskGroup(of: [Int].self) { group in
            for worker in 0..<4 {
                group.addTask {
                    var statuses: [Int] = []
                    for round in 0..<40 {
                        let text: JSONValue = .string("\(worker) \(round)")
                        statuses.append(
                            await world.put("\(Self.stacks)/\(stack)", ["description": text], as: .ann).status
                        )
                        statuses.append(await world.get(Self.stacks, as: .ann).status)
                    }
                    return statuses
                }
            }
            for round in 0..<20 {
                _ = round % 2 == 0 ? await world.intercept(fake) : await world.configure([:])
            }
            for try await statuses in group {
                // Others that change the same stack at the same time are no matter of this.
                #expect(statuses.allSatisfy { $0 == 200 || $0 == 409 }, "\(statuses)")
            }
        }
    }

    @Test func `streams and the way out are not intercepted`() async throws {
        let world = World()
        let fake = try FakeInterceptor { _ in HTTPResponse(status: 403) }
        _ = await world.intercept(fake, paths: ["/{everything:.*}"])
        let socket: HTTPHeaders = [
            "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        ]
        let subscribed: Answer = await world.get(
            "\(World.home)/subscribe?eventNames=resource.change",
            as: .ann,
            headers: socket
        )
        #expect(subscribed.status == 101, "\(subscribed)")
        #expect(await world.get("/v1/logs?token=x", as: .nobody).status != 403)
        #expect(await world.get("/v1-api-interceptor/status").status == 200)
        #expect(fake.requests.isEmpty)
        #expect(await world.get("\(World.home)/subscribe", as: .ann).status == 403)
        // Also what is no part of the API.
        #expect(await world.get("/", as: .nobody).status == 403)
        #expect(await world.get("/ui/index.html", as: .nobody).status == 403)
    }

    @Test func `calls in a circle end`() async throws {
        let world = World()
        let fake = try FakeInterceptor()
        _ = await world.intercept(fake)
        _ = await world.get(Self.stacks, as: .ann)
        let depth: String = try #require(fake.requests.first?.headers["x-drover-interceptor-depth"])
        #expect(depth == "1")
        #expect(await world.get(Self.stacks, as: .ann, headers: ["X-Drover-Interceptor-Depth": "2"]).status == 200)
        #expect(await world.get(Self.stacks, as: .ann, headers: ["X-Drover-Interceptor-Depth": "3"]).status == 508)
        #expect(await world.get(Self.stacks, as: .ann, headers: ["X-Drover-Interceptor-Depth": "-1"]).status == 508)
    }

    @Test func `a name whose address is not called is refused when it is known`() async throws {
        let world = World()
        // 0.0.0.0 by name: the name is fine when it is written down.
        let loop: EventLoop = World.loops.next()
        await #expect(throws: AddressRefused.self) {
            _ = try await loop.connect(to: .tcp(host: "localhost", port: 1), before: .after(seconds: 5)) { address in
                if let reason: String = AddressRule.refusal(of: "169.254.169.254", allowed: []) {
                    throw AddressRefused(description: "\(address): \(reason)")
                }
            }
        }
        let refused: Answer = await world.configure([
            "requestInterceptors": [
                ["type": "http", "paths": ["/a"], "methods": ["get"], "endpoint": "http://[fe80::1]:80/"]
            ]
        ])
        #expect(refused.status == 422)
    }

    @Test func `those who see answers can change them, withhold them, and see no secrets`() async throws {
        let world = World()
        let fake = try FakeInterceptor { asked in
            var body: JSONObject = asked["body"]?.object ?? [:]
            body["description"] = .string("seen \(asked["status"]?.int ?? 0)")
            return FakeInterceptor.json(200, ["body": .object(body), "headers": ["X-Policy": ["checked"]]])
        }
        func configure(_ path: JSONValue, _ method: JSONValue) async -> Answer {
            await world.configure([
                "responseInterceptors": [
                    ["type": "http", "paths": [path], "methods": [method], "endpoint": .string(fake.url)]
                ]
            ])
        }
        #expect(await configure("/v2-beta/projects/{p:.*}", "post").status == 200)
        let made: Answer = await world.post(Self.stacks, ["name": "web"], as: .ann)
        #expect(
            made.status == 201 && made["description"] == "seen 201" && made.headers["x-policy"] == "checked",
            "\(made)"
        )
        #expect(try world.stored(.stack, try #require(made["id"]?.string))["description"]?.string == nil)
        _ = await configure("/v2-beta/apikeys", "post")
        let key: Answer = await world.post("/v2-beta/apikeys", ["name": "k"], as: .ann)
        #expect(key["secretValue"]?.string?.count == 40, "\(key)")
        #expect(fake.asked.last?["body"]?["secretValue"] == "***")
        fake.answer { _ in FakeInterceptor.json(451, ["message": "withheld"]) }
        _ = await configure("/v2-beta/projects/{p:.*}", "get")
        let withheld: Answer = await world.get(Self.stacks, as: .ann)
        #expect(
            withheld.status == 451 && withheld["message"] == "withheld" && withheld.headers["x-api-request-id"] != nil
        )
    }
}
