import Glibc
import JSON
import Subprocess
import Testing

/// Clients of the original, unmodified, against three nodes with access control on.
///
/// `scripts/prepare clients` puts them into `.build/clients`; what is not there is skipped.
extension EndToEnd {
    @Suite(.serialized) struct ClientsTests {
        private static let folder: String = "\(Program.repository)/.build/clients"
        private static let python: String = "\(folder)/python/bin/python"
        private static let schemathesis: String = "\(folder)/python/bin/schemathesis"
        private static let commandLine: String = "\(folder)/rancher"

        private static func isThere(_ path: String) -> Bool { access(path, X_OK) == 0 }

        @Test(.enabled(if: isThere(python), "the Python clients are not there: scripts/prepare clients"))
        func `the Python clients list, create, wait, update, act, follow links and get typed errors`() async throws {
            try await DevRig.run(nodes: 3) { rig in
                let script: String = "\(Program.repository)/Tests/Clients/python_clients.py"
                let ended = try await Self.run(Self.python, [script, "\(rig.data)/access.json"], rig, seconds: 240)
                try #require(ended.status == .exited(code: 0), "\(ended.outputText)\n\(ended.errorText)")
                try #require(ended.outputText.hasSuffix("all steps passed\n"))
            }
        }

        @Test(.enabled(if: isThere(commandLine), "the original command line is not there: scripts/prepare clients"))
        func `the original command line deploys, shows, scales, runs commands and removes`() async throws {
            try await DevRig.run(nodes: 3) { rig in
                let application = CommandLineScene(rig: rig, program: Self.commandLine)
                try await application.play()
            }
        }

        @Test(.enabled(if: isThere(schemathesis), "schemathesis is not there: scripts/prepare clients"))
        func `nothing that a generator sends is answered with a fault or against the description`() async throws {
            try await DevRig.run(nodes: 1) { rig in
                let key: (access: String, secret: String) = try rig.key
                for place in ["/openapi.json", "/v2-beta/projects/1a5/openapi.json"] {
                    let ended = try await Self.run(
                        Self.schemathesis,
                        [
                            "run", rig.url + place, "--auth", "\(key.access):\(key.secret)", "--checks",
                            "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
                            "--max-examples", "5", "--max-time", EndToEnd.isThorough ? "200" : "40",
                            "--continue-on-failure", "--no-color", "--seed", "1", "--warnings", "off",
                            // What would end the environment, the key or the account that the run itself uses.
                            "--exclude-operation-id", "project_act", "--exclude-operation-id", "project_delete",
                            "--exclude-operation-id", "apiKey_act", "--exclude-operation-id", "apiKey_delete",
                            "--exclude-operation-id", "account_act", "--exclude-operation-id", "account_delete",
                        ],
                        rig,
                        seconds: 400
                    )
                    try #require(ended.status == .exited(code: 0), "\(place)\n\(ended.outputText)\n\(ended.errorText)")
                }
            }
        }

        static func run(
            _ program: String,
            _ arguments: [String],
            _ rig: DevRig,
            environment: [String: String] = [:],
            seconds: Int = 60
        ) async throws -> SubprocessResult {
            let command = SubprocessCommand(
                program,
                arguments,
                environment: Program.environment(
                    ["HOME": rig.folder, "PYTHONDONTWRITEBYTECODE": "1"].merging(environment) { $1 }
                ),
                workingDirectory: rig.folder
            )
            return try await Subprocess.run(command, deadline: .seconds(seconds))
        }
    }
}

/// An afternoon with the original command line.
private struct CommandLineScene {
    let rig: DevRig
    let program: String

    private func rancher(_ arguments: String..., ends code: Int32 = 0) async throws -> String {
        let key: (access: String, secret: String) = try rig.key
        let ended: SubprocessResult = try await EndToEnd.ClientsTests.run(
            program,
            arguments,
            rig,
            environment: [
                "RANCHER_URL": rig.url, "RANCHER_ACCESS_KEY": key.access, "RANCHER_SECRET_KEY": key.secret,
                "RANCHER_ENVIRONMENT": "Default", "RANCHER_CLIENT_CONFIG": "\(rig.folder)/cli.json",
            ],
            seconds: 120
        )
        let text: String = ended.outputText + ended.errorText
        try #require(ended.status == .exited(code: code), "rancher \(arguments.joined(separator: " ")): \(text)")
        return text
    }

    /// The line of a table that has the word.
    private func line(_ word: String, in table: String) throws -> [Substring] {
        let found: Substring? = table.split(separator: "\n").first { $0.contains(word) }
        return try #require(found, "\(word) in\n\(table)").split(separator: " ")
    }

    func play() async throws {
        try Files.write(
            """
            version: '2'
            services:
              web: {image: 'nginx:1', ports: ['8080:80'], labels: {tier: front}, environment: {A: b}}
              db: {image: 'redis:3', command: 'redis-server --save 60 1'}
            """,
            to: "\(rig.folder)/docker-compose.yml"
        )
        try Files.write(
            "version: '2'\nservices:\n  web: {scale: 2}\n",
            to: "\(rig.folder)/rancher-compose.yml"
        )
        try await environments()
        try await deploy()
        try await look()
        try await change()
        try await remove()
    }

