import Bytes
import EventLoop
import HTTP
import JSON
import Synchronization
import TLS
import WebSocket

/// As much of the API as the commands use, in memory: services become active at once, with a container for each of their scale.
final class FakeServer: Sendable {
    struct State {
        var resources: [String: JSONObject] = [:]  // by id
        var next: Int = 40
        var requests: [String] = []
        /// Statuses that the next requests get instead of an answer.
        var failures: [Int] = []
        var sockets: [WebSocket] = []
        var logs: [String] = ["01 hello\n", "02 oops\n"]
        var pageSize: Int = 100
        var clusterActions: [String] = []
        /// Answers to requests, by method and path; and what came with them.
        var canned: [String: JSONObject] = [:]
        var bodies: [String: JSONValue] = [:]
        /// How many more times the node that is removed is among the members; nil while none is.
        var looksUntilGone: Int?
        /// The inputs of the action `execute`.
        var execs: [JSONValue] = []
        /// What the stream of a command says, before it echoes its input.
        var execFrames: [String] = ["out b25lCg==", "err dHdvCg=="]
        /// The last word of a command, once its input has ended.
        var execEnd: String = "exit 0"
    }

    let state = Mutex<State>(State())
    private let loops: Loops
    private let server: HTTPServer

    private let isSecure: Bool
    var url: String { "\(isSecure ? "https" : "http")://\(server.endpoint)" }
    var port: Int { server.endpoint.port ?? 0 }

    /// Methods and paths of what changed something.
    var writes: [String] { state.withLock { $0.requests.filter { !$0.hasPrefix("GET") } } }
    var requests: [String] { state.withLock { $0.requests } }

