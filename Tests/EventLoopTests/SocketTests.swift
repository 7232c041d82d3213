import EventLoop
import Glibc
import TestSupport
import Testing

@Suite struct SocketTests {
    @Test func `bytes arrive in order and the end is seen`() async throws {
        try await withLoops { (loops: Loops) async throws in
            let (server, client): (SocketStream, SocketStream) = try await connectedPair(loops)
            let sent: [UInt8] = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
            let writer = Task(executorPreference: client.loop) {
                try await client.write(sent, before: soon)
                await client.finishWriting()
            }
            let received: [UInt8] = try await server.loop.run {
                let buffer = ReadBuffer()
                while try await server.read(into: buffer, before: soon) > 0 {}
                return buffer.take()
            }
            try await writer.value
            #expect(received == sent)
            // The other direction is still open.
            try await server.write([1, 2, 3], before: soon)
            server.close()
            #expect(try await client.read(upTo: 100, before: soon) == [1, 2, 3])
            #expect(try await client.read(upTo: 100, before: soon) == [])
        }
    }

    @Test func `an actor that reads on a busy loop misses nothing that comes just then`() async throws {
        try await withLoops { (loops: Loops) async throws in
            let busy: [Task<Void, Never>] = (0..<3).map { _ in
                Task(executorPreference: loops.all[0]) { while !Task.isCancelled { await Task.yield() } }
            }
            defer { for task in busy { task.cancel() } }
            for yields in 0..<100 {
                let (server, client): (SocketStream, SocketStream) = try await connectedPair(loops)
                // One that never waited is not watched: what comes now is told when the second read begins to wait.
                try await client.write([1], before: soon)
                try #require(try await server.read(upTo: 10, before: soon) == [1])
                try await client.write([2], before: soon)
                let reader = ActorReader(stream: server)
                let read = Task(executorPreference: server.loop) {
                    // At any place of what the loop does between two looks at its sockets.
                    for _ in 0..<yields { await Task.yield() }
                    return try await reader.read()
                }
                try #require(try await read.value == 1, "after \(yields) turns of other tasks")
            }
        }
    }

    @Test func `a writer waits for a slow reader and its deadline ends the wait`() async throws {
        try await withLoops { (loops: Loops) async throws in
            let (server, client): (SocketStream, SocketStream) = try await connectedPair(loops)
            let error: (any Error)? = await fault {
                try await client.write([UInt8](repeating: 7, count: 64 * 1024 * 1024), before: .after(milliseconds: 50))
            }
            guard case .timedOut? = error as? NetworkFault else {
                Issue.record("\(String(describing: error))")
                return
            }
            server.close()
        }
    }

    @Test func `a read gives up at its deadline, and a later one works`() async throws {
        try await withLoops { (loops: Loops) async throws in
            let (server, client): (SocketStream, SocketStream) = try await connectedPair(loops)
            guard
                case .timedOut? = await fault({ _ = try await server.read(upTo: 10, before: .after(milliseconds: 20)) })
                    as? NetworkFault
            else {
                Issue.record("no time-out")
                return
            }
            try await client.write([9], before: soon)
            #expect(try await server.read(upTo: 10, before: soon) == [9])
        }
    }

    @Test func `cancelling a task ends its read, and closing a stream ends others' reads`() async throws {
        try await withLoops { (loops: Loops) async throws in
            let (server, client): (SocketStream, SocketStream) = try await connectedPair(loops)
            let reader = Task(executorPreference: server.loop) { try await server.read(upTo: 10, before: .never) }
            reader.cancel()
            #expect(await fault { _ = try await reader.value } is CancellationError)

            let second = Task(executorPreference: server.loop) { try await server.read(upTo: 10, before: .never) }
            server.close()
            #expect(await fault { _ = try await second.value } as? NetworkFault == .closed)
            #expect(await fault { try await server.write([1], before: soon) } as? NetworkFault == .closed)
            #expect(try await client.read(upTo: 1, before: soon) == [])
        }
    }

    @Test func `a stream that nobody holds is closed`() async throws {
        try await withLoops { (loops: Loops) async throws in
            let client: SocketStream = try await {
                let (server, client): (SocketStream, SocketStream) = try await connectedPair(loops)
                let waiter = Task(executorPreference: server.loop) {
                    try await server.read(upTo: 1, before: .after(milliseconds: 5))
                }
                _ = await waiter.result
                return client
            }()
            #expect(try await client.read(upTo: 1, before: soon) == [])
        }
    }

    @Test func `a peer's closing is noticed without reading`() async throws {
        try await withLoops { (loops: Loops) async throws in
            let (server, client): (SocketStream, SocketStream) = try await connectedPair(loops)
            #expect(await server.isQuiet())
            try await client.write([5], before: soon)
            client.close()
            try await server.waitForPeerClose()
            #expect(await !server.isQuiet())
            #expect(try await server.read(upTo: 10, before: soon) == [5])
            #expect(try await server.read(upTo: 10, before: soon) == [])
        }
    }

