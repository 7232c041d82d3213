import EventLoop
import HTTP
import JSON
import Synchronization

/// An interceptor, or a destination, that answers as a test says, and remembers what it was asked.
final class FakeInterceptor: Sendable {
    typealias Reply = @Sendable (JSONValue) async -> HTTPResponse

    private let state: Shared
    private let server: HTTPServer

    private final class Shared: Sendable {
        let reply: Mutex<Reply>
        let requests = Mutex<[HTTPRequest]>([])
        init(_ reply: @escaping Reply) { self.reply = Mutex(reply) }
    }

    init(_ reply: @escaping Reply = { _ in HTTPResponse(status: 200) }) throws {
        let shared = Shared(reply)
        state = shared
        server = try .start(on: .tcp(host: "127.0.0.1", port: 0), loops: World.loops) { request, _ in
            shared.requests.withLock { $0.append(request) }
            return await shared.reply.withLock { $0 }((try? JSONReader.parse(request.body)) ?? .null)
        }
    }

    var url: String { "http://\(server.endpoint)" }
    var requests: [HTTPRequest] { state.requests.withLock { $0 } }
    /// The documents that it was sent.
    var asked: [JSONValue] { requests.map { (try? JSONReader.parse($0.body)) ?? .null } }
    func answer(_ reply: @escaping Reply) { state.reply.withLock { $0 = reply } }
    func stop() async { await server.stop(graceMilliseconds: 0) }

    static func json(_ status: Int, _ document: JSONValue) -> HTTPResponse {
        HTTPResponse(status: status, headers: ["Content-Type": "application/json"], body: JSONWriter.bytes(document))
    }
}

extension World {
    /// Puts a configuration in force, as an administrator does.
    func configure(_ config: JSONValue) async -> Answer {
        await put(
            "/v2-beta/settings/api.interceptor.config",
            ["value": .string(String(decoding: JSONWriter.bytes(config), as: UTF8.self))]
        )
    }

    /// One http interceptor for everything in Default.
    func intercept(
        _ fake: FakeInterceptor,
        methods: JSONValue = ["get", "post", "put", "delete"],
        paths: JSONValue = ["/v2-beta/projects/1a5/{rest:.*}"],
        _ more: JSONObject = [:]
    ) async -> Answer {
        var rule: JSONObject = [
            "type": "http", "paths": paths, "methods": methods, "endpoint": .string("\(fake.url)/check"),
        ]
        for (name, value) in more { rule[name] = value }
        return await configure(["requestInterceptors": [.object(rule)]])
    }
}
