import EventLoop
import HTTP
import JSON
import Store
import Testing

@testable import Gateway

/// What a gateway remembers of the last request of a connection.
@Suite struct ReceptionTests {
    private func request(
        _ method: String = "GET",
        _ target: String = "/v2-beta/stacks?limit=1",
        _ headers: HTTPHeaders = ["Host": "a", "Accept": "application/json"],
        minorVersion: Int = 1
    ) -> HTTPRequest {
        HTTPRequest(method: method, target: target, headers: headers, minorVersion: minorVersion)
    }

    @Test func `the same request on the same connection is received once, and any other anew`() {
        let world = World()
        let connection: ConnectionInfo = world.connection()
        func reception(_ request: HTTPRequest, local: String = "here:1") -> Reception {
            let policy: PolicySnapshot = world.gateway.policies.snapshot(of: world.node.store.view)
            return Reception.of(request, connection, policy, local: local)
        }
        let first: Reception = reception(request())
        var long: HTTPRequest = request()
        long.body = [1, 2, 3]
        #expect(reception(request()) === first && reception(long) === first)
        #expect(first.request(with: long).body == [1, 2, 3] && first.request(with: request()).body == [])
        let others: [HTTPRequest] = [
            request("HEAD"), request("GET", "/v2-beta/stacks?limit=2"),
            request("GET", "/v2-beta/stacks?limit=1", ["Host": "b", "Accept": "application/json"]),
            request("GET", "/v2-beta/stacks?limit=1", ["Host": "a", "Accept": "text/html"]),
            request("GET", "/v2-beta/stacks?limit=1", ["Host": "a"]),
            request("GET", "/v2-beta/stacks?limit=1", ["Hos": "ta", "Accept": "application/json"]),
            request(minorVersion: 0),
        ]
        for other in others {
            let before: Reception = reception(request())
            let after: Reception = reception(other)
            #expect(after !== before && after.request.method == other.method, "\(other)")
            #expect(after.base.authority == (other.headers["host"] ?? "here:1"), "\(other)")
        }
        #expect(reception(request(), local: "there:1") !== reception(request()))
    }

    @Test func `a setting that changes is seen by the next request of a connection`() async {
        let world = World()
        let headers: HTTPHeaders = ["Host": "a", "X-API-Request-URL": "https://other.example"]
        func address() async -> String {
            await world.send("GET", "/v2-beta/projects", as: .admin, headers: headers)["links"]?["self"]?.string ?? ""
        }
        #expect(await address().hasPrefix("http://a/"))
        #expect(await address().hasPrefix("http://a/"))
        let change: Answer = await world.send(
            "PUT",
            "/v2-beta/settings/api.allow.client.override",
            body: JSONWriter.bytes(["value": "true"]),
            peer: "192.0.2.8"
        )
        #expect(change.status == 200)
        #expect(await address().hasPrefix("https://other.example/"))
    }

    @Test func `a form names its method in its body, however often the head comes again`() async throws {
        let world = World()
        let fake = try FakeInterceptor()
        _ = await world.configure([
            "requestInterceptors": [["type": "authTokenValidator", "paths": ["/x/{id:.*}"], "methods": ["delete"]]],
            "destinations": [["paths": ["/x/{id:.*}"], "destinationURL": .string(fake.url)]],
        ])
        let wrong: HTTPHeaders = [
            "Authorization": World.basic("ann-key", "guess"), "Content-Type": "application/x-www-form-urlencoded",
        ]
        for method in ["DELETE", "GET", "DELETE", "PUT"] {
            let answer: Answer = await world.send(
                "POST",
                "/x/1",
                as: .nobody,
                headers: wrong,
                body: Array("_method=\(method)".utf8)
            )
            // Only of who deletes it is found out who it is.
            #expect(answer.status == (method == "DELETE" ? 401 : 200), "\(method): \(answer)")
        }
    }

    @Test func `whoever logs out is nobody at once where a validator stands, also on the same connection`() async throws
    {
        let world = World()
        try await world.enableLogins()
        try await world.password("ann", "correct battery", of: "1a20")
        let fake = try FakeInterceptor()
        _ = await world.configure([
            "requestInterceptors": [["type": "authTokenValidator", "paths": ["/x/{id:.*}"], "methods": ["get"]]],
            "destinations": [["paths": ["/x/{id:.*}"], "destinationURL": .string(fake.url)]],
        ])
        let token: String = try await world.token("ann:correct battery")
        let headers: HTTPHeaders = ["Authorization": "Bearer \(token)"]
        for _ in 0..<3 {
            #expect(await world.send("GET", "/x/1", as: .nobody, headers: headers).status == 200)
        }
        #expect(fake.requests.allSatisfy { $0.headers["x-api-account-kind"] == "user" })
        let logout: Answer = await world.send(
            "DELETE",
            "/v2-beta/token/current",
            as: .nobody,
            headers: headers,
            peer: "192.0.2.8"
        )
        #expect(logout.status < 300)
        #expect(await world.send("GET", "/x/1", as: .nobody, headers: headers).status == 401)
    }
}
