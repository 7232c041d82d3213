import CLI
import EventLoop

/// A port that nobody listens on now.
enum FreePort {
    static func find() throws -> Int {
        let loop: EventLoop = try EventLoop.start()
        let listener: Listener = try Listener.bind(.tcp(host: "127.0.0.1", port: 0), on: loop)
        defer { listener.close() }
        guard let port: Int = listener.endpoint.port else { throw CommandFailure("no free port was found") }
        return port
    }
}
