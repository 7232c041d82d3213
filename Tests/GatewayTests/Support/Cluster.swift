import EventLoop
@testable import Gateway
import HTTP
import JSON
import Logging
import Metrics
import Store
import StoreFormat
import Synchronization
import Testing
import WebSocket

/// Several gateways over one state, each with a listener for clients and one for peers on loopback ports.
final class Cluster: Sendable {
    let world = World()
    private let shared: Shared
    private(set) nonisolated(unsafe) var members: [Member] = []  // set by `run` before anything is asked

    /// What the members know of each other.
    final class Shared: Sendable {
        /// Who owns every scope, as each member sees it; `any` for the others.
        let owners = Mutex<(any: Int?, by: [Int: Int])>((0, [:]))
        let ports = Mutex<[UInt64: Endpoint]>([:])

        func home(for member: Int) -> ScopeHome {
            let owner: Int? = owners.withLock { $0.by[member] ?? $0.any }
            guard let owner else { return .unknown }
            return owner == member ? .here : .peer(PeerAddress(member: UInt64(owner), name: "node-\(owner)"))
        }
    }

    /// One node.
    final class Member: Sendable {
        let index: Int
        let gateway: Gateway
        let hosts: Hosts
        let peers: PooledPeers
        let front: HTTPServer
        let back: HTTPServer
        let gate = Gate()

        init(_ index: Int, _ cluster: World, _ shared: Shared, _ timing: GatewayTiming) throws {
            self.index = index
            let hosts = Hosts(cluster.node)
            let peers = PooledPeers(owner: { _ in shared.home(for: index) }) { peer, loop, deadline in
                let endpoint: Endpoint = try #require(shared.ports.withLock { $0[peer.member] })
                return try await loop.connect(to: endpoint, before: deadline)
            }
            let clock: World.Clock = cluster.clock
            let gateway = Gateway(
                state: cluster.node,
                proposer: cluster.node,
                hosts: hosts,
                explainer: cluster.node,
                peers: peers,
                timing: timing,
                logger: Logger(label: "gateway", level: .debug, sink: cluster.log),
                metrics: MetricsRegistry(),
                version: "0.1.0",
                now: { clock.now },
                localAuthority: { "127.0.0.1:\(index)" }
            )
            (self.hosts, self.peers, self.gateway) = (hosts, peers, gateway)
            front = try HTTPServer.start(on: .tcp(host: "127.0.0.1", port: 0), loops: World.loops) {
                await gateway.handle($0, $1)
            }
            back = try HTTPServer.start(
                on: .tcp(host: "127.0.0.1", port: 0),
                loops: World.loops,
                limits: Gateway.peerListenerLimits
            ) { [gate] request, connection in
                await gate.pass()
                let answer: HTTPResponse = await gateway.handleFromPeer(request, connection, peer: "another")
                await gate.leave()
                gate.done()
                return answer
            }
            let endpoint: Endpoint = back.endpoint
            shared.ports.withLock { $0[UInt64(index)] = endpoint }
        }
    }

    /// Where forwarded requests wait while it is shut.
    final class Gate: Sendable {
        private let state = Mutex<(isShut: Bool, came: Int, done: Int, passing: Int)>((false, 0, 0, .max))
        func shut() { state.withLock { $0.isShut = true } }
        func open() { state.withLock { $0.isShut = false } }
        /// Holds only what comes before the others: the first request from now on.
        func shutForOne() { state.withLock { ($0.isShut, $0.passing) = (true, $0.came + 1) } }
        /// Requests are carried out, and nobody is told.
        func holdAnswers(_ holds: Bool) { isHolding.withLock { $0 = holds } }
        func leave() async {
            while isHolding.withLock({ $0 }) { try? await Task.sleep(for: .milliseconds(2)) }
        }
        private let isHolding = Mutex(false)
        var came: Int { state.withLock { $0.came } }
        var finished: Int { state.withLock { $0.done } }
        func done() { state.withLock { $0.done += 1 } }
        func pass() async {
            let passes: Bool = state.withLock { state in
                state.came += 1
                return state.came > state.passing
            }
            while !passes, state.withLock({ $0.isShut }) { try? await Task.sleep(for: .milliseconds(1)) }
        }
    }

    /// Host streams: says where it is, then gives back what it gets.
    final class Hosts: HostConnecting {
        private let node: MemoryNode
        private let count = Atomic<Int>(0)
        var served: Int { count.load(ordering: .relaxed) }

