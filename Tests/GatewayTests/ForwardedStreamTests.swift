import EventLoop
@testable import Gateway
import HTTP
import JSON
import Limits
import Model
import Store
import StoreFormat
import Synchronization
import TestSupport
import Testing
import WebSocket

@Suite(.timeLimit(.minutes(2))) struct ForwardedStreamTests {
    static let target: String = "/v2-beta/hoststream"

    // MARK: Hosts

    @Test func `a host's stream goes through another node, ten megabytes each way`() async throws {
        try await Cluster.run { (cluster: Cluster) async throws in
            let (key, id) = try await cluster.hostKey()
            let socket: WebSocket = try await cluster.open(1, Self.target, key: key)
            #expect(try await socket.receive() == .text("host \(id)"))
            #expect(cluster[0].hosts.served == 1 && cluster[1].hosts.served == 0)
            let piece: [UInt8] = (0..<524_288).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            let sending = Task {
                for number in 0..<20 { try await socket.send(binary: [UInt8(number)] + piece) }
            }
            for number in 0..<20 {
                let message: WebSocketMessage? = try await socket.receive()
                #expect(message == .binary([UInt8(number)] + piece), "message \(number)")
            }
            try await sending.value
            await socket.close()
        }
    }

    @Test func `a host that loses its key loses its forwarded stream`() async throws {
        try await Cluster.run { (cluster: Cluster) async throws in
            let (key, _) = try await cluster.hostKey()
            let socket: WebSocket = try await cluster.open(1, Self.target, key: key)
            _ = try await socket.receive()
            _ = try await cluster.hostKey()  // the same host registers again
            #expect(try await socket.receive() == nil)
            #expect(await socket.closeReason?.code == 1008)
        }
    }

    @Test func `a stream ends when its environment has another owner, and opens there`() async throws {
        try await Cluster.run(of: 2) { (cluster: Cluster) async throws in
            let (key, _) = try await cluster.hostKey()
            let socket: WebSocket = try await cluster.open(1, Self.target, key: key)
            _ = try await socket.receive()
            cluster.own(1)
            #expect(try await socket.receive() == nil)
            #expect(
                await socket.closeReason
                    == CloseReason(code: 1012, reason: "another node serves this stream now: open it again")
            )
            let again: WebSocket = try await cluster.open(1, Self.target, key: key)
            _ = try await again.receive()
            #expect(cluster[1].hosts.served == 1)
            await again.close()
        }
    }

    @Test func `an owner that goes is told to the host`() async throws {
        try await Cluster.run { (cluster: Cluster) async throws in
            let (key, _) = try await cluster.hostKey()
            let socket: WebSocket = try await cluster.open(1, Self.target, key: key)
            _ = try await socket.receive()
            await cluster.stopListening(0)
            #expect(try await socket.receive() == nil)
            let code: UInt16? = await socket.closeReason?.code
            #expect(code == 1012 || code == 1000, "\(code ?? 0)")
            #expect(await cluster.status(1, Self.target) == 401)
            var refused: Int?
            do { _ = try await cluster.open(1, Self.target, key: key) } catch WebSocketFault.refused(let status, _) {
                refused = status
            }
            #expect(refused == 503)
            cluster.own(nil)
            do { _ = try await cluster.open(1, Self.target, key: key) } catch WebSocketFault.refused(let status, _) {
                refused = status
            }
            #expect(refused == 503)
        }
    }

    // MARK: Tokens

    @Test func `output that one node gave a token for opens at another, once, served by the owner`() async throws {
        try await Cluster.run(of: 3) { (cluster: Cluster) async throws in
            cluster.world.node.output([OutputChunk(isError: false, bytes: Array("one\n".utf8))])
            let (container, _) = try await StreamTests.ticket(cluster.world)
            let given: Answer = try await cluster.ask(
                1,
                "POST",
                "\(World.home)/containers/\(container)?action=logs",
                ["follow": false, "lines": 7],
                as: .bob
            )
            let target = "/v1/logs/?token=\(given["token"]?.string ?? "")"
            let listener = Listener(try await cluster.open(2, target))
            #expect(await eventually { await listener.isOver })
            #expect(await listener.frames == ["01 one\n"])
            #expect(cluster.members.map(\.hosts.served) == [1, 0, 0])
            #expect(cluster.world.node.logRequests.last?.lines == 7)
            for member in 0...2 { #expect(await cluster.status(member, target) == 401) }
        }
    }

    @Test func `a forwarded stream ends with the rights of whoever got its token`() async throws {
        try await Cluster.run { (cluster: Cluster) async throws in
            cluster.world.node.output([OutputChunk(isError: false, bytes: Array("one\n".utf8))])
            let (_, given) = try await StreamTests.ticket(cluster.world)
            let socket: WebSocket = try await cluster.open(1, "/v1/logs/?token=\(given["token"]?.string ?? "")")
            #expect(try await socket.receive() == .text("01 one\n"))
            cluster.world.node.write([.delete(.projectMember, .known(201))])
            #expect(try await socket.receive() == nil)
            #expect(await socket.closeReason?.code == 1008)
        }
    }

    @Test func `an altered, a foreign, an expired token and one for something else are refused`() async throws {
        let world = World()
        let (_, given) = try await StreamTests.ticket(world)
        let token: String = try #require(given["token"]?.string)
        let view: StoreView = world.node.store.view
        let now: Int64 = world.clock.now
        func read(_ token: String, _ purpose: StreamTicket.Purpose = .logs, at time: Int64) -> StreamTicket? {
            StreamTicket(verifying: token, for: purpose, in: view, at: time)
        }
        let ticket: StreamTicket = try #require(read(token, at: now))
        #expect(ticket.account == 21 && ticket.credential == 121 && ticket.project == 5 && ticket.host == 50)
        #expect(read(token, .execute, at: now) == nil)
        #expect(read(token, at: now + Limits.streamTicketMilliseconds - 1) != nil)
        #expect(read(token, at: now + Limits.streamTicketMilliseconds) == nil)
        let characters: [Character] = Array(token)
        for index in characters.indices {
            var altered: [Character] = characters
            altered[index] = altered[index] == "a" ? "b" : "a"
            // The last character of base64 has bits that say nothing; the signature is over the text all the same.
            #expect(read(String(altered), at: now) == nil, "character \(index)")
        }
        for bad in ["", ".", "a.b", "\(token).", ".\(token)", String(repeating: "a", count: 100_000)] {
            #expect(read(bad, at: now) == nil)
        }
        let other = World()
        other.node.write([
            RecordWriting.put(.clusterKeys, .known(6), ["registrationKey": "another key"], scope: .known(0))
        ])
        #expect(StreamTicket(verifying: token, for: .logs, in: other.node.store.view, at: now) == nil)
    }

    // MARK: The pipe

    @Test func `a slow reader stops the sender after one piece`() async throws {
        let loop: EventLoop = World.loops.next()
        let client = ScriptedStream(loop: loop, takes: false)
        let owner = ScriptedStream(loop: loop, gives: 1_000)
        let pipe = Task {
            await StreamPipe(client: client, owner: owner).run(
                clientLeftover: [],
                ownerLeftover: [],
                lost: CloseReason(code: 1012),
                watch: {
                    try await loop.sleep(until: .never)
                    return CloseReason(code: 1000)
                }
            )
        }
        #expect(await eventually { client.offered == 1 })
        #expect(owner.given == 1)
        client.take()
        #expect(await eventually { client.offered == 2 })
        #expect(owner.given == 2)
        client.close()
        owner.close()
        await pipe.value
    }

    @Test func `frames are told apart however they are cut`() {
        var random = Seeded(7)
        for _ in 0..<200 {
            var bytes: [UInt8] = []
            var ends: Set<Int> = [0]
            for _ in 0..<8 {
                let size: Int = [0, 1, 125, 126, 127, 65_535, 65_536, 70_000].randomElement(using: &random) ?? 0
                let mask: UInt32? =
                    Bool.random(using: &random) ? UInt32.random(in: 0...UInt32.max, using: &random) : nil
                bytes += Frame(.binary, [UInt8](repeating: 0x88, count: size)).encoded(mask: mask)
                ends.insert(bytes.count)
            }
            var tracker = FrameTracker()
            var position: Int = 0
            while position < bytes.count {
                let next: Int = min(bytes.count, position + Int.random(in: 1...40_000, using: &random))
                tracker.pass(Array(bytes[position..<next]))
                position = next
                #expect(tracker.isBetweenFrames == ends.contains(position))
            }
            #expect(!tracker.sawClose)
            tracker.pass(Frame(.close, []).encoded(mask: nil))
            #expect(tracker.sawClose && tracker.isBetweenFrames)
        }
    }
}

