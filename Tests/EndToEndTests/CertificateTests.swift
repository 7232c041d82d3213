import Bytes
import Certificates
import EventLoop
import Glibc
import HTTP
import JSON
import Subprocess
import TLS
import Testing
import WebSocket

extension EndToEnd {
    /// People who show certificates to three nodes.
    @Suite(.serialized) struct CertificateProcessTests {
        private static let curl: String = "/usr/bin/curl"
        private static let nodes: [String] = ["node1", "node2", "node3"]

        @Test(.enabled(if: access(curl, X_OK) == 0, "curl is not there: scripts/prepare test"))
        func `who shows a certificate is its account on every node, until it is revoked or its authority is replaced`()
            async throws
        {
            try await HandRig.run { rig in
                try await rig.found(Self.nodes)
                let ann: String = try #require(
                    try await rig.api("POST", "accounts", ["name": "ann"], node: "node2").body["id"]?.string
                )
                let key = try await rig.api("POST", "apikeys", ["accountId": .string(ann)], node: "node3").body
                // She is one of an environment, so that she has something to change.
                let members: JSONValue = .array(
                    [(ann, "member"), ("1a1", "owner")].map { id, role -> JSONValue in
                        ["externalIdType": "rancher_id", "externalId": .string(id), "role": .string(role)]
                    }
                )
                let joined = try await rig.api(
                    "POST",
                    "projects/1a5?action=setmembers",
                    ["members": members],
                    node: "node1"
                )
                try #require(joined.status < 300, "\(joined)")
                var one: Holder = try await create(
                    rig,
                    "one",
                    [
                        "--access-key", try #require(key["publicValue"]?.string), "--secret-key",
                        try #require(key["secretValue"]?.string),
                    ]
                )
                for node in Self.nodes {
                    for version in ["--http1.1", "--http2"] {
                        let read = try await ask(rig, one, "accounts/\(ann)", node, [version])
                        try #require(read.status == "200" && read.body.contains("\"name\":\"ann\""), "\(read)")
                    }
                    // Whoever of the three owns the environment: the others forward it.
                    let write = try await ask(
                        rig,
                        one,
                        "projects/1a5/stacks",
                        node,
                        ["--json", "{\"name\":\"of-\(node)\"}"]
                    )
                    try #require(write.status == "201" && write.body.contains("\"creatorId\":\"\(ann)\""), "\(write)")
                }
                // The port for nodes is none for people.
                let peer = try await ask(rig, one, "cluster", "node1", [], port: 9080)
                try #require(peer.status == "403" && peer.body.contains("PeerRefused"), "\(peer)")
                // Nobody without it, as ever.
                try #require(try await ask(rig, nil, "accounts/\(ann)", "node1").status == "401")
                // The command line goes on with nothing but the context, and makes the next one with the present one.
                let used: Ended = try await rig.drover(["context"])
                try #require(used.code == 0 && used.error.contains("with the certificate"), "\(used)")
                let two: Holder = try await create(rig, "two")
                try #require(one.serial != two.serial)

                let sockets: [WebSocket] = try await open(rig, one)
                try await rig.drover(["certificate", "revoke", one.serial]).ends(0)
                for socket in sockets { while (try? await socket.receive()) != nil {} }
                for node in Self.nodes {
                    try await wait(for: "\(node) to refuse the certificate") {
                        try await ask(rig, one, "accounts/\(ann)", node).status == "401"
                    }
                    try #require(try await ask(rig, two, "accounts/\(ann)", node).status == "200")
                }
                let audit = try await rig.api("GET", "auditlogs?eventType=api.stack.create&limit=1", node: "node3").body
                let row: JSONValue? = audit["data"]?.array?.first
                try #require(row?["authType"] == "clientCertificate" && row?["certificate"]?.string == one.serial)

                // While the authority is replaced both are believed, afterwards the new one alone.
                try await rig.drover(["cluster", "rotate-ca", "--hold", "3", "--no-follow"], node: "node1").ends(0)
                for node in Self.nodes {
                    try #require(try await ask(rig, two, "accounts/\(ann)", node).status == "200")
                }
                try await wait(for: "the end of the exchange", seconds: 60) {
                    let status = try await rig.api("GET", "cluster", node: "node2")
                    return status.status == 200 && (status.body["rotation"] ?? .null).isNull
                }
                for node in Self.nodes {
                    try await wait(for: "\(node) to refuse the old authority's") {
                        try await ask(rig, two, "accounts/\(ann)", node, trust: "tls/authority.pem").status != "200"
                    }
                }
                one = try await create(
                    rig,
                    "three",
                    [
                        "--access-key", try #require(key["publicValue"]?.string), "--secret-key",
                        try #require(key["secretValue"]?.string),
                    ]
                )
                for node in Self.nodes {
                    try #require(try await ask(rig, one, "accounts/\(ann)", node).status == "200")
                }
            }
        }

