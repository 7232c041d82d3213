import Bytes
import Crypto
import EventLoop
import Gateway
@testable import HTTP
import JSON
import Logging
import Metrics
import Model
import Store
import StoreFormat
import Synchronization
import Testing

/// A founded cluster in memory with a gateway before it.
///
/// The administrator is `1a1`, the environment Default `1a5`; `ann` owns it, `bob` is a member, `eve` has another
/// environment, `1a30`, of her own.
final class World: Sendable {
    static let loops: Loops = {
        do { return try Loops.start(count: 2) } catch { fatalError("\(error)") }
    }()

    let node = MemoryNode()
    let gateway: Gateway
    let past: MemoryPast
    let log = CapturingLogSink()
    let clock = Clock()
    let loop: EventLoop
    private let connections = Mutex<[String: ConnectionInfo]>([:])

    static let started: Int64 = 1_492_848_000_000

    /// Milliseconds since 1970, moved by tests.
    final class Clock: Sendable {
        private let time = Atomic<Int64>(World.started)
        var now: Int64 { time.load(ordering: .relaxed) }
        private let elapsed = Atomic<Int64>(0)
        /// Goes on whoever sets the other.
        var steady: Int64 { elapsed.load(ordering: .relaxed) }
        func advance(_ milliseconds: Int64) {
            time.add(milliseconds, ordering: .relaxed)
            elapsed.add(milliseconds, ordering: .relaxed)
        }
        /// As when somebody sets the machine's clock.
        func set(by milliseconds: Int64) { time.add(milliseconds, ordering: .relaxed) }
    }

    /// Short waits: what a test lets go wrong stays wrong.
    static let timing: GatewayTiming = {
        var timing = GatewayTiming()
        timing.requestMilliseconds = 300
        timing.readMilliseconds = 300
        timing.revisionMilliseconds = 100
        return timing
    }()

    /// What a password's hash costs here: next to nothing.
    static let cheap = Scrypt.Cost(log2N: 4)

    /// Tries what it must try, and no more.
    static let impatient: GatewayTiming = {
        var timing: GatewayTiming = World.timing
        timing.requestMilliseconds = 0
        return timing
    }()

    init(
        settings: [(String, String)] = [],
        cluster: (any ClusterOperating)? = nil,
        certificates: (any CertificateIssuing)? = nil,
        servers: (any ServerAddresses)? = nil,
        timing: GatewayTiming = World.timing,
        sealing: (any KeySealing)? = nil
    ) {
        loop = Self.loops.next()
        let (node, clock) = (node, clock)
        past = MemoryPast(node)
        gateway = Gateway(
            state: node,
            proposer: node,
            hosts: node,
            explainer: node,
            timing: timing,
            cluster: cluster,
            certificates: certificates,
            servers: servers,
            recall: past,
            journal: past,
            passwordCost: Self.cheap,
            sealing: sealing,
            logger: Logger(label: "gateway", level: .debug, sink: log),
            metrics: MetricsRegistry(),
            version: "0.1.0",
            now: { clock.now },
            steady: { clock.steady },
            localAuthority: { "127.0.0.1:8080" }
        )
        found(settings)
    }

    // MARK: Founding

    /// Who may ask; the key of each is `<name>-key` with the secret `<name>-secret`.
    enum Who: String, CaseIterable, Sendable {
        case admin, ann, bob, eve
        /// A key of the environment Default itself.
        case project
        case nobody
    }

    static let accounts: [(who: Who, number: UInt64, kind: String)] = [
        (.admin, 1, "admin"), (.project, 5, "project"), (.ann, 20, "user"), (.bob, 21, "user"), (.eve, 22, "user"),
    ]

