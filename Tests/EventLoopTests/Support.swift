import EventLoop
import Glibc
import Synchronization

/// Starts loops, hands them to `body`, stops them.
func withLoops<Result>(_ count: Int = 2, _ body: (Loops) async throws -> Result) async throws -> Result {
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

/// Two connected streams over loopback TCP, the first of them on the first loop.
func connectedPair(_ loops: Loops) async throws -> (SocketStream, SocketStream) {
    let listener: Listener = try .bind(.tcp(host: "127.0.0.1", port: 0), on: loops.all[0])
    defer { listener.close() }
    async let accepted: SocketStream = listener.accept(onto: loops.all[0])
    let connected: SocketStream = try await loops.all[loops.all.count - 1].connect(to: listener.endpoint, before: soon)
    return (try await accepted, connected)
}

/// Far enough not to be reached by a working test, near enough to end a broken one.
var soon: Deadline { .after(seconds: 10) }

func temporaryPath(_ name: String) -> String {
    "/tmp/drover-\(getpid())-\(UInt32.random(in: 0...UInt32.max))-\(name)"
}

/// Waits until `condition` holds.
func eventually(_ condition: () async -> Bool) async -> Bool {
    let deadline: Deadline = soon
    while !deadline.isPast {
        if await condition() { return true }
        try? await Task.sleep(for: .milliseconds(2))
    }
    return await condition()
}

/// What `body` throws, or nil.
func fault(_ body: () async throws -> Void) async -> (any Error)? {
    do {
        try await body()
        return nil
    } catch {
        return error
    }
}

/// A value that several tasks look at.
final class Shared<Value: Sendable>: Sendable {
    private let mutex: Mutex<Value>

    init(_ value: Value) { mutex = Mutex(value) }

    var value: Value { mutex.withLock { $0 } }

    func change(_ body: (inout Value) -> Void) { mutex.withLock { body(&$0) } }
}
