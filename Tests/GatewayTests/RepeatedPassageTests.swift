import EventLoop
import HTTP
import JSON
import Synchronization
import Testing

@testable import Gateway

/// Requests to destinations that repeat the last one of their connection, through a real server.
@Suite struct RepeatedPassageTests {
    /// A gateway behind a listener, a destination behind the gateway, and one kept connection of a client.
    private final class Rig: Sendable {
        let world: World
        let fake: FakeInterceptor
        let client = HTTPClient(loop: World.loops.all[0])
        let server: HTTPServer
        private let handled: Counter

        private final class Counter: Sendable {
            let count = Atomic<Int>(0)
        }

        init() throws {
            // However busy the machine: who is calling is found out again only when something changes.
            var timing: GatewayTiming = World.timing
            timing.identityMilliseconds = 3_600_000
            let (world, counter): (World, Counter) = (World(timing: timing), Counter())
            self.world = world
            handled = counter
            fake = try FakeInterceptor { _ in FakeInterceptor.json(200, ["from": "behind"]) }
            server = try .start(
                on: .tcp(host: "127.0.0.1", port: 0),
                loops: World.loops,
                relay: world.gateway,
                handler: { request, info in
                    counter.count.add(1, ordering: .relaxed)
                    // As a node answers what is about itself, before the gateway is asked.
                    if request.path == "/healthz" { return .text(200, "well") }
                    return await world.gateway.handle(request, info)
                }
            )
        }

        /// How many requests came to the handler.
        var handledCount: Int { handled.count.load(ordering: .relaxed) }

        func configure(_ destination: String? = nil) async {
            _ = await world.configure([
                "requestInterceptors": [["type": "authTokenValidator", "paths": ["/x/{id:.*}"], "methods": ["get"]]],
                "destinations": [
                    ["paths": ["/x/{id:.*}", "/open/{id:.*}"], "destinationURL": .string(destination ?? fake.url)]
                ],
            ])
        }

        func get(_ target: String, _ headers: HTTPHeaders = [:]) async throws -> HTTPClientResponse {
            var headers: HTTPHeaders = headers
            if !headers.contains("authorization") { headers["Authorization"] = World.credentials(.ann) }
            let request = HTTPRequest(method: "GET", target: target, headers: headers)
            return try await client.send(request, to: server.endpoint)
        }

        func end() async {
            client.close()
            await server.stop(graceMilliseconds: 0)
            await fake.stop()
        }
    }

    private func withRig(_ body: (Rig) async throws -> Void) async throws {
        let rig = try Rig()
        await rig.configure()
        let result: Result<Void, any Error>
        do { result = .success(try await body(rig)) } catch { result = .failure(error) }
        await rig.end()
        try result.get()
    }

    private func header(_ name: String, _ answers: [HTTPClientResponse]) -> [String] {
        answers.compactMap { $0.headers[name] }
    }

