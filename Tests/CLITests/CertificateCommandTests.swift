import Certificates
import Glibc
import JSON
import Synchronization
import Testing

@testable import CLI

@Suite(.timeLimit(.minutes(1))) struct CertificateCommandTests {
    private static let path: String = "/v2-beta/clientcertificates"

    private static let made: JSONObject = [
        "id": "1c7", "type": "clientCertificate", "name": "laptop", "accountId": "1a20", "state": "active",
        "certificate": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "expires": "2027-01-01T00:00:00Z", "publicValue": "4fa0a0a0a0a0a0a0a0a0a0a0a0a0a0a0", "links": [:],
    ]

    private func run(_ body: (FakeServer, _ folder: String) async throws -> Void) async throws {
        try await FakeServer.run { server in
            server.state.withLock { state in
                state.canned = [
                    "POST \(Self.path)": Self.made,
                    "GET \(Self.path)": ["type": "collection", "data": [.object(Self.made)]],
                ]
            }
            try await withFolder(["mine.csr": "a request", "a.pem": "x", "a.key": "y"]) { folder in
                try await body(server, folder)
            }
        }
    }

    private func request(_ server: FakeServer) -> JSONValue? {
        server.state.withLock { $0.bodies["POST \(Self.path)"] }
    }

    @Test func `a new key stays here, and only a request signed with it goes to the server`() async throws {
        try await run { server, folder in
            let (key, certificate): (String, String) = ("\(folder)/new/my.key", "\(folder)/new/my.pem")
            let ended: Ended = await drover(
                "certificate",
                "create",
                "--name",
                "laptop",
                "--days",
                "7",
                "--key-file",
                key,
                "--certificate-file",
                certificate,
                server: server
            )
            #expect(ended.code == 0 && ended.out == "\(certificate)\n" && ended.error.contains(key), "\(ended)")
            #expect(mode(of: key) == 0o600 && TextFile.read(certificate) == Self.made.text("certificate"))
            let sent: JSONValue = try #require(request(server))
            #expect(sent["name"] == "laptop" && sent["accountId"] == nil)
            #expect(sent["expires"]?.string?.hasSuffix("Z") == true)
            let text: String = try #require(sent["certificateRequest"]?.string)
            _ = try CertificateRequest(pem: Array(text.utf8))
            let secret: String = try #require(TextFile.read(key))
            _ = try PrivateKey(pem: Array(secret.utf8))
            #expect(!text.contains("PRIVATE"))
            for file in [key, certificate] { unlink(file) }
            rmdir("\(folder)/new")
        }
    }

    @Test func `a request that was made elsewhere is certified, also for somebody else`() async throws {
        try await run { server, folder in
            let ended: Ended = await drover(
                "certificate",
                "create",
                "--request",
                "\(folder)/mine.csr",
                "--account",
                "1a21",
                server: server
            )
            #expect(ended.code == 0 && ended.out == Self.made.text("certificate"), "\(ended)")
            #expect(request(server) == ["certificateRequest": "a request", "accountId": "1a21"])
        }
    }

    @Test func `they are listed, and revoked by id and by serial number`() async throws {
        try await run { server, _ in
            let listed: Ended = await drover("certificate", "ls", server: server)
            #expect(listed.code == 0 && listed.out.contains("laptop") && listed.out.contains("4fa0a0"), "\(listed)")
            server.state.withLock { state in
                state.canned["POST \(Self.path)/1c7"] = ["id": "1c7"]
                state.canned["DELETE \(Self.path)/1c7"] = ["id": "1c7"]
            }
            for word in ["1c7", Self.made.text("publicValue") ?? ""] {
                let ended: Ended = await drover("certificate", "revoke", word, server: server)
                #expect(ended.code == 0 && ended.out.contains("1c7"), "\(ended)")
            }
            let both: [String] = ["POST \(Self.path)/1c7", "DELETE \(Self.path)/1c7"]
            #expect(server.writes == both + both)
        }
    }

    @Test func `what does not fit together is bad usage, and a certificate is never shown in plain text`() async throws
    {
        try await run { server, folder in
            for words in [
                ["create", "--account", "1a7"], ["create", "--key-file", "k"], ["create", "--days", "0"],
                ["create", "--request", "\(folder)/mine.csr", "--use"], ["create", "x"], ["revoke"], ["lx"],
            ] {
                let ended: Ended = await drover(["certificate"] + words, server: server)
                #expect(ended.code == 2, "\(words): \(ended)")
            }
            let (certificate, key): (String, String) = ("\(folder)/a.pem", "\(folder)/a.key")
            for (words, code): ([String], Int32) in [
                (["--client-certificate", certificate], 2), (["--client-key", key], 2),
                (
                    [
                        "--client-certificate", certificate, "--client-key", key, "--access-key", "a", "--secret-key",
                        "b",
                    ], 2
                ),
            ] {
                let ended: Ended = await drover(words + ["env"], server: server)
                #expect(ended.code == code, "\(words): \(ended)")
            }
            let given: [String] = ["--url", server.url, "--client-certificate", certificate, "--client-key", key]
            let shown: Ended = await drover(given + ["env"])
            #expect(shown.code == 1 && shown.error.contains("over https only"), "\(shown)")
            let plain: Ended = await drover(["certificate", "create", "--use"], server: server)
            #expect(plain.code == 1 && plain.error.contains("https"), "\(plain)")
            #expect(server.writes.isEmpty)
        }
    }

    @Test func `a saved context keeps the names of the files, not what is in them`() async throws {
        try await withFolder(["a.pem": "x", "a.key": "y"]) { folder in
            let environment: [String: String] = [
                "XDG_CONFIG_HOME": folder, "DROVER_CLIENT_CERTIFICATE": "\(folder)/a.pem",
                "DROVER_CLIENT_KEY": "\(folder)/a.key",
            ]
            let saved: Ended = await drover(
                ["--url", "https://127.0.0.1:9", "context", "save", "work"],
                environment: environment
            )
            #expect(saved.code == 0, "\(saved)")
            let shown: Ended = await drover(["context"], environment: ["XDG_CONFIG_HOME": folder])
            #expect(shown.out.contains("a certificate") && shown.error.contains("\(folder)/a.pem"), "\(shown)")
            let used: Ended = await drover(
                ["--ca-file", "\(folder)/a.pem", "env"],
                environment: ["XDG_CONFIG_HOME": folder]
            )
            #expect(used.code == 1 && used.error.contains("cannot be used"), "\(used)")
            // Another server does not get to see it.
            let other: Ended = await drover(
                ["--url", "http://127.0.0.1:9", "context"],
                environment: ["XDG_CONFIG_HOME": folder]
            )
            #expect(other.error.contains("no key"), "\(other)")
            unlink("\(folder)/drover/context.json")
            rmdir("\(folder)/drover")
        }
    }
}