    private func found(_ settings: [(String, String)]) {
        var writes: [Write] = []
        for (who, number, kind) in Self.accounts {
            let name: String = who == .project ? "Default" : who.rawValue
            writes.append(account(number, kind, name))
            writes.append(key(who.rawValue, 100 + number, of: number))
        }
        writes.append(account(30, "project", "Elsewhere"))
        for (index, (project, member, role)) in [(5, 20, "owner"), (5, 21, "member"), (30, 22, "owner")].enumerated() {
            writes.append(
                RecordWriting.put(
                    .projectMember,
                    .known(200 + UInt64(index)),
                    [
                        "kind": "projectMember", "state": "active", "uuid": "m\(index)", "created": 1, "removed": nil,
                        "memberId": JSONValue(member), "role": .string(role), "projectId": JSONValue(project),
                    ],
                    scope: .known(UInt64(project))
                )
            )
        }
        writes.append(RecordWriting.put(.clusterKeys, .known(6), ["registrationKey": "cluster key"], scope: .known(0)))
        for (index, (name, value)) in settings.enumerated() {
            writes.append(
                RecordWriting.put(
                    .setting,
                    .known(300 + UInt64(index)),
                    [
                        "name": .string(name), "value": .string(value), "kind": "setting", "state": "active",
                        "created": 1,
                    ],
                    scope: .known(0)
                )
            )
        }
        guard case .committed = node.write(writes) else { fatalError("the founding was refused") }
    }

    private func account(_ number: UInt64, _ kind: String, _ name: String) -> Write {
        RecordWriting.put(
            .account,
            .known(number),
            [
                "name": .string(name), "kind": .string(kind), "uuid": .string("account-\(number)"), "state": "active",
                "created": .int(Self.started), "description": nil, "removed": nil,
            ],
            scope: .known(0)
        )
    }

    func key(_ name: String, _ number: UInt64, of account: UInt64, kind: String = "apiKey", host: UInt64? = nil)
        -> Write
    {
        var fields: JSONObject = [
            "name": .string(name), "kind": .string(kind), "uuid": .string("key-\(number)"), "state": "active",
            "created": .int(Self.started), "removed": nil, "accountId": JSONValue(account),
            "publicValue": .string("\(name)-key"), "secretHash": .string(KeyHash.make("\(name)-secret")),
        ]
        if let host { fields["hostId"] = JSONValue(host) }
        return RecordWriting.put(
            .credential,
            .known(number),
            fields,
            scope: .known(account == 5 || account == 30 ? account : 0)
        )
    }

    // MARK: Asking

    /// Hands a request to the gateway as the server would.
    func send(
        _ method: String,
        _ target: String,
        as who: Who = .admin,
        headers: HTTPHeaders = [:],
        body: [UInt8] = [],
        stream: BodyStream? = nil,
        peer: String = "192.0.2.7",
        through other: Gateway? = nil
    ) async -> Answer {
        var headers: HTTPHeaders = headers
        if !headers.contains("host") { headers["Host"] = "drover.test:8080" }
        if who != .nobody, !headers.contains("authorization") { headers["Authorization"] = Self.credentials(who) }
        var request = HTTPRequest(method: method, target: target, headers: headers, body: body)
        request.bodyStream = stream
        let connection: ConnectionInfo = connection(from: peer)
        if let answer: Answer = await relayed(request, connection, other ?? gateway) { return answer }
        return Answer(await (other ?? gateway).handle(request, connection))
    }

    /// One for each client, which is kept: so that what a gateway remembers of the request before is in all tests.
    func connection(from peer: String = "192.0.2.7") -> ConnectionInfo {
        connections.withLock { connections in
            if let kept: ConnectionInfo = connections[peer] { return kept }
            let made = ConnectionInfo(
                peer: .tcp(host: peer, port: 40_000),
                local: .tcp(host: "127.0.0.1", port: 8080),
                stream: MemoryStream(loop: loop, peer: peer)
            )
            connections[peer] = made
            return made
        }
    }

    func get(_ target: String, as who: Who = .admin, headers: HTTPHeaders = [:]) async -> Answer {
        await send("GET", target, as: who, headers: headers)
    }

    func post(_ target: String, _ body: JSONValue = [:], as who: Who = .admin) async -> Answer {
        await send("POST", target, as: who, headers: ["Content-Type": "application/json"], body: JSONWriter.bytes(body))
    }

