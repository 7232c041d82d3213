import Bytes
import EventLoop
import Glibc
import RaftCore
import RaftTransport
import Synchronization

/// Who listens where, on loopback, and what is done to connections.
final class Network: Sendable {
    struct State {
        var ports: [MemberID: Int] = [:]
        /// Connections of this lane break after so many written bytes, so many times.
        var breaks: [Lane: (bytes: Int, times: Int)] = [:]
        var broken: Int = 0
        /// A bit of the nth byte that a member writes on its next connection of a lane is turned over.
        var flips: [Lane: (by: MemberID, at: Int)] = [:]
        var flipped: Int = 0
        var dials: Int = 0
    }

    let state = Mutex(State())

    func listens(_ member: MemberID, at port: Int?) { state.withLock { $0.ports[member] = port } }
}

/// The dialing of one member: it says who it is in the first nine bytes.
struct Dialing: PeerDialing {
    let network: Network
    let own: MemberID

    func dial(
        _ member: MemberID,
        _ lane: Lane,
        on loop: EventLoop,
        before deadline: Deadline
    ) async throws -> (stream: any ByteStream, leftover: [UInt8]) {
        let port: Int? = network.state.withLock { state in
            state.dials += 1
            return state.ports[member]
        }
        guard let port else { throw PeerUnreachable.refused }
        let stream: SocketStream
        do {
            stream = try await loop.connect(host: "127.0.0.1", port: port, before: deadline)
        } catch NetworkFault.system(_, _, ECONNREFUSED) {
            throw PeerUnreachable.refused
        }
        var hello = ByteWriter()
        hello.u64(own.number)
        hello.u8(lane.rawValue)
        try await stream.write(hello.bytes, before: deadline)
        let (breaksAfter, flipAt): (Int?, Int?) = network.state.withLock { state in
            var flip: Int?
            if let rule = state.flips[lane], rule.by == own {
                flip = rule.at
                state.flips[lane] = nil
                state.flipped += 1
            }
            guard let rule = state.breaks[lane], rule.times > 0 else { return (nil, flip) }
            state.breaks[lane]?.times -= 1
            state.broken += 1
            return (rule.bytes, flip)
        }
        guard breaksAfter != nil || flipAt != nil else { return (stream, []) }
        return (BadStream(stream, breaksAfter: breaksAfter, flipAt: flipAt), [])
    }
}

/// A connection that breaks, or damages a byte.
final class BadStream: ByteStream {
    private let inner: SocketStream
    private let breaksAfter: Int?
    private let flipAt: Int?
    private let written = Atomic<Int>(0)

    init(_ inner: SocketStream, breaksAfter: Int?, flipAt: Int?) {
        self.inner = inner
        self.breaksAfter = breaksAfter
        self.flipAt = flipAt
    }

    var loop: EventLoop { inner.loop }
    var local: Endpoint { inner.local }
    var peer: Endpoint { inner.peer }

    func read(into buffer: ReadBuffer, before deadline: Deadline) async throws -> Int {
        try await inner.read(into: buffer, before: deadline)
    }

    func read(upTo limit: Int, before deadline: Deadline) async throws -> [UInt8] {
        try await inner.read(upTo: limit, before: deadline)
    }

    func write(_ bytes: [UInt8], before deadline: Deadline) async throws {
        let before: Int = written.wrappingAdd(bytes.count, ordering: .relaxed).oldValue
        var bytes: [UInt8] = bytes
        if let flipAt, flipAt >= before, flipAt < before + bytes.count { bytes[flipAt - before] ^= 4 }
        if let breaksAfter, before + bytes.count > breaksAfter {
            try await inner.write(Array(bytes.prefix(max(0, breaksAfter - before))), before: deadline)
            inner.close()
            throw NetworkFault.closed
        }
        try await inner.write(bytes, before: deadline)
    }

    func finishWriting() async { await inner.finishWriting() }
    func isQuiet() async -> Bool { await inner.isQuiet() }
    func waitForPeerClose() async throws { try await inner.waitForPeerClose() }
    func close() { inner.close() }
}

/// A listener that hands connections to a transport.
final class Door: Sendable {
    let port: Int
    private let listener: Listener
    private let task: Task<Void, Never>

    init(_ transport: RaftTransport, loops: Loops, port: Int = 0) throws {
        let listener: Listener = try .bind(.tcp(host: "127.0.0.1", port: port), on: loops.next())
        self.listener = listener
        self.port = listener.endpoint.port ?? 0
        task = Task {
            await withDiscardingTaskGroup { tasks in
                while let stream = try? await listener.accept(onto: loops.next()) {
                    tasks.addTask { await Self.welcome(stream, transport) }
                }
            }
        }
    }

    private static func welcome(_ stream: SocketStream, _ transport: RaftTransport) async {
        var bytes: [UInt8] = []
        while bytes.count < 9 {
            guard let more = try? await stream.read(upTo: 4_096, before: .after(seconds: 5)), !more.isEmpty else {
                return stream.close()
            }
            bytes += more
        }
        var reader = ByteReader(bytes)
        guard let from = try? reader.u64(), from != 0, let code = try? reader.u8(), let lane = Lane(rawValue: code)
        else { return stream.close() }
        await transport.accept(stream, leftover: Array(bytes.dropFirst(9)), from: MemberID(from), lane)
    }

    func close() async {
        listener.close()
        task.cancel()
        await task.value
    }
}
