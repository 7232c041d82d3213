import EventLoop
import HTTP
import Synchronization

/// Stands between clients and a node, and answers reads from copies that it keeps for a while.
///
/// This is the flaw that a recorded history must give away. It is put here, outside of the product: a switch for it in the
/// product would be one that somebody could find.
final class StaleProxy: Sendable {
    private let server: HTTPServer
    private let loops: Loops

    var endpoint: Endpoint { server.endpoint }

    /// - Parameter milliseconds: how old a copy may be that is served as current; 0 makes it an honest proxy.
    init(before node: Endpoint, keepsFor milliseconds: UInt64) throws {
        let loops: Loops = try .start(count: 1)
        let client = HTTPClient(loop: loops.all[0])
        let copies = Mutex<[String: (response: HTTPResponse, at: UInt64)]>([:])
        self.loops = loops
        server = try .start(
            on: .tcp(host: "127.0.0.1", port: 0),
            loops: loops,
            handler: { request, _ in
                let now: UInt64 = MonotonicClock.now
                if request.method == "GET", let copy = copies.withLock({ $0[request.target] }),
                    now - copy.at < milliseconds * 1_000_000
                {
                    return copy.response
                }
                guard let answer: HTTPClientResponse = try? await client.send(request, to: node) else {
                    return .text(502, "no answer")
                }
                let response = HTTPResponse(
                    status: answer.status,
                    headers: ["Content-Type": answer.headers["content-type"] ?? "application/json"],
                    body: answer.body
                )
                if request.method == "GET" { copies.withLock { $0[request.target] = (response, now) } }
                return response
            }
        )
    }

    func stop() async {
        await server.stop(graceMilliseconds: 0)
        await loops.stop()
    }
}
