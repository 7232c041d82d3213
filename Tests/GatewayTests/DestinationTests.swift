import EventLoop
import HTTP
import JSON
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
}