    func put(_ target: String, _ body: JSONValue, as who: Who = .admin) async -> Answer {
        await send("PUT", target, as: who, headers: ["Content-Type": "application/json"], body: JSONWriter.bytes(body))
    }

    func delete(_ target: String, as who: Who = .admin) async -> Answer { await send("DELETE", target, as: who) }

    static func credentials(_ who: Who) -> String { basic("\(who.rawValue)-key", "\(who.rawValue)-secret") }
    static func basic(_ user: String, _ password: String) -> String {
        "Basic \(Base64.encode(Array("\(user):\(password)".utf8)))"
    }

    // MARK: Things to ask about

    /// Where Default's things are.
    static let home: String = "/v2-beta/projects/1a5"

    /// Makes a stack and gives its id.
    func stack(_ name: String = "web", as who: Who = .ann, in project: String = "1a5") async throws -> String {
        let answer: Answer = await post("/v2-beta/projects/\(project)/stacks", ["name": .string(name)], as: who)
        return try #require(answer.status == 201 ? answer["id"]?.string : nil, "\(answer)")
    }

    func service(
        _ name: String = "app",
        stack: String,
        as who: Who = .ann,
        launchConfig: JSONValue = ["imageUuid": "docker:nginx"]
    ) async throws -> String {
        let answer: Answer = await post(
            "\(Self.home)/services",
            ["name": .string(name), "stackId": .string(stack), "launchConfig": launchConfig],
            as: who
        )
        return try #require(answer.status == 201 ? answer["id"]?.string : nil, "\(answer)")
    }

    func container(_ name: String = "one", as who: Who = .ann) async throws -> String {
        let answer: Answer = await post(
            "\(Self.home)/containers",
            ["name": .string(name), "imageUuid": "docker:nginx"],
            as: who
        )
        return try #require(answer.status == 201 ? answer["id"]?.string : nil, "\(answer)")
    }

    /// Puts a host into Default.
    func host(_ number: UInt64 = 50) {
        node.write([
            RecordWriting.put(
                .host,
                .known(number),
                [
                    "name": nil, "hostname": "node", "kind": "host", "uuid": .string("host-\(number)"),
                    "state": "active", "labels": ["zone": "a"], "accountId": 5, "created": 1, "removed": nil,
                ],
                scope: .known(5)
            )
        ])
    }

    /// Changes members of a stored record, as controllers and agents do.
    func change(_ table: Table, _ number: UInt64, _ members: JSONObject) throws {
        let record: Record = try #require(node.store.view.get(RecordKey(table, number)))
        var fields: JSONObject = try #require(try JSONReader.parse(record.document).object)
        for (key, value) in members { fields[key] = value }
        node.write([RecordWriting.put(table, .known(number), fields, scope: .known(record.scope))])
    }

    func stored(_ table: Table, _ id: String) throws -> JSONObject {
        let number: UInt64 = try #require(ResourceID(id)?.number)
        let record: Record = try #require(node.store.view.get(RecordKey(table, number)))
        return try #require(try JSONReader.parse(record.document).object)
    }
}

/// What came back.
struct Answer: CustomStringConvertible {
    var status: Int
    var headers: HTTPHeaders
    var bytes: [UInt8]
    var json: JSONValue
    var isUpgrade: Bool = false

    init(_ response: HTTPResponse) {
        status = response.status
        headers = response.headers
        bytes = []
        switch response.body {
        case .bytes(let body): bytes = body
        case .upgrade, .handOver: isUpgrade = true
        case .stream: break
        }
        json = (try? JSONReader.parse(bytes)) ?? .null
    }

    subscript(key: String) -> JSONValue? { json[key] }
    var code: String? { json["code"]?.string }
    var field: String? { json["fieldName"]?.string }
    var text: String { String(decoding: bytes, as: UTF8.self) }
    /// The documents of a collection.
    var data: [JSONValue] { json["data"]?.array ?? [] }
    var names: [String] { data.compactMap { $0["name"]?.string } }
    var description: String { "\(status) \(text.prefix(400))" }
}
