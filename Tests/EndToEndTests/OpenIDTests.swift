import EventLoop
import Glibc
import HTTP
import JSON
import Subprocess
import Testing

extension EndToEnd {
    /// Logging in through a provider that is not ours: Authlib, as a process.
    @Suite(.serialized, .enabled("Authlib is not here: scripts/prepare openid", { OpenIDRig.python != nil }))
    struct OpenIDTests {
        @Test(arguments: ["ES256", "RS256"])
        func `a person of a provider logs in, is a member by a group, and the secret is on no disk`(algorithm: String)
            async throws
        {
            try await HandRig.run { rig in
                try await rig.found(["node1", "node2"])
                try await OpenIDRig.run(rig, algorithm) { provider in
                    let made = try await provider.enable()
                    try #require(made.status == 201, "\(made)")
                    let end: HTTPClientResponse = try await provider.visit(from: "node1", to: "node2")
                    try #require(end.status == 302 && end.headers["location"] == "/", "\(end.status)")
                    let cookies: [String] = end.headers.all("set-cookie")
                    let token: String = try #require(
                        cookies.first {
                            $0.hasPrefix("token=") && $0.contains("HttpOnly") && $0.contains("SameSite=Lax")
                        }
                        .flatMap { $0.split(separator: ";").first?.dropFirst(6) }.map(String.init),
                        "\(cookies)"
                    )
                    let own: JSONValue = try await provider.get("identities", token)
                    let names: [String] = own["data"]?.array?.compactMap { $0["id"]?.string } ?? []
                    try #require(names.count == 4 && names.contains("1i!openid_group:ops"), "\(names)")
                    try #require(names.contains("1i!openid_user:person-7"))
                    let current: JSONValue = try await provider.get("token", token)
                    try #require(current["data"]?.array?.first?["user"] == "zoe")
                    // A second login is the same account's.
                    let again: HTTPClientResponse = try await provider.visit(from: "node2", to: "node1")
                    try #require(again.status == 302)
                    let accounts = try await rig.api("GET", "accounts?name=Zoe%20Provided", node: "node1")
                    try #require(accounts.body["data"]?.array?.count == 1, "\(accounts)")

                    // Who belongs to the group belongs to the environment.
                    try #require(try await provider.status("projects/1a5/stacks", token) == 403)
                    let members: JSONValue = [
                        "members": [
                            ["externalId": "1a1", "externalIdType": "rancher_id", "role": "owner"],
                            ["externalId": "ops", "externalIdType": "openid_group", "role": "member"],
                        ]
                    ]
                    let set = try await rig.api("POST", "projects/1a5?action=setmembers", members, node: "node1")
                    try #require(set.status == 200, "\(set)")
                    try await wait(for: "the group to count") {
                        try await provider.status("projects/1a5/stacks", token) == 200
                    }

                    try await provider.refusals()
                    for node in ["node1", "node2"] { try await rig.stop(node) }
                    let found: [String] = try await files(with: OpenIDRig.secret, in: rig.data("node1"))
                    try #require(found.isEmpty, "the client's secret stands in \(found)")
                    try #require(try await files(with: OpenIDRig.secret, in: rig.data("node2")).isEmpty)
                }
            }
        }
    }
}

/// A provider beside a cluster, and a browser.
struct OpenIDRig {
    let rig: HandRig
    let folder: String
    let port: Int
    private let client: HTTPClient

    static let secret: String = "planted-client-secret"

    /// A Python that has Authlib and Flask; nil when there is none.
    static let python: String? = {
        let candidates: [String] =
            [
                getenv("DROVER_OPENID_PYTHON").map { String(cString: $0) },
                #filePath.replacing("Tests/EndToEndTests/OpenIDTests.swift", with: ".build/openid/bin/python"),
            ].compactMap(\.self)
        return candidates.first { access($0, X_OK) == 0 }
    }()

    static func run(_ rig: HandRig, _ algorithm: String, _ body: (OpenIDRig) async throws -> Void) async throws {
        let python: String = try #require(Self.python)
        let folder: String = "\(rig.folder)/provider"
        try await certificates(folder)
        let port: Int = 20_000 + Int(getpid()) % 20_000
        let script: String = #filePath.replacing("OpenIDTests.swift", with: "OpenID/provider.py")
        let child: ChildProcess = try .spawn(
            SubprocessCommand(
                python,
                [
                    script, String(port), "\(folder)/leaf.pem", "\(folder)/leaf.key", "drover", secret,
                    "http://\(rig.address("node2")):8080/v2-beta/openid/callback", algorithm,
                ],
                environment: Program.environment(["HOME": rig.folder]),
                workingDirectory: folder
            ),
            standardOutput: .appendTo("\(rig.folder)/provider.log"),
            standardError: .appendTo("\(rig.folder)/provider.log"),
            ownGroup: false
        )
        let result: Result<Void, any Error>
        do { result = .success(try await body(OpenIDRig(rig, folder, port))) } catch { result = .failure(error) }
        child.kill()
        _ = await child.wait()
        try result.get()
    }

    private init(_ rig: HandRig, _ folder: String, _ port: Int) {
        self.rig = rig
        self.folder = folder
        self.port = port
        client = rig.client
    }

