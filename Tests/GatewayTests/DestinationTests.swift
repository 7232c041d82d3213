import EventLoop
import HTTP
import JSON
import Synchronization
import Testing

@testable import Gateway

@Suite struct DestinationTests {
    private func body(_ response: HTTPResponse) async -> String {
        guard case .bytes(let bytes) = response.body else { return "(stream)" }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func `a destination gets path, query and body, and what a validator said of the caller`() async throws {
        let world = World()
        let fake = try FakeInterceptor { _ in FakeInterceptor.json(201, ["from": "billing"]) }
        _ = await world.configure([
            "requestInterceptors": [
                ["type": "authTokenValidator", "paths": ["/v1/services/{id:.*}"], "methods": ["get", "post"]]
            ], "destinations": [["paths": ["/v1/services/{id:.*}"], "destinationURL": .string("\(fake.url)/base/")]],
        ])
        let answer: Answer = await world.send(
            "POST",
            "/v1/services/a%20b?q=1&r=%2f",
            as: .ann,
            headers: [
                "X-API-Account-Id": "1a1", "X-API-Account-Kind": "admin", "X-API-Project-Id": "1a5",
                "Connection": "x-hop", "X-Hop": "1",
            ],
            body: Array(#"{"a":1}"#.utf8)
        )
        #expect(answer.status == 201)
        let request: HTTPRequest = try #require(fake.requests.first)
        #expect(request.target == "/base/v1/services/a%20b?q=1&r=%2f")
        #expect(request.body == Array(#"{"a":1}"#.utf8))
        #expect(
            request.headers.all("x-api-account-id") == ["1a20"] && request.headers.all("x-api-account-kind") == ["user"]
        )
        #expect(request.headers["x-hop"] == nil && request.headers["x-forwarded-for"] == "192.0.2.7")
        #expect(request.headers["x-api-request-id"] == answer.headers["x-api-request-id"])
        #expect(request.headers["authorization"] == World.credentials(.ann))
    }

    @Test func `nobody is nobody there, whatever they say, and wrong credentials are refused`() async throws {
        let world = World()
        let fake = try FakeInterceptor()
        _ = await world.configure([
            "requestInterceptors": [["type": "authTokenValidator", "paths": ["/x/{id:.*}"], "methods": ["get"]]],
            "destinations": [["paths": ["/x/{id:.*}"], "destinationURL": .string(fake.url)]],
        ])
        _ = await world.get("/x/1", as: .nobody, headers: ["x-API-account-ID": "1a1", "X-API-Project-Id": ""])
        let request: HTTPRequest = try #require(fake.requests.first)
        #expect(!request.headers.contains("x-api-account-id") && !request.headers.contains("x-api-project-id"))
        let wrong: Answer = await world.get(
            "/x/1",
            as: .nobody,
            headers: ["Authorization": World.basic("ann-key", "guess")]
        )
        #expect(wrong.status == 401 && fake.requests.count == 1)
    }

    @Test func `who is known a moment ago is known, and who is refused is looked at again`() async throws {
        let world = World()
        let fake = try FakeInterceptor()
        _ = await world.configure([
            "requestInterceptors": [["type": "authTokenValidator", "paths": ["/x/{id:.*}"], "methods": ["get"]]],
            "destinations": [["paths": ["/x/{id:.*}"], "destinationURL": .string(fake.url)]],
        ])
        for isPatient in [true, false] {
            var timing: GatewayTiming = World.timing
            timing.identityMilliseconds = isPatient ? 3_600_000 : 0
            let late = LaggingNode(behind: world.node)
            let gateway: Gateway = late.gateway(in: world, timing: timing)
            for _ in 0..<5 { #expect(await world.send("GET", "/x/1", as: .ann, through: gateway).status == 200) }
            #expect(late.readCount == (isPatient ? 1 : 5))

            // Made where this node has not looked yet.
            let made: Answer = await world.post("/v2-beta/apikeys", ["name": "young"], as: .ann)
            let young: HTTPHeaders = [
                "Authorization": World.basic(
                    made["publicValue"]?.string ?? "",
                    made["secretValue"]?.string ?? ""
                )
            ]
            let reads: Int = late.readCount
            let answer: Answer = await world.send("GET", "/x/1", as: .nobody, headers: young, through: gateway)
            #expect(answer.status == 200 && late.readCount == reads + 1, "\(answer)")

            let path = "/v2-beta/apikeys/\(made["id"]?.string ?? "")?action=deactivate"
            #expect(await world.post(path, as: .ann).status < 300)
            if isPatient { continue }
            #expect(await world.send("GET", "/x/1", as: .nobody, headers: young, through: gateway).status == 401)
        }
    }

    @Test func `a destination is there without an interceptor, also within the API, and keeps what it is told`()
        async throws
    {
        let world = World()
        let fake = try FakeInterceptor()
        _ = await world.configure([
            "destinations": [
                ["paths": ["/v2-beta/billing/{id:.*}"], "destinationURL": .string(fake.url), "passCredentials": false]
            ]
        ])
        #expect(await world.get("/v2-beta/billing/7", as: .ann).status == 200)
        #expect(
            fake.requests.first?.headers["authorization"] == nil && fake.requests.first?.path == "/v2-beta/billing/7"
        )
        #expect(await world.get("/v2-beta/projects", as: .ann).status == 200)
        #expect(fake.requests.count == 1)
        await fake.stop()
        let gone: Answer = await world.get("/v2-beta/billing/7", as: .ann)
        #expect(gone.status == 502 && gone["status"] == "502")
    }

    /// A body of so many bytes in two pieces, that is JSON where it is `{"a":"…"}`.
    private static func stream(_ count: Int, json: Bool = false) -> BodyStream {
        let bytes: [UInt8] =
            json
            ? Array(#"{"a":""#.utf8) + [UInt8](repeating: 0x78, count: count - 8) + Array(#""}"#.utf8)
            : [UInt8](repeating: 0x78, count: count)
        let left = Mutex<[[UInt8]]>([Array(bytes[(count / 2)...]), Array(bytes[..<(count / 2)])])
        return BodyStream(length: count) { left.withLock { $0.popLast() } }
    }

    @Test func `a long body goes on as it comes, and whole where an interceptor sees it`() async throws {
        let world = World()
        let fake = try FakeInterceptor()
        _ = await world.configure([
            "requestInterceptors": [
                ["type": "http", "paths": ["/seen/{id:.*}"], "methods": ["put"], "endpoint": .string(fake.url)]
            ],
            "destinations": [["paths": ["/seen/{id:.*}", "/plain/{id:.*}"], "destinationURL": .string(fake.url)]],
        ])
        #expect(await world.send("PUT", "/plain/1", as: .nobody, stream: Self.stream(200_000)).status == 200)
        #expect(fake.requests.map(\.body.count) == [200_000])
        #expect(await world.send("PUT", "/seen/1", as: .nobody, stream: Self.stream(100_000, json: true)).status == 200)
        #expect(fake.asked.count == 3 && fake.asked[1]["body"]?["a"]?.string?.utf8.count == 99_992)
        #expect(fake.requests.last?.path == "/seen/1" && (fake.requests.last?.body.count ?? 0) == 100_000)
        let long: Answer = await world.send("PUT", "/seen/1", as: .nobody, stream: Self.stream(5_000_000, json: true))
        #expect(long.status == 413 && fake.requests.count == 3)
    }

    @Test func `the API takes no body as it comes, however it gets one`() async throws {
        let world = World()
        let fake = try FakeInterceptor()
        _ = await world.configure(["destinations": [["paths": ["/x/{id:.*}"], "destinationURL": .string(fake.url)]]])
        let made: Answer = await world.send(
            "POST",
            "/v2-beta/projects/1a5/stacks",
            headers: ["Content-Type": "application/json"],
            stream: BodyStream(length: nil, next: Self.pieces([#"{"name":"#, #""web"}"#]))
        )
        #expect(made.status == 201 && made["name"] == "web")
        let long: Answer = await world.send("POST", "/v2-beta/projects/1a5/stacks", stream: Self.stream(5_000_000))
        #expect(long.status == 413)
        let broken: Answer = await world.send(
            "PUT",
            "/x/1",
            stream: BodyStream(length: 10) { throw HTTPRefusal(400, "a chunk does not end with CRLF") }
        )
        #expect(broken.status == 400)
    }

    private static func pieces(_ texts: [String]) -> @Sendable () async throws -> [UInt8]? {
        let left = Mutex<[[UInt8]]>(texts.reversed().map { Array($0.utf8) })
        return { left.withLock { $0.popLast() } }
    }

    @Test func `a body is taken as it comes only where nobody may want to see it`() async throws {
        let world = World()
        let url: JSONValue = "http://127.0.0.1:1/"
        _ = await world.configure([
            "requestInterceptors": [
                ["type": "http", "paths": ["/both/{id:.*}"], "methods": ["delete"], "endpoint": url]
            ], "destinations": [["paths": ["/both/{id:.*}", "/plain/{id:.*}"], "destinationURL": url]],
        ])
        func isTaken(_ method: String, _ target: String, _ type: String = "application/octet-stream") -> Bool {
            world.gateway.takesStream(
                HTTPRequest(method: method, target: target, headers: ["Content-Type": type]),
                world.connection()
            )
        }
        #expect(isTaken("POST", "/plain/1") && isTaken("POST", "/plain/1", "multipart/form-data; boundary=x"))
        #expect(isTaken("POST", "/both/1") && !isTaken("DELETE", "/both/1"))
        // A form may say that it is a DELETE.
        #expect(!isTaken("POST", "/both/1", "multipart/form-data; boundary=x"))
        #expect(
            !isTaken("POST", "/both/1", "application/x-www-form-urlencoded")
                && !isTaken("POST", "/both/1?_method=delete")
        )
        #expect(!isTaken("POST", "/v2-beta/projects/1a5/stacks") && !isTaken("POST", "/elsewhere"))
    }
}
