import Certificates
import EventLoop
import JSON
import TLS
import Testing

extension EndToEnd {
    /// Requests over HTTP/2 that would be others, or more, in HTTP/1.1: through a node to a server behind it.
    ///
    /// `forged` is the name of whatever field must never get there, and `smuggled` the path of a request that nobody made.
    @Suite(.serialized) struct HTTP2SmugglingTests {
        /// What a client sends behind its greeting.
        struct Row: Sendable, CustomTestStringConvertible {
            let name: String
            let bytes: [UInt8]
            /// How many requests the server behind may see of it.
            var seen: Int
            /// nil where it depends on the moment.
            var isServed: Bool?
            var testDescription: String { name }

            init(_ name: String, _ bytes: [UInt8], seen: Int = 0, depends: Bool = false) {
                self.name = name
                self.bytes = bytes
                self.seen = seen
                isServed = depends ? nil : seen == 1
            }
        }

        private static let hidden: String = "GET /lab/smuggled HTTP/1.1\r\nHost: x\r\n\r\n"

        private static func fields(
            _ method: String = "GET",
            _ path: String = "/lab/front",
            _ more: [(String, String)] = [],
            scheme: String = "https",
            authority: String? = "x"
        ) -> [(String, String)] {
            [(":method", method), (":scheme", scheme), (":path", path)] + (authority.map { [(":authority", $0)] } ?? [])
                + more
        }

        private static func get(_ name: String, _ more: [(String, String)] = [], seen: Int = 0) -> Row {
            Row(name, WireFrames.headers(fields("GET", "/lab/front", more)), seen: seen)
        }

        private static func path(_ path: String, seen: Int = 0) -> Row {
            Row("the path '\(path)'", WireFrames.headers(fields("GET", path)), seen: seen)
        }

        private static func method(_ method: String, seen: Int = 0) -> Row {
            Row("the method '\(method)'", WireFrames.headers(fields(method)), seen: seen)
        }

        private static func authority(_ authority: String?, host: [String] = [], seen: Int = 0) -> Row {
            let more: [(String, String)] = host.map { ("host", $0) }
            let fields: [(String, String)] = fields("GET", "/lab/front", more, authority: authority)
            return Row("for '\(authority ?? "nobody")', host \(host)", WireFrames.headers(fields), seen: seen)
        }

        private static func post(
            _ name: String,
            _ more: [(String, String)],
            _ body: String,
            trailers: [(String, String)]? = nil,
            seen: Int = 0
        ) -> Row {
            let head: [UInt8] = WireFrames.headers(fields("POST", "/lab/front", more), ends: false)
            let end: [UInt8] = trailers.map { WireFrames.headers($0) } ?? []
            return Row(name, head + WireFrames.data(body, ends: trailers == nil) + end, seen: seen)
        }

        /// A body that is passed on as it comes.
        private static func long(_ announced: Int?, _ sent: Int) -> [UInt8] {
            let length: [(String, String)] = announced.map { [("content-length", "\($0)")] } ?? []
            var bytes: [UInt8] = WireFrames.headers(fields("POST", "/lab/front", length), ends: false)
            var left: Int = sent
            while left > 0 {
                let count: Int = min(left, 10_000)
                left -= count
                let text = String(repeating: "a", count: count - hidden.utf8.count) + hidden
                bytes += WireFrames.data(text, ends: left == 0)
            }
            return bytes
        }

        private static let honest: [Row] = [
            get("an honest one", seen: 1),
            post("an honest body", [("content-length", "2")], "{}", seen: 1),
            post("an honest body of no announced length", [], "{}", seen: 1),
            // A request that was hidden well is a body.
            post("a request within a body", [("content-length", "\(hidden.utf8.count)")], hidden, seen: 1),
            post("trailers, which are dropped", [], "{}", trailers: [("forged", "1")], seen: 1),
            get("a field that only this connection may see", [("te", "trailers")], seen: 1),
            get("pieces of a cookie", [("cookie", "a=1"), ("cookie", "b=2")], seen: 1),
            get(
                "who says who is calling",
                [("x-api-account-id", "1a1"), ("X-API-Project-Id".lowercased(), "1a5")],
                seen: 1
            ),
            Row("a long body of the announced length", long(70_000, 70_000), seen: 1),
            Row("the scheme http", WireFrames.headers(fields(scheme: "http")), seen: 1),
        ]

