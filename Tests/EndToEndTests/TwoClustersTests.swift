import Bytes
import EventLoop
import Glibc
import HTTP
import JSON
import Testing

extension EndToEnd {
    /// What a federation needs of the gateway, with trust that was made by hand: docs/guides/two-clusters.md.
    @Suite(.serialized) struct TwoClustersTests {
        @Test func `a second cluster's environment is listed and served through the first, under numbered ids`()
            async throws
        {
            try await DevRig.run(nodes: 3, hosts: 1) { east in
                try await DevRig.run(nodes: 1, hosts: 1) { west in
                    try await west.up(try west.plain("shop", scale: 1)).ends(0)
                    let user: (id: String, key: String, secret: String) = try await Self.user(of: east)
                    try await Self.join(east, 1, to: west, 2)
                    for node in ["node1", "node2", "node3"] {
                        try await Self.check(Front(rig: east, node: node), west, suffix: node)
                    }
                    let stranger = Front(rig: east, node: "node2", key: (user.key, user.secret))
                    try #require(try await stranger.ask("GET", "projects/1a5c2/stacks").status == 404)
                    let theirs: JSONValue = try await stranger.ask("GET", "projects").body
                    try #require(!"\(theirs)".contains("c2"), "\(theirs)")
                    try await Self.checkLoss(Front(rig: east, node: "node1"), west)
                }
            }
        }

        /// One gateway, asked under the federation's host name.
        private struct Front {
            let rig: DevRig
            let node: String
            var key: (access: String, secret: String)?

            func ask(_ method: String, _ path: String, _ body: JSONValue? = nil) async throws -> (
                status: Int, body: JSONValue
            ) {
                let key: (access: String, secret: String) = try self.key ?? rig.key
                var request = HTTPRequest(
                    method: method,
                    target: path.hasPrefix("/") ? path : "/v2-beta/\(path)",
                    headers: [
                        "Host": "all.test",
                        "Authorization": "Basic " + Base64.encode(Array("\(key.access):\(key.secret)".utf8)),
                    ]
                )
                if let body {
                    request.headers["Content-Type"] = "application/json"
                    request.body = JSONWriter.bytes(body)
                }
                guard let port = Int(try rig.url(of: node).split(separator: ":").last ?? "") else {
                    throw RigFailure("no port")
                }
                let client = HTTPClient(loop: rig.loop)
                defer { client.close() }
                let answer: HTTPClientResponse = try await client.send(request, to: .tcp(host: "127.0.0.1", port: port))
                return (answer.status, (try? JSONReader.parse(answer.body)) ?? .null)
            }

            func follow(_ link: JSONValue?) async throws -> (status: Int, body: JSONValue) {
                let text: String = try #require(link?.string)
                try #require(text.hasPrefix("http://all.test/v2-beta/"), "\(text)")
                return try await ask("GET", String(text.dropFirst("http://all.test".count)))
            }
        }

