import CLinux
import Glibc
import Limits

/// One connection from outside and its twin inside a container.
final class ForwardedPair {
    /// One way: what was read and is not written yet.
    private struct Way {
        let from: Int32
        let to: Int32
        var waiting: [UInt8] = []
        var written: Int = 0
        /// Nothing more comes; once all is written the other side is told.
        var hasEnded: Bool = false
        var isTold: Bool = false
    }

    private static let chunkBytes: Int = 64 * 1024

    private let outside: Int32
    private let inside: Int32
    private var ways: [Way]
    private(set) var isOver: Bool = false

    /// Takes over both descriptors.
    init(outside: Int32, inside: Int32) {
        self.outside = outside
        self.inside = inside
        ways = [Way(from: outside, to: inside), Way(from: inside, to: outside)]
    }

    func close() {
        guard !isOver else { return }
        isOver = true
        Glibc.close(outside)
        Glibc.close(inside)
    }

    func interests() -> [pollfd] {
        var events: [Int32: Int32] = [outside: 0, inside: 0]
        for way in ways {
            if way.waiting.isEmpty, !way.hasEnded { events[way.from, default: 0] |= Int32(POLLIN) }
            if !way.waiting.isEmpty { events[way.to, default: 0] |= Int32(POLLOUT) }
        }
        // One without wishes is left out: its end would be told again and again.
        return events.compactMap { $0.value == 0 ? nil : pollfd(fd: $0.key, events: Int16($0.value), revents: 0) }
    }

    func handle(_ ready: [Int32: Int16]) {
        guard !isOver else { return }
        for index in ways.indices {
            if ready[ways[index].from] != nil { read(index) }
            if !ways[index].waiting.isEmpty { write(index) }
            if isOver { return }
        }
        if ways.allSatisfy({ $0.isTold }) { close() }
    }

    private func read(_ index: Int) {
        guard ways[index].waiting.isEmpty, !ways[index].hasEnded else { return }
        var chunk = [UInt8](repeating: 0, count: Self.chunkBytes)
        let count: Int = Glibc.read(ways[index].from, &chunk, chunk.count)
        if count > 0 {
            chunk.removeLast(chunk.count - count)
            ways[index].waiting = chunk
            ways[index].written = 0
        } else if count == 0 {
            ways[index].hasEnded = true
            tell(index)
        } else if errno != EAGAIN, errno != EINTR {
            close()
        }
    }

    private func write(_ index: Int) {
        let way: Way = ways[index]
        let count: Int = way.waiting.withUnsafeBytes { buffer in
            send(
                way.to,
                buffer.baseAddress.map { $0 + way.written },
                buffer.count - way.written,
                Int32(MSG_NOSIGNAL)
            )
        }
        if count < 0 {
            if errno != EAGAIN, errno != EINTR, errno != ENOTCONN { close() }
            return
        }
        ways[index].written += count
        if ways[index].written == way.waiting.count {
            ways[index].waiting = []
            tell(index)
        }
    }

    /// Hands on that no more comes.
    private func tell(_ index: Int) {
        guard ways[index].hasEnded, ways[index].waiting.isEmpty, !ways[index].isTold else { return }
        ways[index].isTold = true
        shutdown(ways[index].to, Int32(SHUT_WR))
    }
}

/// Datagrams of one client to one port, and the answers.
final class DatagramFlow {
    let listener: Int32
    let client: SocketPlace
    let descriptor: Int32
    private var usedAt: Int64

    /// Takes over the connected socket.
    init(listener: Int32, client: SocketPlace, descriptor: Int32) {
        self.listener = listener
        self.client = client
        self.descriptor = descriptor
        usedAt = ShimClock.milliseconds
    }

    func isOver(_ now: Int64) -> Bool { now - usedAt > Int64(Limits.hostForwardedFlowSeconds) * 1_000 }

    func close() { Glibc.close(descriptor) }

    func send(_ datagram: ArraySlice<UInt8>) {
        usedAt = ShimClock.milliseconds
        _ = datagram.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT)) }
    }

    func answer() {
        var bytes = [UInt8](repeating: 0, count: 64 * 1024)
        let count: Int = recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
        guard count >= 0 else { return }
        usedAt = ShimClock.milliseconds
        client.send(listener, bytes[..<count])
    }
}
