import JSON
import Synchronization
import Testing

@testable import CLI

@Suite(.timeLimit(.minutes(2))) struct UpTests {
    static let files: [String: String] = [
        "docker-compose.yml": """
        version: '2'
        services:
          web:
            image: nginx:1
            ports: ["8080:80"]
            depends_on: [db]
            environment: {A: b}
          db: {image: redis}
        """,
        "rancher-compose.yml": "version: '2'\nservices:\n  web: {scale: 3, metadata: {a: [1]}}\n",
    ]

    @Test func `a compose file becomes a stack and the second run changes nothing`() async throws {
        try await FakeServer.run { server in
            try await withFolder(Self.files, name: "My_App") { folder in
                let first: Ended = await drover("up", "-d", server: server, folder: folder)
                #expect(first.code == 0, "\(first.error)")
                #expect(first.out == "my-app/db: active 1/1\nmy-app/web: active 3/3, answers at 127.1.0.1:8080\n")
                #expect(first.error.contains("docker-compose.yml:6: warning: 'depends_on'"))
                #expect(first.error.contains("created the stack my-app (1st41)"))
                #expect(server.writes == ["stacks", "services", "services"].map { "POST /v2-beta/projects/1a5/\($0)" })
                #expect(server.named("web")?["metadata"] == ["a": [1]])
                #expect(server.named("web")?["stackId"] == "1st41" && server.named("web")?["startOnCreate"] == true)

                let second: Ended = await drover("up", "-d", server: server, folder: folder)
                #expect(second.code == 0 && second.error.contains("nothing to change in the stack my-app"))
                #expect(server.writes.count == 3)
            }
        }
    }

    @Test func `a plan says what would be done and does nothing`() async throws {
        try await FakeServer.run { server in
            try await withFolder(Self.files) { folder in
                let plan: Ended = await drover("up", "--plan", server: server, folder: folder)
                #expect(plan.code == 0 && server.writes.isEmpty)
                #expect(
                    plan.out.contains(
                        "service  web   create  +3          not in the stack yet; docker:nginx:1; scale 3"
                    )
                )
                #expect(plan.error.contains("2 to create, 0 to change, 0 to remove, 0 to keep; nothing was done"))
                let data: Ended = await drover("--output", "json", "up", "--plan", server: server, folder: folder)
                let document: JSONValue = try JSONReader.parse(data.out)
                #expect(document["services"]?.array?.count == 2)
                #expect(document["services"]?.array?.first?["reason"] == "not in the stack yet")
                #expect(document["changesNothing"] == false && document["isBlocked"] == false)
            }
        }
    }

    @Test func `scale and metadata are changed in place, and what the files do not say stays`() async throws {
        try await FakeServer.run { server in
            try await withFolder(Self.files) { folder in
                #expect(await drover("up", "-d", server: server, folder: folder).code == 0)
                #expect(await drover("scale", "db=2", "web=1", server: server, folder: folder).code == 0)
                #expect(server.named("db")?["scale"] == 2)
                let plan: Ended = await drover("up", "--plan", server: server, folder: folder)
                #expect(plan.out.contains("service  web   change  +2          differs from the files; scale 1 → 3\n"))
                #expect(plan.out.contains("service  db    keep                as the files say\n"))
                #expect(await drover("up", "-d", server: server, folder: folder).code == 0)
                #expect(server.named("db")?["scale"] == 2 && server.named("web")?["scale"] == 3)
            }
        }
    }

    @Test func `another configuration is refused before anything is changed`() async throws {
        try await FakeServer.run { server in
            try await withFolder(Self.files) { folder in
                #expect(await drover("up", "-d", server: server, folder: folder).code == 0)
                let before: Int = server.writes.count
                try TextFile.replacePrivately(
                    "\(folder)/docker-compose.yml",
                    with: "web: {image: nginx:2}\ndb: {image: redis}\nnew: {image: a}\n"
                )
                let ended: Ended = await drover("up", "-d", server: server, folder: folder)
                #expect(ended.code == 1 && server.writes.count == before)
                #expect(
                    ended.error.contains(
                        "web runs with another configuration and needs an upgrade, which is not built yet"
                    )
                )
                #expect(ended.error.contains("image: nginx:1 → nginx:2"))
                #expect(ended.error.contains(#"ports: ["8080:80/tcp"] → nothing"#))
                #expect(ended.error.contains(#"environment: {"A":"b"} → nothing"#))
            }
        }
    }

    @Test func `what fails is told with its reason`() async throws {
        try await FakeServer.run { server in
            try await withFolder(["docker-compose.yml": "web: {image: broken}"]) { folder in
                let ended: Ended = await drover("up", "-d", server: server, folder: folder)
                #expect(ended.code == 1)
                #expect(ended.error.contains("web (1s42) failed: the image cannot be pulled"))
                #expect(ended.error.contains("web-1 (1i43) is starting: no such image"))
                #expect(ended.error.contains("'drover explain 1s42' says more"))
            }
        }
    }

    @Test func `mistakes in the files and refusals of the server name file and line`() async throws {
        try await FakeServer.run { server in
            try await withFolder(["docker-compose.yml": "web: {image: a, prots: [80]}"]) { folder in
                let ended: Ended = await drover("up", "-d", server: server, folder: folder)
                #expect(ended.code == 1 && server.requests.isEmpty)
                #expect(
                    ended.error.contains(
                        "docker-compose.yml:1:17: error: 'prots' is no key of a service (did you mean 'ports'?)"
                    )
                )
                #expect(ended.error.contains("one error in the compose files; nothing was changed"))
            }
            try await withFolder(["a.yml": "\nrefused: {image: a}"]) { folder in
                let ended: Ended = await drover(
                    "up",
                    "-d",
                    "-f",
                    "a.yml",
                    "--stack",
                    "s",
                    server: server,
                    folder: folder
                )
                #expect(ended.code == 1)
                #expect(
                    ended.error.contains(
                        "a.yml:2: refused: No such thing (field scale, InvalidOption, 422 to POST /v2-beta/projects/1a5/services)"
                    )
                )
                let none: Ended = await drover("up", server: server, folder: folder)
                #expect(none.code == 1 && none.error.contains("there is no docker-compose.yml"))
            }
        }
    }

    @Test func `a server that is away for a while does not end it, and nothing is made twice`() async throws {
        try await FakeServer.run { server in
            try await withFolder(Self.files) { folder in
                // One for the project list goes well, then everything fails for a while.
                async let running: Ended = drover("up", "-d", server: server, folder: folder)
                while !server.requests.contains("POST /v2-beta/projects/1a5/stacks") {
                    try await Task.sleep(for: .milliseconds(1))
                }
                server.state.withLock { $0.failures = [503, 502, 503] }
                let ended: Ended = await running
                #expect(ended.code == 0, "\(ended.error)")
                #expect(server.writes.filter { $0.hasSuffix("/stacks") }.count <= 2)
                let names: [String] = server.state.withLock { $0.resources.values.filter { $0["type"] == "service" } }
                    .compactMap { $0["name"]?.string }
                #expect(names.sorted() == ["db", "web"])
            }
        }
    }

    @Test func `without -d the output is followed`() async throws {
        try await FakeServer.run { server in
            try await withFolder(["compose.yml": "services: {web: {image: a, scale: 2}}"]) { folder in
                let ended: Ended = await drover("up", server: server, folder: folder)
                #expect(ended.code == 0)
                #expect(ended.out.contains("web-1 | hello\n") && ended.out.contains("web-2 | hello\n"))
                #expect(ended.error.contains("the stack app keeps running"))
            }
        }
    }

    @Test func `an interrupted wait says that the stack goes on`() async throws {
        try await FakeServer.run { server in
            server.add(["id": "1st1", "type": "stack", "name": "app", "state": "active"])
            server.add([
                "id": "1s1", "type": "service", "name": "web", "stackId": "1st1", "state": "activating",
                "transitioning": "yes",
                "scale": 1, "launchConfig": ["imageUuid": "docker:a"],
            ])
            try await withFolder(["compose.yml": "services: {web: {image: a}}"]) { folder in
                let task = Task { await drover("up", "-d", server: server, folder: folder) }
                while !server.requests.contains("GET /v2-beta/projects/1a5/subscribe") {
                    try await Task.sleep(for: .milliseconds(1))
                }
                task.cancel()
                let ended: Ended = await task.value
                #expect(ended.code == 1 && ended.error.contains("interrupted: what was begun goes on"))
            }
        }
    }

    @Test func `waiting ends when the last service is well`() async throws {
        try await FakeServer.run { server in
            server.add(["id": "1st1", "type": "stack", "name": "app", "state": "active"])
            server.add([
                "id": "1s1", "type": "service", "name": "web", "stackId": "1st1", "state": "activating",
                "transitioning": "yes",
                "transitioningMessage": "pulling", "scale": 2, "currentScale": 1,
                "launchConfig": ["imageUuid": "docker:a"],
            ])
            try await withFolder(["compose.yml": "services: {web: {image: a, scale: 2}}"]) { folder in
                async let running: Ended = drover("up", "-d", server: server, folder: folder)
                while server.state.withLock({ $0.sockets.isEmpty }) { try await Task.sleep(for: .milliseconds(1)) }
                await server.change("1s1") {
                    $0["state"] = "active"
                    $0["transitioning"] = "no"
                }
                await server.change("1s1") { $0["currentScale"] = 2 }
                let ended: Ended = await running
                #expect(ended.code == 0)
                #expect(ended.error.contains("web: activating 1/2 (pulling)\n"))
                #expect(ended.out == "app/web: active 2/2\n")
            }
        }
    }

    static let standings: [(JSONObject, ServiceWait.Standing)] = [
        (["state": "active", "healthState": "healthy"], .settled), (["state": "active"], .settled),
        (["state": "active", "healthState": "started-once", "scale": 2, "currentScale": 0], .settled),
        (["state": "active", "healthState": "initializing"], .underWay),
        (["state": "active", "transitioning": "yes"], .underWay),
        (["state": "updating-active"], .underWay), (["state": "active", "scale": 2, "currentScale": 1], .underWay),
        (["state": "active", "transitioning": "error"], .troubled),
        (["state": "removing", "transitioning": "yes"], .gone),
        (
            [
                "state": "active", "scale": 1, "currentScale": 5,
                "launchConfig": ["labels": ["io.rancher.scheduler.global": "true"]],
            ], .settled
        ),
    ]

    @Test(arguments: standings)
    func `a service is well when it is active, healthy and complete`(
        service: JSONObject,
        standing: ServiceWait.Standing
    ) {
        #expect(ServiceWait.standing(service) == standing)
    }

    @Test func `only what the files ask for counts as a difference`() {
        let wanted: JSONObject = [
            "imageUuid": "docker:a", "ports": ["80", "81:81"], "environment": ["A": "1"], "tty": false,
            "ulimits": [["name": "n", "soft": 1, "hard": 1]], "labels": ["x": "y"],
        ]
        var stored: JSONObject = FakeServer.stored(wanted)
        stored["ports"] = ["32768:80/tcp", "81:81/tcp"]
        stored["ulimits"] = [["type": "ulimit", "name": "n", "soft": 1, "hard": 1, "note": .null]]
        stored["labels"] = ["x": "y", "io.rancher.service.hash": "1"]
        stored["environment"] = ["A": "1"]
        #expect(LaunchDifferences.between(stored: stored, wanted: wanted) == [])
        stored["environment"] = ["A": "1", "B": "2"]
        stored["memory"] = 5
        stored["networkMode"] = "host"
        let found: [String] = LaunchDifferences.between(stored: stored, wanted: wanted)
        #expect(
            found.sorted() == [
                #"environment: {"A":"1","B":"2"} → {"A":"1"}"#, "memory: 5 → nothing", "networkMode: host → nothing",
            ]
        )
    }
}