    static func run(
        _ security: TLSServerContext? = nil,
        _ body: (FakeServer) async throws -> Void
    ) async throws {
        let loops: Loops = try .start(count: 2)
        let box = Box()
        var wrapper: HTTPServer.Wrapper?
        if let security { wrapper = { try await security.accept($0, before: .after(seconds: 20)) } }
        let server: HTTPServer = try .start(
            on: .tcp(host: "127.0.0.1", port: 0),
            loops: loops,
            wrapper: wrapper
        ) { request, _ in
            await box.value.withLock { $0 }?.answer(request) ?? .text(500, "not ready")
        }
        let fake = FakeServer(loops, server, isSecure: security != nil)
        box.value.withLock { $0 = fake }
        fake.add(["id": "1a5", "type": "project", "name": "Default", "state": "active"])
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(fake))
        } catch {
            result = .failure(error)
        }
        await server.stop(graceMilliseconds: 0)
        await loops.stop()
        box.value.withLock { $0 = nil }
        try result.get()
    }

    private final class Box: Sendable {
        let value = Mutex<FakeServer?>(nil)
    }

    private init(_ loops: Loops, _ server: HTTPServer, isSecure: Bool) {
        self.isSecure = isSecure
        self.loops = loops
        self.server = server
    }

    // MARK: What there is

    func add(_ resource: JSONObject) {
        state.withLock { $0.resources[resource["id"]?.string ?? ""] = resource }
    }

    func resource(_ id: String) -> JSONObject? { state.withLock { $0.resources[id] } }

    func named(_ name: String) -> JSONObject? {
        state.withLock { state in state.resources.values.first { $0["name"]?.string == name } }
    }

    /// Changes a resource and tells whoever listens.
    func change(_ id: String, _ body: (inout JSONObject) -> Void) async {
        let (resource, sockets): (JSONObject?, [WebSocket]) = state.withLock { state in
            guard var resource = state.resources[id] else { return (nil, []) }
            body(&resource)
            state.resources[id] = resource
            return (resource, state.sockets)
        }
        guard let resource else { return }
        let event: JSONValue = ["name": "resource.change", "data": ["resource": .object(rendered(resource))]]
        let text = String(decoding: JSONWriter.bytes(event), as: UTF8.self)
        for socket in sockets { try? await socket.send(text: text) }
    }

    private func rendered(_ resource: JSONObject) -> JSONObject {
        var resource: JSONObject = resource
        let type: String = resource["type"]?.string ?? ""
        let id: String = resource["id"]?.string ?? ""
        let link: String = "\(url)/v2-beta/projects/1a5/\(type)s/\(id)"
        resource["links"] = ["self": .string(link)]
        var actions = JSONObject()
        let state: String = resource["state"]?.string ?? ""
        if type == "container", state == "running" {
            actions["logs"] = .string("\(link)/?action=logs")
            actions["execute"] = .string("\(link)/?action=execute")
        }
        if type == "project" {
            let own: String = "\(url)/v2-beta/projects/\(id)"
            resource["links"] = ["self": .string(own)]
            if state == "active" { actions["deactivate"] = .string("\(own)/?action=deactivate") }
        }
        if type == "host" {
            for action in state == "active" ? ["deactivate", "evacuate"] : ["activate"] {
                actions[action] = .string("\(link)/?action=\(action)")
            }
        }
        if type == "service", state == "inactive" { actions["activate"] = .string("\(link)/?action=activate") }
        resource["actions"] = .object(actions)
        return resource
    }

    // MARK: Requests

    private func answer(_ request: HTTPRequest) async -> HTTPResponse {
        let failure: Int? = state.withLock { state in
            state.requests.append("\(request.method) \(request.path)")
            return state.failures.isEmpty ? nil : state.failures.removeFirst()
        }
        if let failure { return document(["type": "error", "code": "Service Unavailable"], failure) }
        let expected: String = "Basic \(Base64.encode(Array("key:secret".utf8)))"
        if request.path.hasPrefix("/v2-beta/token") { return login(request) }
        let login: String = "Basic \(Base64.encode(Array("x-api-bearer:a login".utf8)))"
        guard request.headers["authorization"] == login || request.headers["authorization"] == expected else {
            return document(["type": "error", "status": 401, "code": "Unauthorized", "message": "Unauthorized"], 401)
        }
        let canned: JSONObject? = state.withLock { state in
            let name: String = "\(request.method) \(request.path)"
            guard let answer: JSONObject = state.canned[name] else { return nil }
            state.bodies[name] = (try? JSONReader.parse(request.body)) ?? .null
            return answer
        }
        if let canned { return document(canned, 200) }
        let parts: [String] = request.segments ?? []
        if parts == ["v1", "logs"] { return logs(request) }
        if parts.starts(with: ["v2-beta", "cluster"]) { return cluster(parts, request) }
        if parts == ["v1", "exec"] { return exec(request) }
        guard parts.first == "v2-beta", parts.count >= 2, parts[1] == "projects" else { return notFound() }
        if parts.count == 2 {
            return request.method == "POST" ? create("project", request) : collection("project", request)
        }
        if parts.count == 3, let project: JSONObject = resource(parts[2]) {
            return await item(project, parts[2], request)
        }
        guard parts.count >= 4 else { return notFound() }
        if parts[3] == "subscribe" { return subscribe(request) }
        let type = String(parts[3].dropLast())
        if parts.count == 4 { return request.method == "POST" ? create(type, request) : collection(type, request) }
        guard let resource: JSONObject = resource(parts[4]), resource["type"]?.string == type else { return notFound() }
        if parts.count > 5 {
            return document(
                [
                    "title": "service app/web (1s42)", "state": "activating", "because": ["no host has the label a=b"],
                    "waitsFor": ["a host"], "fix": ["add a host"],
                    "hosts": [["host": "h1", "verdict": "label a=b is missing"]],
                ],
                200
            )
        }
        return await item(resource, parts[4], request)
    }

    /// Knows one login: `ann` with the password `ann's secret`.
    private func login(_ request: HTTPRequest) -> HTTPResponse {
        let login: String = "Basic \(Base64.encode(Array("x-api-bearer:a login".utf8)))"
        switch request.method {
        case "DELETE" where request.headers["authorization"] == login: return HTTPResponse(status: 204)
        case "DELETE": return document(["type": "error", "status": 500, "code": "JWTNotProvided"], 500)
        default:
            let code: String? = (try? JSONReader.parse(request.body))?["code"]?.string
            guard code == "ann:ann's secret", request.headers["authorization"] == nil else {
                return document(
                    [
                        "type": "error", "status": 401, "code": "Unauthorized",
                        "message": "The login or the password is wrong.",
                    ],
                    401
                )
            }
            return document(["type": "token", "jwt": "a login", "user": "ann"], 201)
        }
    }

    private func item(_ resource: JSONObject, _ id: String, _ request: HTTPRequest) async -> HTTPResponse {
        switch (request.method, request.queryItems?["action"]) {
        case ("POST", "logs"):
            return document(
                ["type": "hostAccess", "url": .string("ws://elsewhere:1/v1/logs/"), "token": .string(id)],
                200
            )
        case ("POST", "execute"):
            state.withLock { $0.execs.append((try? JSONReader.parse(request.body)) ?? .null) }
            return document(
                ["type": "hostAccess", "url": .string("ws://elsewhere:1/v1/exec/"), "token": .string(id)],
                200
            )
        case ("POST", "deactivate"): await change(id) { $0["state"] = "inactive" }
        // Its containers go later.
        case ("POST", "evacuate"): await change(id) { $0["state"] = "inactive" }
        case ("POST", "activate"): await change(id) { $0["state"] = "active" }
        case ("PUT", _):
            let body: JSONObject = (try? JSONReader.parse(request.body))?.object ?? JSONObject()
            await change(id) { resource in
                for (key, value) in body { resource[key] = value }
                if let scale = body["scale"] { resource["currentScale"] = scale }
            }
        case ("DELETE", _):
            if resource["state"] == "active", resource["type"] == "host" {
                return document(["type": "error", "status": 405, "code": "Method not allowed"], 405)
            }
            await change(id) { $0["state"] = "removing" }
            let now = document(rendered(self.resource(id) ?? JSONObject()), 200)
            await change(id) { $0["state"] = "removed" }
            return now
        default: break
        }
        return document(rendered(self.resource(id) ?? resource), 200)
    }

    /// What was asked of the cluster, as `action {body}`.
    var clusterActions: [String] { state.withLock { $0.clusterActions } }

    private func cluster(_ parts: [String], _ request: HTTPRequest) -> HTTPResponse {
        let members: [JSONValue] = [
            [
                "id": "node1", "member": 7, "role": "leader", "state": "active", "peer": "10.0.0.1:9443",
                "http": "10.0.0.1:8080", "https": nil, "applied": 90, "lag": 0, "lastHeardMs": 0, "message": nil,
            ],
            [
                "id": "node2", "member": 42, "role": "learner", "state": "joining", "peer": "10.0.0.2:9443",
                "http": "10.0.0.2:8080", "https": nil, "applied": 80, "lag": 10, "lastHeardMs": 20,
                "message": "it is still getting the log",
            ],
        ]
        if parts.count > 2 {
            let token: JSONValue = [
                "id": "00ff", "role": "node", "created": "2017-04-22T08:00:00Z", "expires": "2017-04-22T09:00:00Z",
                "used": nil, "usedBy": nil,
            ]
            return document(["type": "collection", "data": [token]], 200)
        }
        let status: JSONObject = [
            "type": "cluster", "links": ["self": "x"], "clusterId": "0abc", "incarnation": "0def", "leader": "node1",
            "term": 3, "commit": 90, "members": .array(members),
            "scopes": [["scope": "1a5", "owner": "node1", "epoch": 4]],
        ]
        guard request.method == "POST" else {
            let isGone: Bool = state.withLock { state in
                state.looksUntilGone = state.looksUntilGone.map { max(0, $0 - 1) }
                return state.looksUntilGone == 0
            }
            var shown: JSONObject = status
            if isGone { shown["members"] = .array(members.filter { $0["id"] != "node2" }) }
            return document(shown, 200)
        }
        let action: String = request.queryItems?["action"] ?? ""
        state.withLock {
            $0.looksUntilGone = action == "remove" ? 3 : nil
            $0.clusterActions.append("\(action) \(String(decoding: request.body, as: UTF8.self))")
        }
        if action == "createtoken" {
            return document(
                ["type": "joinToken", "token": "drover-node-x", "role": "node", "expires": "2017-04-22T09:00:00Z"],
                201
            )
        }
        return document(status, 202)
    }

    private func collection(_ type: String, _ request: HTTPRequest) -> HTTPResponse {
        let query: QueryItems = request.queryItems ?? QueryItems()
        let (all, size): ([JSONObject], Int) = state.withLock { state in
            (state.resources.values.filter { $0["type"]?.string == type }, state.pageSize)
        }
        let found: [JSONObject] = all.filter { resource in
            ["name", "stackId"].allSatisfy { query[$0] == nil || query[$0] == resource[$0]?.string }
                && resource["state"] != "removed"
        }.sorted { ($0["id"]?.string ?? "") < ($1["id"]?.string ?? "") }
        let start: Int = Int(query["marker"]?.dropFirst() ?? "0") ?? 0
        let page: [JSONValue] = found.dropFirst(start).prefix(size).map { .object(rendered($0)) }
        var next: JSONValue = .null
        if start + size < found.count { next = .string("http://elsewhere:1\(request.path)?marker=m\(start + size)") }
        return document(["type": "collection", "data": .array(page), "pagination": ["next": next]], 200)
    }

    private func create(_ type: String, _ request: HTTPRequest) -> HTTPResponse {
        guard var body: JSONObject = (try? JSONReader.parse(request.body))?.object else {
            return document(["type": "error", "code": "InvalidBodyContent"], 400)
        }
        if body["name"] == "refused" {
            return document(
                [
                    "type": "error", "status": 422, "code": "InvalidOption", "message": "No such thing.",
                    "fieldName": "scale",
                ],
                422
            )
        }
        let prefixes: [String: String] = ["project": "1a", "stack": "1st", "service": "1s"]
        let broken: Bool = body["launchConfig"]?["imageUuid"]?.string?.contains("broken") == true
        let id: String = state.withLock { state in
            state.next += 1
            let id: String = "\(prefixes[type] ?? "1x")\(state.next)"
            body["id"] = .string(id)
            body["type"] = .string(type)
            body["state"] = broken ? "activating" : "active"
            body["transitioning"] = broken ? "error" : "no"
            body["transitioningMessage"] = broken ? "the image cannot be pulled" : .null
            body["healthState"] = "healthy"
            if type == "service" {
                let scale: Int64 = body["scale"]?.int ?? 2
                body["currentScale"] = .int(broken ? 0 : scale)
                // What a real server adds.
                body["launchConfig"] = .object(Self.stored(body["launchConfig"]?.object ?? JSONObject()))
                if body["launchConfig"]?["ports"] != nil {
                    body["publicEndpoints"] = [["ipAddress": "127.1.0.1", "port": 8080, "type": "publicEndpoint"]]
                }
                for number in 0..<scale {
                    state.next += 1
                    let name: String = "\(body["name"]?.string ?? "")-\(number + 1)"
                    state.resources["1i\(state.next)"] = [
                        "id": .string("1i\(state.next)"), "type": "container", "name": .string(name),
                        "state": broken ? "starting" : "running", "transitioning": broken ? "error" : "no",
                        "transitioningMessage": broken ? "no such image" : .null, "serviceIds": [.string(id)],
                        "stackId": body["stackId"] ?? .null, "imageUuid": body["launchConfig"]?["imageUuid"] ?? .null,
                    ]
                }
            }
            state.resources[id] = body
            return id
        }
        return document(rendered(resource(id) ?? body), 201)
    }

    static func stored(_ sent: JSONObject) -> JSONObject {
        var launch: JSONObject = sent
        launch["type"] = "launchConfig"
        launch["kind"] = "container"
        launch["networkMode"] = sent["networkMode"] ?? "managed"
        launch["version"] = "b7"
        launch["vcpu"] = 1
        launch["tty"] = sent["tty"] ?? false
        launch["user"] = sent["user"] ?? .null
        if let ports: [JSONValue] = sent["ports"]?.array {
            launch["ports"] = .array(ports.map { .string("\($0.string ?? "")/tcp") })
        }
        return launch
    }

    private func subscribe(_ request: HTTPRequest) -> HTTPResponse {
        WebSocket.response(to: request) { [self] socket in
            state.withLock { $0.sockets.append(socket) }
            try? await socket.send(text: #"{"name":"ping","resourceId":null}"#)
            while let _ = try? await socket.receive() {}
        }
    }

    private func logs(_ request: HTTPRequest) -> HTTPResponse {
        let frames: [String] = state.withLock { $0.logs }
        return WebSocket.response(to: request) { socket in
            for frame in frames { try? await socket.send(text: frame) }
            await socket.close()
        }
    }

    private func exec(_ request: HTTPRequest) -> HTTPResponse {
        let (frames, end, input): ([String], String, JSONValue?) = state.withLock {
            ($0.execFrames, $0.execEnd, $0.execs.last)
        }
        return WebSocket.response(to: request) { socket in
            for frame in frames { try? await socket.send(text: frame) }
            if input?["attachStdin"] == true {
                while case .text(let text)? = try? await socket.receive(), text != "end" {
                    guard text.hasPrefix("in ") else { continue }
                    try? await socket.send(text: "out " + text.dropFirst(3))
                }
            }
            if !end.isEmpty { try? await socket.send(text: end) }
            await socket.close()
        }
    }

    private func notFound() -> HTTPResponse {
        document(["type": "error", "status": 404, "code": "Not Found", "message": "Not Found"], 404)
    }

    private func document(_ object: JSONObject, _ status: Int) -> HTTPResponse {
        HTTPResponse(
            status: status,
            headers: ["Content-Type": "application/json"],
            body: JSONWriter.bytes(.object(object))
        )
    }
}