        init(_ node: MemoryNode) { self.node = node }

        func serve(_ socket: WebSocket, host: UInt64, project: UInt64) async {
            count.add(1, ordering: .relaxed)
            try? await socket.send(text: "host 1h\(host)")
            while let message = try? await socket.receive() {
                guard case .binary(let bytes) = message else { continue }
                try? await socket.send(binary: bytes)
            }
        }

        func logs(of instance: UInt64, on host: UInt64, _ request: LogRequest) async throws(HostUnavailable)
            -> LogStream
        {
            count.add(1, ordering: .relaxed)
            return try await node.logs(of: instance, on: host, request)
        }

        func exec(of instance: UInt64, on host: UInt64, _ request: ExecRequest) async throws(HostUnavailable)
            -> ExecStream
        {
            count.add(1, ordering: .relaxed)
            return try await node.exec(of: instance, on: host, request)
        }
    }

    private init() {
        shared = Shared()
    }

    /// A cluster in which the first member owns everything.
    static func run(
        of size: Int = 2,
        timing change: (inout GatewayTiming) -> Void = { _ in },
        _ body: (Cluster) async throws -> Void
    ) async throws {
        let cluster = Cluster()
        var timing = GatewayTiming()
        timing.rightsMilliseconds = 40
        timing.ownerMilliseconds = 20
        change(&timing)
        for index in 0..<size {
            cluster.members.append(try Member(index, cluster.world, cluster.shared, timing))
        }
        let result: Swift.Result<Void, any Error>
        do { result = .success(try await body(cluster)) } catch { result = .failure(error) }
        cluster.world.node.store.closeWatches()
        for member in cluster.members {
            member.gate.open()
            member.peers.close()
            await member.front.stop(graceMilliseconds: 0)
            await member.back.stop(graceMilliseconds: 0)
        }
        try result.get()
    }

    subscript(index: Int) -> Member { members[index] }

    /// - Parameter member: who believes it; nil for everybody.
    func own(_ owner: Int?, seenBy member: Int? = nil) {
        shared.owners.withLock { owners in
            if let member { owners.by[member] = owner } else { owners = (owner, [:]) }
        }
    }

    /// Nobody listens there any more.
    func stopListening(_ index: Int) async {
        await members[index].back.stop(graceMilliseconds: 0)
    }

    /// Asks a member over HTTP, as a client does.
    func ask(
        _ member: Int,
        _ method: String,
        _ target: String,
        _ body: JSONValue? = nil,
        as who: World.Who = .ann,
        headers: HTTPHeaders = [:]
    ) async throws -> Answer {
        var headers: HTTPHeaders = headers
        headers["Host"] = "drover.test:8080"
        headers["Authorization"] = headers["Authorization"] ?? World.credentials(who)
        if body != nil { headers["Content-Type"] = "application/json" }
        let client = HTTPClient(loop: World.loops.next())
        defer { client.close() }
        let answer: HTTPClientResponse = try await client.send(
            HTTPRequest(
                method: method,
                target: target,
                headers: headers,
                body: body.map { JSONWriter.bytes($0) } ?? []
            ),
            to: members[member].front.endpoint
        )
        return Answer(HTTPResponse(status: answer.status, headers: answer.headers, body: answer.body))
    }

    func open(_ member: Int, _ target: String, key: String? = nil) async throws -> WebSocket {
        var headers = HTTPHeaders()
        if let key { headers["Authorization"] = key }
        return try await WebSocket.connect(
            to: members[member].front.endpoint,
            target: target,
            headers: headers,
            client: HTTPClient(loop: World.loops.next())
        )
    }

    func status(_ member: Int, _ target: String) async -> Int? {
        do {
            try await open(member, target).close()
            return 101
        } catch WebSocketFault.refused(let status, _) {
            return status
        } catch {
            return nil
        }
    }

    /// The names of the stacks that there are.
    func stacks() async -> [String] { await world.get("\(World.home)/stacks", as: .ann).names.sorted() }

    /// A registered host's key.
    func hostKey() async throws -> (key: String, id: String) {
        let token: String = try await HostTests.token(world).token
        let made: Answer = await HostTests.register(world, token, ["key": "a"])
        return (
            World.basic(made["accessKey"]?.string ?? "", made["secretKey"]?.string ?? ""),
            try #require(made["hostId"]?.string)
        )
    }
}