    /// An authority, and a certificate of it for 127.0.0.1.
    private static func certificates(_ folder: String) async throws {
        let script: String = """
            set -e
            mkdir -p "$1"; cd "$1"
            openssl ecparam -name prime256v1 -genkey -noout -out ca.key
            openssl req -x509 -new -key ca.key -subj /CN=provider-ca -days 30 -out ca.pem \
              -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign
            openssl ecparam -name prime256v1 -genkey -noout -out leaf.key
            openssl req -new -key leaf.key -subj /CN=provider -out leaf.csr
            { echo subjectAltName=IP:127.0.0.1; echo basicConstraints=CA:FALSE; } > ext
            { echo extendedKeyUsage=serverAuth; echo keyUsage=digitalSignature; } >> ext
            openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile ext -out leaf.pem
            """
        let made: SubprocessResult = try await Subprocess.run(
            "sh",
            ["-c", script, "sh", folder],
            environment: Program.environment()
        )
        try #require(made.status == .exited(code: 0), "\(made.errorText)")
    }

    // MARK: The administrator

    private var issuer: String { "https://127.0.0.1:\(port)/realm" }

    /// Once the provider answers.
    func enable(_ changes: JSONObject = [:]) async throws -> (status: Int, body: JSONValue, revision: Int64) {
        // The address that the provider sends browsers back to is the cluster's.
        _ = try await rig.api(
            "POST",
            "settings",
            ["name": "api.host", "value": .string("http://\(rig.address("node2")):8080")],
            node: "node1"
        )
        var body: JSONObject = [
            "enabled": true, "issuer": .string(issuer), "clientId": "drover", "clientSecret": .string(Self.secret),
            "authority": JSONValue(Files.read("\(folder)/ca.pem")), "scopes": "openid profile",
        ]
        for (name, value) in changes { body[name] = value }
        return try await wait(for: "the provider") {
            let answer = try await rig.api("POST", "openidconfigs", .object(body), node: "node1")
            return answer.status == 422 && changes.isEmpty ? nil : answer
        }
    }

    func get(_ path: String, _ token: String) async throws -> JSONValue {
        let answer: HTTPClientResponse = try await send(path, node: "node1", ["Cookie": "token=\(token)"])
        return try JSONReader.parse(answer.body)
    }

    func status(_ path: String, _ token: String) async throws -> Int {
        try await send(path, node: "node1", ["Authorization": "Bearer \(token)"]).status
    }

    private func send(_ path: String, node: String, _ headers: HTTPHeaders = [:]) async throws -> HTTPClientResponse {
        try await client.send(
            HTTPRequest(method: "GET", target: path.hasPrefix("/") ? path : "/v2-beta/\(path)", headers: headers),
            to: .tcp(host: rig.address(node), port: 8080)
        )
    }

    // MARK: The browser

    /// Leaves through one node, agrees at the provider, and comes back to another.
    func visit(from first: String, to second: String) async throws -> HTTPClientResponse {
        let (cookie, target): (String, String) = try await leave(from: first)
        let back: String = try await agree(target)
        return try await send(back, node: second, ["Cookie": cookie])
    }

    /// The browser's cookie, and where it is sent.
    private func leave(from node: String) async throws -> (cookie: String, target: String) {
        let mode: JSONValue = try JSONReader.parse(try await send("token", node: node).body)
        let start: String = try #require(mode["data"]?.array?.first?["redirectUrl"]?.string)
        let path: String = try #require(start.firstRange(of: "/v2-beta").map { String(start[$0.lowerBound...]) })
        let left: HTTPClientResponse = try await send(path, node: node)
        try #require(left.status == 302, "\(left.status) \(String(decoding: left.body, as: UTF8.self))")
        let cookie: String = try #require(
            left.headers.all("set-cookie").first { $0.hasPrefix("drover_visit=") && $0.contains("HttpOnly") }
                .flatMap { $0.split(separator: ";").first }.map(String.init)
        )
        return (cookie, try #require(left.headers["location"]))
    }

    /// What the provider answers, as the path on the cluster that it sends the browser to.
    private func agree(_ target: String) async throws -> String {
        let answer: SubprocessResult = try await Subprocess.run(
            "curl",
            [
                "--silent", "--cacert", "\(folder)/ca.pem", "--output", "/dev/null", "--write-out", "%{redirect_url}",
                target,
            ],
            environment: Program.environment()
        )
        let location: String = answer.outputText
        let path: String = try #require(
            location.firstRange(of: "/v2-beta").map { String(location[$0.lowerBound...]) },
            "the provider sends to '\(location)'"
        )
        return path
    }

    /// What must not get in.
    func refusals() async throws {
        let (cookie, target): (String, String) = try await leave(from: "node1")
        let back: String = try await agree(target)
        let stranger: HTTPClientResponse = try await send(back, node: "node2")
        try #require(stranger.status == 400, "another browser came back, and got \(stranger.status)")
        let other: (cookie: String, target: String) = try await leave(from: "node1")
        try #require(try await send(back, node: "node2", ["Cookie": other.cookie]).status == 400)
        try #require(try await send(back, node: "node2", ["Cookie": cookie]).status == 302)
        try #require(try await send(back, node: "node2", ["Cookie": cookie]).status == 400, "a visit ended twice")
        try #require(try await send(back, node: "node1", ["Cookie": cookie]).status == 400, "a code was good twice")
        // Nobody else's provider, and nobody else's certificates.
        let wrongIssuer = try await enable(["issuer": .string("\(issuer)/other")])
        try #require(wrongIssuer.status == 422, "\(wrongIssuer)")
        let untrusted = try await enable(["authority": JSONValue(Files.read("\(rig.data("node1"))/tls/authority.pem"))])
        try #require(untrusted.status == 422, "\(untrusted)")
        let shown = try await rig.api("GET", "openidconfigs", node: "node2")
        try #require(shown.body["data"]?.array?.first?["clientSecret"] == .null)
    }
}