    @Test func `who holds a port is found by any address that collides, and by no other`() async throws {
        try await withLoops(1) { (loops: Loops) async throws in
            for address in ["127.0.0.1", "0.0.0.0", "::"] {
                let listener: Listener = try .bind(.tcp(host: address, port: 0), on: loops.all[0])
                let port: Int = listener.endpoint.port ?? 0
                #expect(PortHolder.find(address: address, port: port)?.processID == getpid())
                #expect(PortHolder.find(address: "0.0.0.0", port: port)?.processID == getpid())
                #expect((PortHolder.find(address: "127.1.0.9", port: port) == nil) == (address == "127.0.0.1"))
                #expect(PortHolder.find(address: address, port: port, transport: .udp) == nil)
                listener.close()
            }
            #expect(PortHolder.find(address: "localhost", port: 80) == nil)
        }
    }

    @Test func `a taken port is named`() async throws {
        try await withLoops(1) { (loops: Loops) async throws in
            let first: Listener = try .bind(.tcp(host: "127.0.0.1", port: 0), on: loops.all[0])
            let error: (any Error)? = await fault { _ = try Listener.bind(first.endpoint, on: loops.all[0]) }
            let holder: PortHolder? = .find(address: "127.0.0.1", port: first.endpoint.port ?? 0)
            #expect(holder?.processID == getpid())
            #expect(error as? NetworkFault == .addressInUse("\(first.endpoint)", holder: holder))
            #expect("\(error as Any)".contains("is already in use by process "))
            #expect((first.endpoint.port ?? 0) > 0)
            first.close()
        }
    }

    @Test func `a refused connection names its target`() async throws {
        try await withLoops(1) { (loops: Loops) async throws in
            let closed: Listener = try .bind(.tcp(host: "127.0.0.1", port: 0), on: loops.all[0])
            let endpoint: Endpoint = closed.endpoint
            closed.close()
            #expect(
                await eventually {
                    await fault { _ = try await loops.all[0].connect(to: endpoint, before: soon) } as? NetworkFault
                        == .system(operation: "connect to", object: "\(endpoint)", code: ECONNREFUSED)
                }
            )
        }
    }

    @Test func `names are looked up without holding the loop`() async throws {
        try await withLoops(1) { (loops: Loops) async throws in
            let listener: Listener = try .bind(.tcp(host: "127.0.0.1", port: 0), on: loops.all[0])
            let port: Int = listener.endpoint.port ?? 0
            async let accepted: SocketStream = listener.accept(onto: loops.all[0])
            let stream: SocketStream = try await loops.all[0].connect(host: "localhost", port: port, before: soon)
            let server: SocketStream = try await accepted
            #expect(server.peer == stream.local)
            let error: (any Error)? = await fault {
                _ = try await loops.all[0].connect(host: "no-such-name.invalid", port: 1, before: soon)
            }
            guard case .unknownHost(name: "no-such-name.invalid", cause: _)? = error as? NetworkFault else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }

    @Test func `Unix sockets work, a dead one's path is taken over, a live one's is not`() async throws {
        try await withLoops(1) { (loops: Loops) async throws in
            let folder = Folder()
            defer { withExtendedLifetime(folder) {} }
            let path: String = "\(folder.path)/socket"
            let loop: EventLoop = loops.all[0]
            // A socket file whose owner is gone.
            let dead: Int32 = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
            withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    _ = bind(dead, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            close(dead)

            let listener: Listener = try .bind(.unix(path: path), on: loop)
            #expect(
                await fault { _ = try Listener.bind(.unix(path: path), on: loop) } as? NetworkFault
                    == .addressInUse("unix:\(path)", holder: nil)
            )
            // The second one asked whether somebody answers there.
            #expect(try await listener.accept(onto: loop).read(upTo: 1, before: soon) == [])
            let client: SocketStream = try await loop.connect(unixPath: path, before: soon)
            let server: SocketStream = try await listener.accept(onto: loop)
            try await client.write([1, 2], before: soon)
            #expect(try await server.read(upTo: 10, before: soon) == [1, 2])
            listener.close()
            #expect(await eventually { access(path, F_OK) != 0 })
        }
    }

    @Test(arguments: ["", String(repeating: "x", count: 108), "a\0b"])
    func `an impossible socket path is refused`(path: String) async throws {
        try await withLoops(1) { (loops: Loops) async throws in
            #expect(
                await fault { _ = try Listener.bind(.unix(path: path), on: loops.all[0]) } as? NetworkFault
                    == .invalidPath(path)
            )
        }
    }
}

/// An actor of no loop, as those are that serve connections.
private actor ActorReader {
    private let stream: SocketStream

    init(stream: SocketStream) { self.stream = stream }

    func read() async throws -> Int { try await stream.read(into: ReadBuffer(), before: soon) }
}