    private func environments() async throws {
        try #require(try await line("Default", in: rancher("env", "ls")).first == "1a5")
        let made: String = try await rancher("env", "create", "second").trimmed
        try #require(made.hasPrefix("1a"))
        try #require(try await line("second", in: rancher("env")).contains("active"))
        _ = try await rancher("env", "deactivate", "second")
        _ = try await rancher("env", "rm", "second")
        try #require(!(try await rancher("env", "ls")).contains("second"))
        try #require(try await line("Cattle", in: rancher("env", "templates", "ls")).first == "1pt1")
        try #require(try await rancher("host", "ls").contains("127.1.0.1"))
    }

    private func deploy() async throws {
        for _ in 0..<2 { _ = try await rancher("up", "-d", "-s", "app") }
        _ = try await rancher("wait", "app/web", "app/db")
        let services: String = try await rancher("ps")
        try #require(try line("app/web", in: services).contains("2/2"), "\(services)")
        try #require(try line("app/db", in: services).contains("1/1"))
        let containers: String = try await rancher("ps", "-c")
        for name in ["app-web-1", "app-web-2", "app-db-1"] {
            try #require(try line(name, in: containers).contains("running"), "\(containers)")
        }
        try #require(try await line("app", in: rancher("stack", "ls")).contains("healthy"))
        let inspected: JSONValue = try JSONReader.parse(try await rancher("inspect", "app/web").trimmed)
        try #require(inspected["launchConfig"]?["imageUuid"] == "docker:nginx:1", "\(inspected)")
        try #require(inspected["launchConfig"]?["labels"]?["tier"] == "front")
        try #require(inspected["launchConfig"]?["environment"] == ["A": "b"])
        try #require(inspected["launchConfig"]?["ports"] == ["8080:80/tcp"])
        let database: JSONValue = try JSONReader.parse(try await rancher("inspect", "app/db").trimmed)
        try #require(database["launchConfig"]?["command"] == ["redis-server", "--save", "60", "1"], "\(database)")
    }

    private func look() async throws {
        try #require(try await rancher("logs", "--tail", "10", "app/web").contains("started from nginx:1"))
        try #require(try await rancher("logs", "-s", "app/web").isEmpty)
        for list in [["volume"], ["secret", "ls"], ["catalog", "ls"], ["host", "ls", "-a"]] {
            _ = try await rancher(list[0], list.count > 1 ? list[1] : "ls")
        }
        // It wants a terminal.
        let command: String = "\(program) exec app-web-1 echo hello"
        let key: (access: String, secret: String) = try rig.key
        let typed: SubprocessResult = try await EndToEnd.ClientsTests.run(
            "/usr/bin/script",
            ["--quiet", "--return", "--command", command, "/dev/null"],
            rig,
            environment: [
                "RANCHER_URL": rig.url, "RANCHER_ACCESS_KEY": key.access, "RANCHER_SECRET_KEY": key.secret,
                "RANCHER_ENVIRONMENT": "1a5",
            ]
        )
        try #require(typed.status == .exited(code: 0) && typed.outputText.contains("hello"), "\(typed)")
        try #require(!typed.outputText.contains("websocket"), "\(typed)")
        let missing: String = try await rancher("inspect", "nothing")
        try #require(missing.contains("Not found: nothing"))
    }

    private func change() async throws {
        _ = try await rancher("--wait", "scale", "app/db=2")
        try #require(try await line("app/db", in: rancher("ps")).contains("2/2"))
        let made: String = try await rancher("--wait", "run", "--name", "app/more", "nginx").trimmed
        try #require(made.contains("1s"))
        _ = try await rancher("--wait", "--wait-state", "inactive", "stop", "app/more")
        try #require(try await line("app/more", in: rancher("ps", "-a")).contains("inactive"))
        _ = try await rancher("--wait", "start", "app/more")
        try #require(try await rancher("volume", "create", "--driver", "local", "data").contains("1v"))
        try #require(try await line("data", in: rancher("volume", "ls", "-a")).contains("inactive"))
        _ = try await rancher("volume", "rm", "data")
        let host: Substring = try #require(
            try await rancher("host", "ls").split(separator: "\n").dropFirst().first?.split(separator: " ").first
        )
        let refused: String = try await rancher("rm", String(host), ends: 1)
        try #require(refused.contains("deactivate"), "an active host is not removed: \(refused)")
    }

    private func remove() async throws {
        _ = try await rancher("rm", "--stop", "app/more")
        _ = try await rancher("--wait", "--wait-state", "removed", "rm", "app")
        try await wait(for: "the stack to be gone") { try await rancher("ps", "-c").split(separator: "\n").count == 1 }
        try #require(!(try await rancher("stack", "ls")).contains("app"))
    }
}

extension String {
    fileprivate var trimmed: String {
        String(drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
    }
}