        private static let framing: [Row] = [
            post("another coding", [("transfer-encoding", "chunked")], "0\r\n\r\n\(hidden)"),
            post("two framings", [("transfer-encoding", "chunked"), ("content-length", "4")], "0\r\n\r\n\(hidden)"),
            post("no coding", [("transfer-encoding", "identity")], hidden),
            get("the connection's end", [("connection", "close")]),
            post(
                "a length named as the connection's own",
                [("connection", "content-length"), ("content-length", "2")],
                "{}"
            ),
            get("an upgrade", [("upgrade", "h2c"), ("http2-settings", "AAMAAABkAAQAAP__")]),
            get("keep-alive", [("keep-alive", "5")]),
            get("proxy-connection", [("proxy-connection", "keep-alive")]),
            get("another te", [("te", "gzip, trailers")]),
            post("a length that is too large", [("content-length", "200")], hidden),
            post("a length that is too small", [("content-length", "0")], hidden),
            post("a body behind a shorter one", [("content-length", "2")], "{}\(hidden)"),
            post("two lengths", [("content-length", "0"), ("content-length", "\(hidden.utf8.count)")], hidden),
            post("the same length twice", [("content-length", "2"), ("content-length", "2")], "{}"),
            post("a list of lengths", [("content-length", "2, 2")], "{}"),
            post("a signed length", [("content-length", "+2")], "{}"),
            post("a length in hexadecimal", [("content-length", "0x2")], "{}"),
            post("a length with a space", [("content-length", "2 0")], "{}"),
            post("a length without digits", [("content-length", "")], "{}"),
            post("a length of many digits", [("content-length", "18446744073709551618")], "{}"),
            get("a length and no body", [("content-length", "\(hidden.utf8.count)")]),
            // The server behind gets a part, or the announced bytes and no more.
            Row("a long body that ends early", long(90_000, 80_000)),
            Row("a long body that goes on", long(80_000, 90_000), seen: 1, depends: true),
            post("trailers with a framing", [], "{}", trailers: [("transfer-encoding", "chunked")]),
            post("trailers with a length", [], "{}", trailers: [("content-length", "\(hidden.utf8.count)")]),
            post("trailers with a pseudo-header", [], "{}", trailers: [(":path", "/lab/smuggled")]),
            post("trailers that are no fields", [], "{}", trailers: [("x", "a\r\nforged: 1")]),
        ]

        private static let names: [Row] =
            ["a\r\nforged: 1", "a\nforged: 1", "a\rforged: 1", "a\0b", " a", "a\u{7F}", "a\u{0B}b"].map { value in
                get("the value \(value.debugDescription)", [("x-a", value)])
            }
            + [
                "x:forged", "forged: 1\r\nx", "x\r\nforged", "x forged", "x\0forged", "", "Forged", "x\u{FC}", "x\t",
                "(x)",
            ].map {
                name in
                get("the name \(name.debugDescription)", [(name, "a")])
            }
            + [
                get("a cookie of two lines", [("cookie", "a=1"), ("cookie", "b\r\nforged: 1")]),
                get("a list of fields that is too long", (0..<150).map { ("x-\($0)", "a") }),
                get("a field that is too long", [("x-a", String(repeating: "a", count: 20_000))]),
                get(
                    "fields that are too long together",
                    (0..<20).map { ("x-\($0)", String(repeating: "a", count: 9_000)) }
                ),
            ]

        private static let targets: [Row] =
            [
                path("/lab/front HTTP/1.1\r\nforged: 1"), path("/lab/front /lab/smuggled"), path("/lab/front\t"),
                path("/lab/front#smuggled"), path("https://x/lab/front"), path("//x/lab/smuggled"), path(""), path("*"),
                path("lab/front"), path("/lab/front\0"), path("/lab/front\r"), path("/lab/front\u{FC}"),
                path("/lab/front%zz"),
                method("GET /lab/smuggled HTTP/1.1\r\nHost: x\r\n\r\nGET"), method("GET\r\nforged: 1\r\n"), method(""),
                method("GET "), method("G\0T"), method("CONNECT"), method("\u{E9}"),
                Row("CONNECT as it should be", WireFrames.headers([(":method", "CONNECT"), (":authority", "x:443")])),
                Row(
                    "extended CONNECT",
                    WireFrames.headers(fields("CONNECT", "/lab/front", [(":protocol", "websocket")]))
                ),
                Row("another scheme", WireFrames.headers(fields(scheme: "ftp"))),
                Row("a scheme of two lines", WireFrames.headers(fields(scheme: "https\r\nforged: 1"))),
                authority("x", host: ["x"], seen: 1), authority("x", host: ["y"]), authority("x", host: ["x", "x"]),
                authority(nil, host: ["x"], seen: 1), authority(nil, host: ["x", "y"]), authority(nil), authority(""),
                authority("x y"), authority("x\r\nforged: 1"), authority("a@x"), authority("x/lab/smuggled"),
            ]
            + [":method", ":scheme", ":path", ":authority"].map { name in
                Row(
                    "\(name) twice",
                    WireFrames.headers(fields() + [(name, name == ":method" ? "PUT" : "/lab/smuggled")])
                )
            }
            + [":method", ":scheme", ":path"].map { name in
                Row("no \(name)", WireFrames.headers(fields().filter { $0.0 != name }))
            }
            + [
                get("a pseudo-header of answers", [(":status", "200")]),
                get("a pseudo-header that is none", [(":forged", "1")]),
                Row("a late pseudo-header", WireFrames.headers([("x", "y")] + fields())),
            ]

