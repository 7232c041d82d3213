import Bytes
import Certificates
import EventLoop
import Glibc
import HTTP
import JSON
import TLS
import Testing
import WebSocket

extension EndToEnd {
    /// What thousands of quiet subscribers cost one node.
    @Suite(.serialized) struct SubscriberTests {
        private static let count: Int = isThorough ? 10_000 : 500
        /// For each of them.
        ///
        /// The TLS of a connection takes 14 KB in OpenSSL alone.
        private static let bytes: (plain: Int, secure: Int) = (6_000, 20_000)

        /// Memory that no file stands behind.
        private static func memory(_ process: Int32) throws -> Int {
            let lines: [Substring] = (Files.read("/proc/\(process)/status") ?? "").split(separator: "\n")
            guard let line = lines.first(where: { $0.hasPrefix("RssAnon:") }),
                let kilobytes = Int(line.filter(\.isNumber))
            else { throw RigFailure("the system does not say how much memory process \(process) has") }
            return kilobytes * 1_024
        }

        private static func raiseDescriptorLimit() {
            var limit = rlimit()
            guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
            limit.rlim_cur = limit.rlim_max
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        }

        @Test(arguments: [false, true])
        func `a quiet subscriber costs a node little memory`(secure: Bool) async throws {
            Self.raiseDescriptorLimit()
            try await DevRig.run(nodes: 1, hosts: 0) { rig in
                let process: Int32 = try #require(rig.process("node1"))
                let key: (access: String, secret: String) = try rig.key
                let headers: HTTPHeaders = [
                    "Authorization": "Basic " + Base64.encode(Array("\(key.access):\(key.secret)".utf8))
                ]
                let url: String = try #require(rig.access?[secure ? "httpsUrl" : "url"]?.string)
                let port: Int = try #require(url.split(separator: ":").last.flatMap { Int($0) })
                let context: TLSClientContext? = secure ? try Self.context(rig) : nil
                let client = HTTPClient(loop: rig.loop) { endpoint, loop, deadline in
                    let plain: SocketStream = try await loop.connect(to: endpoint, before: deadline)
                    return try await context?.connect(plain, serverName: nil, before: deadline) ?? plain
                }
                func subscribe() async throws -> WebSocket {
                    let socket: WebSocket = try await .connect(
                        to: .tcp(host: "127.0.0.1", port: port),
                        target: "/v2-beta/projects/1a5/subscribe?eventNames=resource.change",
                        headers: headers,
                        client: client
                    )
                    _ = try await socket.receive()  // the first ping: it stands
                    return socket
                }
                // What is there once, however many come: code, and the memory of the first requests.
                for _ in 0..<50 { await (try await subscribe()).close() }
                let before: Int = try Self.memory(process)
                var sockets: [WebSocket] = []
                for _ in 0..<Self.count { sockets.append(try await subscribe()) }
                // Each has had a ping of its own at rest, the last as well.
                if let last: WebSocket = sockets.last { _ = try await last.receive() }
                let each: Int = (try Self.memory(process) - before) / Self.count
                print("\(Self.count) subscribers over \(secure ? "HTTPS" : "HTTP"): \(each) bytes each")
                #expect(each < (secure ? Self.bytes.secure : Self.bytes.plain))
                // All of them hear of a change still.
                try #require(try await rig.api("POST", "projects/1a5/stacks", ["name": "heard"]).status == 201)
                for socket in [sockets[0], sockets[Self.count / 2], sockets[Self.count - 1]] {
                    try await wait(for: "a subscriber to hear of the stack") {
                        guard case .text(let text)? = try await socket.receive() else { return false }
                        return text.contains("resource.change") && text.contains("heard")
                    }
                }
                client.close()
            }
        }

        private static func context(_ rig: DevRig) throws -> TLSClientContext {
            let file: String = try #require(rig.access?["caFile"]?.string)
            let pem: String = try #require(Files.read(file))
            return try TLSClientContext(trust: .authorities(try Certificate.bundle(pem: Array(pem.utf8))))
        }
    }
}
