import Authority
import Certificates
import EventLoop
import Foundation
import Gateway
@testable import HTTP
import JSON
import Logging
import Model
import RaftCore
import Store
import StoreFormat
import Synchronization
import TLS

@testable import ClusterNode

/// A founded cluster in memory with a join door, behind real TLS on a loopback port when a test wants it.
final class JoinRig: Sendable {
    static let group = GroupIdentity(cluster: 0xabc, incarnation: 0xdef)

    /// Moved by tests.
    final class Clock: Sendable {
        private let time = Atomic<Int64>(WallClock.milliseconds)
        var now: Int64 { time.load(ordering: .relaxed) }
        func advance(_ milliseconds: Int64) { time.add(milliseconds, ordering: .relaxed) }
    }

    let state = MemoryState()
    let log = CapturingLogSink()
    let clock = Clock()
    let authority: CertificateAuthority
    let sealingKey: [UInt8]
    let door: JoinDoor
    let folder: String

    init() throws {
        let clock: Clock = clock
        authority = try Issuing.found(cluster: Self.group.cluster, now: clock.now)
        sealingKey = SealedAuthority.newSealingKey()
        folder = FileManager.default.temporaryDirectory.appending(path: "drover-join-\(UUID().uuidString)").path
        let sealed = try SealedAuthority(sealing: authority, key: sealingKey, cluster: Self.group.cluster)
        state.write([
            RecordWriting.put(
                .clusterKeys,
                .known(Founding.clusterKeys),
                ["authority": .string(sealed.certificate), "authorityKey": .string(sealed.sealedKey)],
                scope: .known(0)
            ),
            RecordWriting.put(
                .node,
                .known(Founding.firstNode),
                Self.entry("node1").fields(state: .active, time: clock.now),
                scope: .known(0)
            ),
        ])
        door = JoinDoor(
            state: state,
            group: Self.group,
            authority: ClusterAuthority(cluster: Self.group.cluster, sealingKey: sealingKey),
            logger: Logger(label: "join", level: .debug, sink: log),
            now: { clock.now }
        )
    }

    static func entry(_ name: String) -> NodeEntry {
        NodeEntry(
            name: name,
            peer: "127.0.0.1:9001",
            http: "127.0.0.1:8001",
            https: nil,
            advertise: "127.0.0.1",
            instance: "00112233445566778899aabbccddeeff"
        )
    }

    /// Makes a token as the API does, and returns it as the operator sees it.
    func token(_ role: PeerIdentity.Role = .node, seconds: Int64 = 3_600) -> JoinToken {
        let token: JoinToken = .generate(role, fingerprint: authority.certificate.fingerprint)
        state.write(
            [
                RecordWriting.put(
                    .joinToken,
                    .created(0),
                    [
                        "kind": "joinToken", "state": "active", "token": .string(token.id),
                        "role": .string(role.rawValue), "secretHash": .string(token.secretHash),
                        "created": .int(clock.now), "expires": .int(clock.now + seconds * 1_000), "used": nil,
                        "removed": nil,
                    ],
                    scope: .known(0)
                )
            ],
            created: 1
        )
        return token
    }

    static func request(_ token: String, _ name: String, key: PrivateKey? = nil) throws -> JoinRequest {
        let request: CertificateRequest = try .make(key: try key ?? .generate(), commonName: name)
        return JoinRequest(
            token: token,
            entry: entry(name),
            certificateRequest: String(decoding: request.pem, as: UTF8.self)
        )
    }

    /// The status that a newcomer gets.
    func join(_ token: String, _ name: String, _ loop: EventLoop) async throws -> Int {
        let request: JoinRequest = try Self.request(token, name)
        return await ask(request.json, loop: loop).status
    }

    /// Asks the door without a network.
    func ask(_ message: JSONValue, loop: EventLoop) async -> (status: Int, body: JSONValue) {
        await ask(JSONWriter.bytes(message), loop: loop)
    }

    func ask(_ body: [UInt8], method: String = "POST", loop: EventLoop) async -> (status: Int, body: JSONValue) {
        let response: HTTPResponse = await door.answer(
            HTTPRequest(method: method, target: "/join", headers: [:], body: body),
            ConnectionInfo(
                peer: .tcp(host: "192.0.2.9", port: 1),
                local: .tcp(host: "127.0.0.1", port: 2),
                stream: SilentStream(loop: loop)
            )
        )
        guard case .bytes(let bytes) = response.body else { return (response.status, .null) }
        return (response.status, (try? JSONReader.parse(bytes)) ?? .null)
    }

    /// Serves the door as the peer address does; `identity` is what the server shows.
    func serving<Value>(
        identity: TLSIdentity? = nil,
        _ body: (_ address: String) async throws -> Value
    ) async throws -> Value {
        let loops: Loops = try .start(count: 2)
        let context = try TLSServerContext(
            identity: try identity ?? nodeIdentity(),
            clientCertificates: .optional(.authorities([authority.certificate])),
            protocols: ["http/1.1"]
        )
        let server: HTTPServer = try .start(
            on: .tcp(host: "127.0.0.1", port: 0),
            loops: loops,
            wrapper: { try await context.accept($0, before: .after(seconds: 10)) },
            handler: { [door] request, connection in await door.answer(request, connection) }
        )
        let result: Result<Value, any Error>
        do { result = .success(try await body("\(server.endpoint)")) } catch { result = .failure(error) }
        await server.stop(graceMilliseconds: 0)
        await loops.stop()
        try? FileManager.default.removeItem(atPath: folder)
        return try result.get()
    }

    func nodeIdentity() throws -> TLSIdentity {
        let key: PrivateKey = try .generate()
        let certificate: Certificate = try Issuing.node(
            try .make(key: key, commonName: "node1"),
            by: authority,
            cluster: Self.group.cluster,
            member: 7,
            name: "node1",
            hosts: [],
            now: clock.now
        )
        return TLSIdentity(certificates: [certificate, authority.certificate], key: key)
    }

    func hostIdentity() throws -> TLSIdentity {
        let key: PrivateKey = try .generate()
        let certificate: Certificate = try Issuing.node(
            try .make(key: key, commonName: "evil"),
            by: authority,
            cluster: Self.group.cluster,
            member: 9,
            name: "evil",
            hosts: [],
            now: clock.now
        )
        // What a host would show if it could serve: the role alone must make the difference.
        let hosts: Certificate = try authority.issue(
            try .make(key: key, commonName: "evil"),
            CertificateProfile(
                commonName: "host 9",
                uris: [PeerIdentity(.host, cluster: Self.group.cluster, number: 9).description],
                dnsNames: certificate.dnsNames,
                addresses: certificate.addresses,
                usages: [.client, .server],
                lifetimeSeconds: 3_600
            ),
            now: clock.now
        )
        return TLSIdentity(certificates: [hosts, authority.certificate], key: key)
    }
}

/// A connection that nobody reads.
final class SilentStream: ByteStream {
    let loop: EventLoop
    let local: Endpoint = .tcp(host: "127.0.0.1", port: 2)
    let peer: Endpoint = .tcp(host: "192.0.2.9", port: 1)

    init(loop: EventLoop) { self.loop = loop }

    func read(into buffer: ReadBuffer, before deadline: Deadline) async throws -> Int { 0 }
    func read(upTo limit: Int, before deadline: Deadline) async throws -> [UInt8] { [] }
    func write(_ bytes: [UInt8], before deadline: Deadline) async throws {}
    func finishWriting() async {}
    func isQuiet() async -> Bool { true }
    func waitForPeerClose() async throws {}
    func close() {}
}
