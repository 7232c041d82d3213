package import EventLoop

/// Far enough not to be reached by a working test, near enough to end a broken one.
package var soon: Deadline { .after(seconds: 10) }

/// Starts loops, hands them to `body`, stops them.
package func withLoops<Result>(_ count: Int = 2, _ body: (Loops) async throws -> Result) async throws -> Result {
    let loops: Loops = try .start(count: count)
    do {
        let result: Result = try await body(loops)
        await loops.stop()
        return result
    } catch {
        await loops.stop()
        throw error
    }
}

/// Two connected streams over loopback TCP: the accepted one on the first loop, the connecting one on the last.
package func connectedPair(_ loops: Loops) async throws -> (SocketStream, SocketStream) {
    let listener: Listener = try .bind(.tcp(host: "127.0.0.1", port: 0), on: loops.all[0])
    defer { listener.close() }
    async let accepted: SocketStream = listener.accept(onto: loops.all[0])
    let connected: SocketStream = try await loops.all[loops.all.count - 1].connect(to: listener.endpoint, before: soon)
    return (try await accepted, connected)
}