    @Test func `each is passed on with its caller and an id of its own, answered, logged, counted and traced`()
        async throws
    {
        try await withRig { (rig: Rig) async throws in
            #expect(await rig.world.put("/v2-beta/settings/access.log", ["value": "access.log"]).status == 200)
            let parent: String = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
            for (path, headers) in [("/x/1", ["traceparent": parent]), ("/open/1", [:])] as [(String, HTTPHeaders)] {
                let (before, lines): (Int, Int) = (rig.handledCount, rig.world.past.lines.count)
                let known: Int = rig.fake.requests.count
                var answers: [HTTPClientResponse] = []
                for _ in 0..<8 { answers.append(try await rig.get(path, headers)) }
                // By the lane, but for the first; and again where the connection had rested.
                #expect(rig.handledCount - before < 4)
                #expect(answers.allSatisfy { $0.status == 200 && $0.body == Array(#"{"from":"behind"}"#.utf8) })
                #expect(answers.allSatisfy { $0.headers["content-type"] == "application/json" })
                let ids: [String] = header("x-api-request-id", answers)
                #expect(Set(ids).count == 8)
                // What goes round every answer (contract A4).
                #expect(header("set-cookie", answers).count == 8)

                let asked: [HTTPRequest] = Array(rig.fake.requests[known...])
                #expect(asked.map { $0.headers["x-api-request-id"] } == ids)
                #expect(asked.allSatisfy { $0.target == path && $0.headers["x-forwarded-for"] == "127.0.0.1" })
                let callers: Set<String?> = Set(asked.map { $0.headers["x-api-account-id"] })
                #expect(callers == (path == "/x/1" ? ["1a20"] : [nil]))
                let traces: [[Substring]] = asked.map { ($0.headers["traceparent"] ?? "").split(separator: "-") }
                #expect(Set(traces.map { $0[2] }).count == 8 && traces.allSatisfy { $0[2].count == 16 })
                for (trace, id) in zip(traces, ids) {
                    let isOwn: Bool = path == "/x/1"
                    #expect(trace[1] == (isOwn ? "4bf92f3577b34da6a3ce929d0e0e4736" : id + id))
                    #expect(trace[3] == (isOwn ? "01" : "00"))
                }

                let written: [JSONValue] = try rig.world.past.lines.dropFirst(lines).map {
                    try JSONReader.parse($0.line)
                }
                #expect(written.compactMap { $0["requestId"]?.string } == ids)
                #expect(written.allSatisfy { $0["status"] == 200 && $0["bytes"] == 17 && $0["target"]?.string == path })
                for id in ids {
                    let trace = try #require(rig.world.gateway.interceptors.traces.trace(id))
                    #expect(trace.facts.subject.path == path && trace.facts.requestID == id)
                    #expect(trace.steps.count == (path == "/x/1" ? 1 : 0))
                }
            }
        }
    }

    @Test func `a key that is deactivated, and a destination that changes, count for the very next one`() async throws {
        try await withRig { (rig: Rig) async throws in
            let made: Answer = await rig.world.post("/v2-beta/apikeys", ["name": "short"], as: .ann)
            let name: String = try #require(made["publicValue"]?.string)
            let id: String = try #require(made["id"]?.string)
            let key: HTTPHeaders = [
                "Authorization": World.basic(name, try #require(made["secretValue"]?.string))
            ]
            for _ in 0..<3 { #expect(try await rig.get("/x/1", key).status == 200) }
            #expect(await rig.world.post("/v2-beta/apikeys/\(id)?action=deactivate", as: .ann).status < 300)
            #expect(try await rig.get("/x/1", key).status == 401)

            for _ in 0..<3 { #expect(try await rig.get("/open/1").status == 200) }
            let other = try FakeInterceptor { _ in FakeInterceptor.json(203, ["from": "elsewhere"]) }
            await rig.configure(other.url)
            for _ in 0..<3 { #expect(try await rig.get("/open/1").status == 203) }
            #expect(other.requests.count == 3)
            await other.stop()
        }
    }

    @Test func `what others have answered on the connection is never taken for the gateway's`() async throws {
        try await withRig { (rig: Rig) async throws in
            for _ in 0..<3 {
                for target in ["/open/1", "/open/1", "/healthz", "/healthz", "/healthz", "/open/1"] {
                    let body = String(decoding: try await rig.get(target).body, as: UTF8.self)
                    #expect(body == (target == "/healthz" ? "well\n" : #"{"from":"behind"}"#), "\(target)")
                }
            }
        }
    }

    @Test func `a destination that goes away is a 502, and is found again when it is back`() async throws {
        try await withRig { (rig: Rig) async throws in
            for _ in 0..<3 { #expect(try await rig.get("/open/1").status == 200) }
            await rig.configure("http://127.0.0.1:1")
            for _ in 0..<3 { #expect(try await rig.get("/open/1").status == 502) }
            await rig.configure()
            for _ in 0..<3 { #expect(try await rig.get("/open/1").status == 200) }
        }
    }
}
