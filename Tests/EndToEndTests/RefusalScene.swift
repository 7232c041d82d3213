import Authority
import Certificates
import EventLoop
import Glibc
import HTTP
import JSON
import Model
import TLS
import Testing

/// A cluster of one node, and what those need who try to get in.
struct RefusalScene {
    let rig: DevRig
    let loop: EventLoop
    let authority: Certificate
    /// What the cluster's own host shows.
    let host: TLSIdentity?
    let cluster: UInt64
    let http: Int
    let https: Int
    let peer: Int

    var log: String { "\(rig.data)/node1.log" }

    static func enter(_ rig: DevRig) async throws -> RefusalScene {
        let tls: JSONValue = try await wait(for: "the host's certificate") {
            Files.read("\(rig.data)/host1/identity.json").flatMap { (try? JSONReader.parse($0))?["tls"] }
        }
        func pem(_ name: String) throws -> [UInt8] { Array(try #require(tls[name]?.string).utf8) }
        let authority = try Certificate(pem: pem("authority"))
        func port(_ text: String?) throws -> Int {
            try #require(text?.split(separator: ":").last.flatMap { Int($0) })
        }
        let node: JSONValue? = rig.access?["nodes"]?.array?.first
        let status = try await rig.api("GET", "cluster")
        return RefusalScene(
            rig: rig,
            loop: try .start(),
            authority: authority,
            host: TLSIdentity(
                certificates: [try Certificate(pem: pem("certificate")), authority],
                key: try PrivateKey(pem: pem("privateKey"))
            ),
            cluster: try #require(status.body["clusterId"]?.string.flatMap { UInt64($0, radix: 16) }),
            http: try port(node?["url"]?.string),
            https: try port(node?["httpsUrl"]?.string),
            peer: try port(node?["peer"]?.string)
        )
    }

    /// Somebody who believes the cluster, and shows this.
    func stranger(_ identity: TLSIdentity? = nil) -> Stranger {
        Stranger(
            loop: loop,
            trust: .pinned(authorityFingerprint: authority.fingerprint),
            identity: identity,
            peer: peer
        )
    }

    /// Somebody who does not speak TLS.
    var plain: Stranger { Stranger(loop: loop, trust: nil, identity: nil, peer: peer) }

    func token(role: String = "node", seconds: Int64? = nil) async throws -> JoinToken {
        var body: JSONObject = ["role": .string(role)]
        if let seconds { body["expiresSeconds"] = .int(seconds) }
        let made = try await rig.api("POST", "cluster?action=createtoken", .object(body))
        return try #require(made.body["token"]?.string.flatMap { JoinToken($0) }, "\(made)")
    }

    /// Names, numbers and states.
    func members() async throws -> [String] {
        let answer = try await rig.api("GET", "cluster/members")
        return try #require(answer.body["data"]?.array, "\(answer)").map {
            "\($0["id"] ?? .null) \($0["name"] ?? .null) \($0["state"] ?? .null)"
        }
    }

    /// Waits for a line of the node's log with all these words; `key=value` is a member of it.
    func logs(_ words: [String]) async throws {
        let words: [String] = words.map { word in
            let pair: [Substring] = word.split(separator: "=")
            return pair.count == 2 ? "\"\(pair[0])\":\"\(pair[1])\"" : word
        }
        try await wait(for: "a line with \(words) in the log", seconds: 10) {
            (Files.read(log) ?? "").split(separator: "\n").contains { line in words.allSatisfy { line.contains($0) } }
        }
    }

    func foreignIdentity() throws -> TLSIdentity {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        let now = Int64(time.tv_sec) * 1_000
        let other: CertificateAuthority = try Issuing.found(cluster: cluster, now: now)
        let key: PrivateKey = try .generate()
        let leaf: Certificate = try Issuing.node(
            try .make(key: key, commonName: "node1"),
            by: other,
            cluster: cluster,
            member: 1,
            name: "node1",
            hosts: [],
            now: now
        )
        return TLSIdentity(certificates: [leaf, other.certificate], key: key)
    }

    /// What a node says when it forwards a request, in several spellings.
    var forged: HTTPHeaders {
        var headers = HTTPHeaders()
        for (name, value) in [
            ("Hops", "1"), ("Request-Id", "00"), ("Client-Address", "10.9.9.9"), ("Socket-Address", "10.9.9.9"),
            ("Base-Scheme", "https"), ("Base-Authority", "evil.example"), ("Certificate", "host/1/9999999999999"),
            ("Seed", String(repeating: "00", count: 32)), ("Revision", "1"),
        ] {
            headers.append("X-Drover-Peer-\(name)", value)
            headers.append("x-dROVER-pEER-\(name.lowercased())", value)
        }
        return headers
    }

    /// On the ports for clients, whoever sends them, with an upgrade or without.
    func forgedHeadersCountForNothing() async throws {
        let upgrade: HTTPHeaders = [
            "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        ]
        for (stranger, port) in [(plain, http), (self.stranger(), https)] {
            for path in ["/v2-beta/cluster", "/v2-beta/projects/1a5/hosts", "/v2-beta/hoststream"] {
                for extra in [HTTPHeaders(), upgrade] {
                    var headers: HTTPHeaders = forged
                    for name in ["Connection", "Upgrade", "Sec-WebSocket-Version", "Sec-WebSocket-Key"] {
                        if let value: String = extra[name] { headers[name] = value }
                    }
                    let answer: Answered = try await stranger.ask("GET", path, headers: headers, port: port)
                    try answer.isRefusal(401, "Unauthorized", "", "\(path) at \(port)")
                    try #require(!"\(answer)".contains("evil.example") && answer.client != "10.9.9.9", "\(answer)")
                }
            }
        }
    }
}

/// Somebody at the door of a node.
struct Stranger {
    let loop: EventLoop
    /// nil for plain text.
    let trust: TLSTrust?
    let identity: TLSIdentity?
    /// Where nodes come in.
    let peer: Int

    @discardableResult
    func ask(
        _ method: String,
        _ path: String,
        _ body: JSONValue? = nil,
        headers: HTTPHeaders = HTTPHeaders(),
        port: Int
    ) async throws -> Answered {
        let context: TLSClientContext? = try trust.map {
            try TLSClientContext(identity: identity, trust: $0, protocols: ["http/1.1"])
        }
        let client = HTTPClient(loop: loop) { endpoint, loop, deadline in
            let plain: SocketStream = try await loop.connect(to: endpoint, before: deadline)
            guard let context else { return plain }
            return try await context.connect(plain, serverName: nil, before: deadline)
        }
        defer { client.close() }
        var headers: HTTPHeaders = headers
        headers["Host"] = "127.0.0.1:\(port)"
        let request = HTTPRequest(
            method: method,
            target: path,
            headers: headers,
            body: body.map { JSONWriter.bytes($0) } ?? []
        )
        let place: Endpoint = .tcp(host: "127.0.0.1", port: port)
        guard headers.contains("upgrade") else {
            let answer: HTTPClientResponse = try await client.send(request, to: place)
            return Answered(answer.status, answer.headers, answer.body)
        }
        switch try await client.upgrade(request, to: place) {
        case .refused(let answer): return Answered(answer.status, answer.headers, answer.body)
        case .switched(let head, let stream, _):
            stream.close()
            return Answered(head.status, head.headers, [])
        }
    }

    /// As `drover server join` does.
    func join(_ token: JoinToken, _ name: String) async throws -> Answered { try await join(token.text, name) }

    func join(_ token: String, _ name: String) async throws -> Answered {
        let request: CertificateRequest = try .make(key: .generate(), commonName: name)
        return try await ask(
            "POST",
            "/join",
            [
                "version": 1, "token": .string(token), "name": .string(name),
                "certificateRequest": .string(String(decoding: request.pem, as: UTF8.self)),
                "peer": "127.0.0.1:9", "http": "127.0.0.1:10", "https": nil, "advertise": "127.0.0.1",
                "instance": "00112233445566778899aabbccddeeff", "level": JSONValue(FeatureGate.ownLevel),
            ],
            port: peer
        )
    }
}

/// What a stranger was told.
struct Answered: CustomStringConvertible {
    let status: Int
    let body: JSONValue
    /// Whom the server takes it to come from.
    let client: String?
    let description: String

    init(_ status: Int, _ headers: HTTPHeaders, _ bytes: [UInt8]) {
        self.status = status
        body = (try? JSONReader.parse(bytes)) ?? .null
        client = headers["x-api-client-ip"]
        description = "\(status) \(String(decoding: bytes, as: UTF8.self))"
    }

    /// Stops the test unless it is an error in the one form of errors.
    func isRefusal(_ status: Int, _ code: String, _ word: String, _ what: String) throws {
        try #require(
            self.status == status && body["type"]?.string == "error" && body["status"]?.int == Int64(status)
                && body["code"]?.string == code
                && body["message"]?.string.map { word.isEmpty || $0.contains(word) } == true
                && body["id"]?.string?.isEmpty == false,
            "\(what): \(self)"
        )
    }
}
