import CLI
import EventLoop

/// A port that nobody listens on now.
enum FreePort {
    /// Below those that the system gives to outgoing connections (usually from 32768 on): while a node is being started
    /// again, a client that keeps trying to connect must not be given the node's own port.
    private static let range: ClosedRange<Int> = 20_000...32_000

    /// As many different ports as are wanted.
    static func find(_ count: Int) async throws -> [Int] {
        let loop: EventLoop = try EventLoop.start()
        var found: [Int] = []
        // Each is tried once: a port that was just closed is free again only when the loop has ended.
        for port in range.shuffled().prefix(100 + count) where found.count < count {
            guard let listener = try? Listener.bind(.tcp(host: "127.0.0.1", port: port), on: loop) else { continue }
            listener.close()
            found.append(port)
        }
        // The ports are free again when the loop has ended.
        await loop.stop()
        guard found.count == count else {
            throw CommandFailure(
                "no free port was found from \(range.lowerBound) to \(range.upperBound); name one with --port"
            )
        }
        return found
    }

    /// - Throws: naming who listens there, when somebody does.
    static func check(_ port: Int) async throws {
        let loop: EventLoop = try EventLoop.start()
        let listener: Result<Listener, NetworkFault> = Result { () throws(NetworkFault) in
            try Listener.bind(.tcp(host: "127.0.0.1", port: port), on: loop)
        }
        await loop.stop()
        _ = try listener.get()
    }
}