        @Test(.enabled(if: access(curl, X_OK) == 0, "curl is not there: scripts/prepare test"))
        func `a restored cluster believes no certificate of before, also when its authority goes on`() async throws {
            try await HandRig.run { rig in
                try await rig.found(["node1"])
                let key: (access: String, secret: String) = rig.credentials
                let options: [String] = ["--access-key", key.access, "--secret-key", key.secret]
                let before: Holder = try await create(rig, "before", options)
                try #require(try await ask(rig, before, "accounts/1a1", "node1").status == "200")
                let file: String = "\(rig.folder)/cluster.backup"
                try await rig.drover(["cluster", "backup", file], node: "node1").ends(0)
                try await rig.kill9("node1")
                try await rig.drover(
                    ["cluster", "restore", file, "--sealing-key", "\(rig.data("node1"))/sealing.key"]
                        + rig.options("node2")
                ).ends(0)
                try rig.start("node2")
                // It gets through the handshake, and its record is there and active.
                try await wait(for: "node2 to answer") {
                    try await ask(rig, before, "accounts/1a1", "node2").status == "401"
                }
                let kept = try await rig.api("GET", "clientcertificates", node: "node2").body["data"]?.array?.first
                try #require(kept?["publicValue"]?.string == before.serial && kept?["state"] == "active")
                let after: Holder = try await create(rig, "after", options, node: "node2")
                try #require(try await ask(rig, after, "accounts/1a1", "node2").status == "200")
            }
        }

        private struct Holder {
            var certificate: String
            var key: String
            var serial: String
        }

        private func create(
            _ rig: HandRig,
            _ name: String,
            _ more: [String] = [],
            node: String = "node1"
        ) async throws -> Holder {
            let (certificate, key): (String, String) = ("\(rig.folder)/\(name).pem", "\(rig.folder)/\(name).key")
            try await rig.drover(
                [
                    "--url", "https://\(rig.address(node)):8443", "--ca-file",
                    "\(rig.data(node))/tls/authority.pem",
                ]
                    + more + [
                        "certificate", "create", "--use", "--certificate-file", certificate, "--key-file", key,
                        "--name",
                        name,
                    ]
            ).ends(0)
            var status = stat()
            try #require(stat(key, &status) == 0 && status.st_mode & 0o777 == 0o600)
            let made = try Certificate(pem: Array((Files.read(certificate) ?? "").utf8))
            return Holder(certificate: certificate, key: key, serial: made.serial)
        }

        /// The status (`000` where the handshake came to nothing) and the body.
        private func ask(
            _ rig: HandRig,
            _ holder: Holder?,
            _ path: String,
            _ node: String,
            _ arguments: [String] = [],
            port: Int = 8443,
            trust: String = "tls/authority.pem"
        ) async throws -> (status: String, body: String) {
            let shown: [String] = holder.map { ["--cert", $0.certificate, "--key", $0.key] } ?? []
            let result: SubprocessResult = try await Subprocess.run(
                SubprocessCommand(
                    Self.curl,
                    ["--silent", "--cacert", "\(rig.data(node))/\(trust)", "--write-out", "\n%{http_code}"] + shown
                        + arguments + ["https://\(rig.address(node)):\(port)/v2-beta/\(path)"],
                    environment: Program.environment(["HOME": rig.folder]),
                    workingDirectory: rig.folder
                ),
                deadline: .seconds(60)
            )
            let lines: [Substring] = result.outputText.split(separator: "\n", omittingEmptySubsequences: false)
            return (String(lines.last ?? ""), lines.dropLast().joined(separator: "\n"))
        }

        /// A subscription on each node, over a connection that shows the certificate.
        private func open(_ rig: HandRig, _ holder: Holder) async throws -> [WebSocket] {
            let identity = TLSIdentity(
                certificates: [try Certificate(pem: Array((Files.read(holder.certificate) ?? "").utf8))],
                key: try PrivateKey(pem: Array((Files.read(holder.key) ?? "").utf8))
            )
            let authority: [UInt8] = Array((Files.read("\(rig.data("node1"))/tls/authority.pem") ?? "").utf8)
            let context = try TLSClientContext(
                identity: identity,
                trust: .authorities(try Certificate.bundle(pem: authority))
            )
            var sockets: [WebSocket] = []
            for node in Self.nodes {
                let address: String = rig.address(node)
                let client = HTTPClient(loop: rig.client.loop) { endpoint, loop, deadline in
                    try await context.connect(
                        try await loop.connect(to: endpoint, before: deadline),
                        serverName: address,
                        before: deadline
                    )
                }
                let socket: WebSocket = try await .connect(
                    to: .tcp(host: address, port: 8443),
                    target: "/v2-beta/projects/1a5/subscribe?eventNames=resource.change",
                    client: client
                )
                _ = try await socket.receive()
                sockets.append(socket)
            }
            return sockets
        }
    }
}