        private static let frames: [Row] = [
            Row("a body on no stream", WireFrames.data(hidden, stream: 3) + WireFrames.headers(fields())),
            Row(
                "a body behind the end",
                WireFrames.headers(fields("POST", "/lab/front"), ends: false) + WireFrames.data("{}")
                    + WireFrames.data(hidden),
                seen: 1,
                depends: true
            ),
            Row(
                "two heads on one stream",
                WireFrames.headers(fields(), ends: false)
                    + WireFrames.headers(fields("GET", "/lab/smuggled"), ends: false)
            ),
            Row(
                "a head behind the end",
                WireFrames.headers(fields()) + WireFrames.headers(fields("GET", "/lab/smuggled")),
                seen: 1,
                depends: true
            ),
            Row(
                "a frame within a head",
                WireFrames.frame(1, 1, 1, WireFrames.literals(fields())) + WireFrames.data(hidden, stream: 3)
                    + WireFrames.frame(9, 4, 1, [])
            ),
            Row(
                "more padding than there is",
                WireFrames.headers(fields("POST", "/lab/front"), ends: false)
                    + WireFrames.frame(0, 9, 1, [200, 65, 66])
            ),
            Row("a stream of an even number", WireFrames.headers(fields(), stream: 2)),
            Row("a field that no table has", WireFrames.frame(1, 5, 1, [0xFF, 0x7F])),
            Row("a head that breaks off", WireFrames.frame(1, 5, 1, [0, 100, 97])),
        ]

        @Test func `a server behind a node sees the requests that the node has read, and no others`() async throws {
            try await DevRig.run(nodes: 1, hosts: 0) { rig in
                let backend: RecordingBackend = try await .behind(rig)
                defer { backend.close() }
                let access: JSONValue = try #require(rig.access)
                let port: Int = try #require(access["httpsUrl"]?.string?.split(separator: ":").last.flatMap { Int($0) })
                let pem: String = try #require(access["caFile"]?.string.flatMap(Files.read))
                let context = try TLSClientContext(
                    trust: .authorities(try Certificate.bundle(pem: Array(pem.utf8))),
                    protocols: ["h2"]
                )
                func exchange(_ bytes: [UInt8]) async throws -> WireFrames.Outcome {
                    let deadline: Deadline = .after(seconds: 10)
                    let plain: SocketStream = try await rig.loop.connect(
                        to: .tcp(host: "127.0.0.1", port: port),
                        before: deadline
                    )
                    let stream: TLSStream = try await context.connect(plain, serverName: nil, before: deadline)
                    defer { stream.close() }
                    try #require(stream.negotiatedProtocol == "h2")
                    return await WireFrames.exchange(bytes, on: stream, before: deadline)
                }
                try await wait(for: "the destination to be used") {
                    try await exchange(Self.honest[0].bytes) == .served
                }
                /// What rows whose outcome depends on the moment may still bring.
                var late: Int = 0
                for row in Self.honest + Self.framing + Self.names + Self.targets + Self.frames {
                    let before: Int = backend.heads.count
                    let outcome: WireFrames.Outcome = try await exchange(row.bytes)
                    if let isServed: Bool = row.isServed {
                        #expect((outcome == .served) == isServed, "\(row.name): \(outcome)")
                    }
                    let heads: [String] = Array(backend.heads[before...])
                    late += row.seen - heads.count
                    #expect(late >= 0, "\(row.name): \(heads)")
                    for head in heads {
                        let lines: [String] = head.lowercased().split(whereSeparator: \.isNewline).map(String.init)
                        let first: [String] = ["get /lab/front http/1.1", "post /lab/front http/1.1"]
                        #expect(lines.first.map(first.contains) == true, "\(row.name): \(head)")
                        for name in ["forged", "x-api-account-id", "x-api-project-id", "te:", ":"] {
                            #expect(!lines.contains { $0.hasPrefix(name) }, "\(row.name): \(head)")
                        }
                    }
                }
                // What was half sent of the others does not become a request later.
                let before: Int = backend.heads.count
                #expect(try await exchange(Self.honest[0].bytes) == .served)
                #expect(backend.heads.count <= before + 1 + late)
            }
        }
    }
}
