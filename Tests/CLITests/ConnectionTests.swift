import Testing

@testable import CLI

struct ConnectionTests {
    static let addresses: [(String, String?)] = [
        ("http://h", "http://h"), ("http://h:8080/", "http://h:8080"), ("h:81", "http://h:81"),
        ("http://h/x/v2-beta/", "http://h/x"),
        ("HTTP://h:80/v1", "http://h"), ("http://[::1]:81", "http://[::1]:81"), ("http://", nil), ("http://h:0", nil),
        ("http://h:x", nil), ("https://h", "https://h"), ("https://h:8443/x", "https://h:8443/x"),
        ("https://h:443", "https://h"), ("http://u@h", nil), ("http://h:65536", nil),
    ]

    @Test(arguments: addresses)
    func `addresses of servers`(text: String, shown: String?) {
        #expect((try? ServerAddress(parsing: text))?.description == shown)
    }

    @Test func `links of any host are followed on the server that the key is for`() throws {
        let address = try ServerAddress(parsing: "http://h:8080/prefix")
        #expect(address.target(of: "http://elsewhere/v2-beta/x?marker=m1") == "/v2-beta/x?marker=m1")
        #expect(address.target(of: "http://elsewhere") == "/")
    }

    private func connection(_ environment: [String: String], _ folder: String, _ words: String...) throws -> Connection
    {
        let arguments = try ParsedArguments(parsing: words, options: OptionSpec.global)
        return try .find(
            Invocation(
                arguments: arguments,
                console: Printed().console(),
                environment: environment,
                directory: folder,
                version: "1",
                output: .table
            )
        )
    }

    @Test func `options come before the environment and that before files`() async throws {
        let access: String = #"{"url": "http://dev:1", "accessKey": "devkey", "secretKey": "s"}"#
        try await withFolder(["access.json": access], name: ".drover-dev") { data in
            let folder = String(data.dropLast("/.drover-dev".count))
            let dev: Connection = try connection([:], folder)
            #expect(
                "\(dev.address)" == "http://dev:1" && dev.accessKey == "devkey"
                    && dev.keySource.hasSuffix("/access.json")
            )
            #expect(try connection(["DROVER_DATA": data], "/").accessKey == "devkey")

            let other: Connection = try connection(["DROVER_URL": "http://other:1"], folder)
            #expect("\(other.address)" == "http://other:1" && other.accessKey == nil)
            #expect(try connection(["DROVER_URL": "http://dev:1/v2-beta"], folder).accessKey == "devkey")

            let variables: [String: String] = [
                "DROVER_URL": "http://v:1", "DROVER_ACCESS_KEY": "v", "DROVER_SECRET_KEY": "v",
            ]
            #expect(try connection(variables, folder).accessKey == "v")
            let both: Connection = try connection(
                variables,
                folder,
                "--url",
                "http://o:1",
                "--access-key",
                "o",
                "--secret-key",
                "o",
                "--env",
                "e"
            )
            #expect("\(both.address)" == "http://o:1" && both.accessKey == "o" && both.environmentName == "e")
        }
    }

    @Test func `a saved context is used, private, and shows no secret`() async throws {
        try await withFolder(["context.json": "{}"], name: "drover") { folder in
            let home = String(folder.dropLast("/drover".count))
            let environment: [String: String] = ["XDG_CONFIG_HOME": home]
            let saved: Ended = await drover(
                "--url",
                "http://h:1",
                "--access-key",
                "AK",
                "--secret-key",
                "hidden",
                "--env",
                "test",
                "context",
                "save",
                "work",
                environment: environment
            )
            #expect(saved.code == 0, "\(saved.error)")
            #expect(mode(of: "\(folder)/context.json") == 0o600)
            #expect(await drover("--url", "http://h:2", "context", "save", "home", environment: environment).code == 0)
            #expect(try connection(environment, "/").address.port == 2)
            #expect(await drover("context", "use", "work", environment: environment).code == 0)
            let used: Connection = try connection(environment, "/")
            #expect(
                used.secretKey == "hidden" && used.environmentName == "test" && used.keySource == "the context 'work'"
            )

            let shown: Ended = await drover("context", "show", environment: environment)
            #expect(shown.out.contains("*        work  http://h:1  AK    test") && !shown.out.contains("hidden"))
            #expect(!(await drover("context", "--output", "json", environment: environment).out.contains("hidden")))
            let unknown: Ended = await drover("context", "use", "wrok", environment: environment)
            #expect(unknown.code == 1 && unknown.error.contains("(did you mean 'work'?)"))
            try TextFile.replacePrivately("\(folder)/context.json", with: "{nonsense")
            #expect(await drover("stacks", environment: environment).error.contains("context.json: line 1"))
        }
    }
}