        /// What an operator types on every node of both: the trust, and a restart.
        private static func join(_ one: DevRig, _ first: Int, to other: DevRig, _ second: Int) async throws {
            func file(_ own: Int, _ rig: DevRig, _ number: Int) throws -> String {
                let access: JSONValue = try #require(rig.access)
                let authority: String = try #require(access["caFile"]?.string.flatMap { Files.read($0) })
                let document: JSONValue = [
                    "host": "all.test", "cluster": JSONValue(own),
                    "links": [
                        [
                            "cluster": JSONValue(number), "name": .string("number \(number)"),
                            "urls": [try #require(access["httpsUrl"])], "authority": .string(authority),
                            "accessKey": try #require(access["accessKey"]),
                            "secretKey": try #require(access["secretKey"]),
                        ]
                    ],
                ]
                return String(decoding: JSONWriter.bytes(document), as: UTF8.self)
            }
            let texts: [(DevRig, String)] = [
                (one, try file(first, other, second)), (other, try file(second, one, first)),
            ]
            for (rig, text) in texts {
                let nodes: [String] = (rig.access?["nodes"]?.array ?? []).compactMap { $0["id"]?.string }
                for node in nodes {
                    let path: String = "\(rig.data)/\(node)/federation.json"
                    try Files.write(text, to: path)
                    try #require(chmod(path, 0o600) == 0)
                }
                try await rig.kill9(nodes)
                for node in nodes {
                    try await wait(for: "\(node) to be back") {
                        let front = Front(rig: rig, node: node)
                        return (try? await front.ask("GET", "projects/1a5").status) == 404
                    }
                }
            }
        }

        private static func user(of rig: DevRig) async throws -> (id: String, key: String, secret: String) {
            let account = try await rig.api("POST", "accounts", ["kind": "user", "name": "somebody"])
            let id: String = try #require(account.body["id"]?.string, "\(account)")
            let key = try await rig.api(
                "POST",
                "apikeys",
                ["accountId": .string(id), "publicValue": "SOMEBODY", "secretValue": "somebodys-secret-value"]
            )
            try #require(key.status == 201, "\(key)")
            return (id, "SOMEBODY", "somebodys-secret-value")
        }

        private static func check(_ front: Front, _ west: DevRig, suffix: String) async throws {
            let list: JSONValue = try await front.ask("GET", "projects").body
            let environments: [JSONValue] = list["data"]?.array ?? []
            try #require(environments.compactMap { $0["id"]?.string }.sorted() == ["1a5c1", "1a5c2"], "\(list)")
            try #require(list["clusters"]?.array?.allSatisfy { $0["state"] == "active" } ?? false, "\(list)")
            // From the list by its links, as clients go.
            let there: JSONValue = try #require(environments.first { $0["id"] == "1a5c2" })
            let services = try await front.follow(there["links"]?["services"])
            let service: JSONValue = try #require(services.body["data"]?.array?.first, "\(services)")
            try #require(service["id"]?.string?.hasSuffix("c2") ?? false, "\(service)")
            let stack = try await front.follow(service["links"]?["stack"])
            try #require(stack.body["name"] == "shop" && stack.body["id"] == service["stackId"], "\(stack)")
            // Made there through here, and there under its own name and bare id.
            let made = try await front.ask("POST", "projects/1a5c2/stacks", ["name": .string("made-\(suffix)")])
            let id: String = try #require(made.body["id"]?.string, "\(made)")
            try #require(made.status == 201 && id.hasSuffix("c2"), "\(made)")
            let bare: String = String(id.dropLast(2))
            try #require(try await west.api("GET", "projects/1a5/stacks/\(bare)").body["id"]?.string == bare)
            let inside = try await front.ask(
                "POST",
                "projects/1a5c2/services",
                [
                    "name": "web", "stackId": .string(id), "scale": 0,
                    "launchConfig": ["imageUuid": "docker:example/web:1"],
                ]
            )
            try #require(inside.status == 201 && inside.body["stackId"]?.string == id, "\(inside)")
            // Here, too: with the number, and not with another's or none.
            let own = try await front.ask("POST", "projects/1a5c1/stacks", ["name": .string("own-\(suffix)")])
            try #require(own.body["id"]?.string?.hasSuffix("c1") ?? false, "\(own)")
            let wrong = try await front.ask(
                "POST",
                "projects/1a5c1/services",
                ["name": "web", "stackId": .string(id), "launchConfig": ["imageUuid": "docker:example/web:1"]]
            )
            try #require(wrong.status == 422 && wrong.body["fieldName"] == "stackId", "\(wrong)")
            for (path, words) in [
                ("projects/1a5/stacks", "could be in any of its clusters"),
                ("projects/1a5c1/stacks/1st1c2", "nothing is in both"),
                ("projects/1a5c3/stacks", "There is no cluster 3"),
            ] {
                let refused = try await front.ask("GET", path)
                try #require(refused.status == 404 && "\(refused.body)".contains(words), "\(path): \(refused)")
            }
            // Under its own name this cluster is as it ever was.
            try #require(try await front.rig.api("GET", "projects/1a5", node: front.node).body["id"] == "1a5")
        }

        /// The other cluster goes: what is here stays, and the rest is said.
        private static func checkLoss(_ front: Front, _ west: DevRig) async throws {
            west.freeze()
            defer { west.thaw() }
            try await west.kill9(["node1"])
            let list: JSONValue = try await front.ask("GET", "projects").body
            try #require(list["data"]?.array?.count == 1, "\(list)")
            let state: JSONValue? = list["clusters"]?.array?.first { $0["cluster"] == 2 }
            try #require(state?["state"] == "unreachable" && state?["message"]?.string != nil, "\(list)")
            let asked = try await front.ask("POST", "projects/1a5c2/stacks", ["name": "late"])
            try #require(asked.status == 503 && "\(asked.body)".contains("Nothing was changed there"), "\(asked)")
            try #require(try await front.ask("GET", "projects/1a5c1/stacks").status == 200)
        }
    }
}