/// A stream that gives so many pieces, and takes one whenever it is told to.
final class ScriptedStream: ByteStream {
    let loop: EventLoop
    let local: Endpoint = .tcp(host: "127.0.0.1", port: 1)
    let peer: Endpoint = .tcp(host: "127.0.0.1", port: 2)
    private let takesAll: Bool
    private let state: Mutex<State>

    private struct State {
        var left: Int
        var given: Int = 0
        var offered: Int = 0
        var mayTake: Int = 0
        var isClosed: Bool = false
    }

    init(loop: EventLoop, gives pieces: Int = 0, takes: Bool = true) {
        self.loop = loop
        takesAll = takes
        state = Mutex(State(left: pieces))
    }

    var given: Int { state.withLock { $0.given } }
    var offered: Int { state.withLock { $0.offered } }
    func take() { state.withLock { $0.mayTake += 1 } }
    func close() { state.withLock { $0.isClosed = true } }

    private func wait(until holds: (inout State) -> Bool) async throws {
        while true {
            let (isHeld, isClosed): (Bool, Bool) = state.withLock { state in
                let isClosed: Bool = state.isClosed
                return (!isClosed && holds(&state), isClosed)
            }
            if isClosed { throw NetworkFault.closed }
            if isHeld { return }
            try await Task.sleep(for: .milliseconds(1))
        }
    }

    func read(into buffer: ReadBuffer, before deadline: Deadline) async throws -> Int {
        let bytes: [UInt8] = try await read(upTo: 65_536, before: deadline)
        buffer.append(bytes)
        return bytes.count
    }

    func read(upTo limit: Int, before deadline: Deadline) async throws -> [UInt8] {
        try await wait { state in
            guard state.left > 0 else { return false }
            state.left -= 1
            state.given += 1
            return true
        }
        return [UInt8](repeating: 1, count: limit)
    }

    func write(_ bytes: [UInt8], before deadline: Deadline) async throws {
        state.withLock { $0.offered += 1 }
        guard !takesAll else { return }
        try await wait { state in
            guard state.mayTake > 0 else { return false }
            state.mayTake -= 1
            return true
        }
    }

    func finishWriting() async {}
    func isQuiet() async -> Bool { false }
    func waitForPeerClose() async throws {}
}
