import Certificates
import EventLoop
import Glibc
import HTTP
import JSON
import Subprocess
import Synchronization
import TLS
import Testing

extension EndToEnd {
    /// Bodies that are larger than what a node may take of memory for them, to and from a server behind it.
    @Suite(.serialized) struct StreamedBodyTests {
        private static let megabyte: Int = 1 << 20
        /// What a node may grow by, at its worst moment.
        private static let grown: Int = 10 * megabyte
        private static let bodyBytes: Int = (isThorough ? 1_024 : 128) * megabyte
        private static let piece: [UInt8] = (0..<48_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 7) }

        /// A body of `bytes` bytes, and how much of it was asked for.
        private final class Source: Sendable {
            private let made = Mutex<Int>(0)
            let bytes: Int
            var count: Int { made.withLock { $0 } }
            init(_ bytes: Int) { self.bytes = bytes }

            func next() -> [UInt8]? {
                let count: Int = made.withLock { made in
                    let count: Int = min(StreamedBodyTests.piece.count, bytes - made)
                    made += count
                    return count
                }
                guard count > 0 else { return nil }
                return count == StreamedBodyTests.piece.count
                    ? StreamedBodyTests.piece : Array(StreamedBodyTests.piece[..<count])
            }
        }

        /// Counts, and compares with what is sent, the bytes of a body.
        private struct Sink {
            var count: Int = 0
            var isEqual: Bool = true
            /// How many bytes were under way, at most.
            var ahead: Int = 0

            /// Slowly at first, which is time to run ahead for a sender that does not wait.
            static func take(from source: Source, _ next: () async throws -> [UInt8]?) async throws -> Sink {
                var sink = Sink()
                while let piece: [UInt8] = try await next() {
                    sink.add(piece)
                    if sink.count < 2 * megabyte { try await Task.sleep(for: .milliseconds(10)) }
                    sink.ahead = max(sink.ahead, source.count - sink.count)
                }
                return sink
            }

            private mutating func add(_ bytes: [UInt8]) {
                let size: Int = StreamedBodyTests.piece.count
                var position: Int = 0
                while position < bytes.count {
                    let from: Int = (count + position) % size
                    let length: Int = min(size - from, bytes.count - position)
                    let same: Bool = bytes.withUnsafeBytes { bytes in
                        StreamedBodyTests.piece.withUnsafeBytes { piece in
                            guard let left = bytes.baseAddress, let right = piece.baseAddress else { return false }
                            return memcmp(left + position, right + from, length) == 0
                        }
                    }
                    if !same { isEqual = false }
                    position += length
                }
                count += bytes.count
            }
        }

        /// A server behind the node: takes the body of a PUT and sends that of a GET.
        private final class Backend: Sendable {
            /// Of the request that is under way: what is sent by this side, or by the client.
            let source = Mutex<Source>(Source(0))
            private let server = Mutex<HTTPServer?>(nil)
            var port: Int { server.withLock { $0?.endpoint.port } ?? 0 }

            init(on loops: Loops) throws {
                let started: HTTPServer = try .start(
                    on: .tcp(host: "127.0.0.1", port: 0),
                    loops: loops,
                    streams: { _, _ in true },
                    handler: { [weak self] request, _ in
                        guard let source: Source = self?.source.withLock({ $0 }) else { return .text(503, "closed") }
                        return await Self.answer(request, source)
                    }
                )
                server.withLock { $0 = started }
            }

            func stop() async { await server.withLock { $0 }?.stop(graceMilliseconds: 0) }

            private static func answer(_ request: HTTPRequest, _ source: Source) async -> HTTPResponse {
                if request.method == "GET" {
                    return .stream(length: request.query == "chunks" ? nil : source.bytes) { writer in
                        while let piece: [UInt8] = source.next() { try await writer.write(piece) }
                    }
                }
                guard let stream: BodyStream = request.bodyStream else { return .text(500, "no stream") }
                do {
                    let sink: Sink = try await .take(from: source) { try await stream.next() }
                    return .text(200, "\(sink.count) \(sink.isEqual) \(sink.ahead)")
                } catch {
                    return .text(500, "\(error)")
                }
            }
        }

        /// The most memory that a process has had since ``forget(_:)``.
        private static func peak(_ process: Int32) throws -> Int {
            let lines: [Substring] = (Files.read("/proc/\(process)/status") ?? "").split(separator: "\n")
            guard let line = lines.first(where: { $0.hasPrefix("VmHWM:") }),
                let kilobytes = Int(line.filter(\.isNumber))
            else { throw RigFailure("the system does not say how much memory process \(process) has had") }
            return kilobytes * 1_024
        }

        private static func forget(_ process: Int32) throws -> Int {
            try Files.write("5", to: "/proc/\(process)/clear_refs")
            return try peak(process)
        }

        private static func client(_ rig: DevRig, secure: Bool) throws -> (HTTPClient, Endpoint) {
            let access: JSONValue = try #require(rig.access)
            let url: String = try #require(access[secure ? "httpsUrl" : "url"]?.string)
            let port: Int = try #require(url.split(separator: ":").last.flatMap { Int($0) })
            let place: Endpoint = .tcp(host: "127.0.0.1", port: port)
            guard secure else { return (HTTPClient(loop: rig.loop), place) }
            let file: String = try #require(access["caFile"]?.string)
            let pem: String = try #require(Files.read(file))
            let context = try TLSClientContext(trust: .authorities(try Certificate.bundle(pem: Array(pem.utf8))))
            let client = HTTPClient(loop: rig.loop) { endpoint, loop, deadline in
                let plain: SocketStream = try await loop.connect(to: endpoint, before: deadline)
                return try await context.connect(plain, serverName: nil, before: deadline)
            }
            return (client, place)
        }

        /// A server behind the node of this process.
        private static func start(_ rig: DevRig) async throws -> (Loops, Backend, Int32) {
            let loops: Loops = try .start(count: 1)
            let backend = try Backend(on: loops)
            let config: JSONValue = [
                "destinations": [
                    [
                        "paths": ["/lab/{rest:.*}"],
                        "destinationURL": .string("http://127.0.0.1:\(backend.port)/"),
                    ]
                ]
            ]
            let text = String(decoding: JSONWriter.bytes(config), as: UTF8.self)
            let put = try await rig.api("PUT", "settings/api.interceptor.config", ["value": .string(text)])
            try #require(put.status == 200, "\(put)")
            return (loops, backend, try #require(rig.process("node1")))
        }

        @Test func `a body of any length passes a node in little memory, as fast as the slower end`() async throws {
            try await DevRig.run(nodes: 1, hosts: 0) { rig in
                let (loops, backend, process): (Loops, Backend, Int32) = try await Self.start(rig)
                for secure: Bool in [false, true] {
                    let (client, place): (HTTPClient, Endpoint) = try Self.client(rig, secure: secure)
                    // What is there once, whatever passes: code, the first connections, the buffers of two loops.
                    for _ in 0..<4 { _ = try await Self.pass(8 * Self.megabyte, false, client, place, backend) }
                    for chunks: Bool in [false, true] {
                        let before: Int = try Self.forget(process)
                        let (up, down): (Sink, Sink) = try await Self.pass(
                            Self.bodyBytes,
                            chunks,
                            client,
                            place,
                            backend
                        )
                        let grown: Int = try Self.peak(process) - before
                        print(
                            "\(secure ? "HTTPS" : "HTTP"), \(chunks ? "chunks" : "length"): \(Self.bodyBytes >> 20) MiB up and "
                                + "down, the node grew by \(grown >> 10) KiB; under way \(up.ahead >> 10) and \(down.ahead >> 10) KiB"
                        )
                        #expect(up.count == Self.bodyBytes && up.isEqual)
                        #expect(down.count == Self.bodyBytes && down.isEqual)
                        #expect(grown < Self.grown)
                        // What the system holds of three connections; the rest has not left its sender.
                        #expect(max(up.ahead, down.ahead) < 40 * Self.megabyte)
                    }
                    client.close()
                }
                await backend.stop()
                await loops.stop()
            }
        }

        // MARK: HTTP/2

        private static let curl: String = "/usr/bin/curl"
        /// What `pieces` holds, a file that is repeated.
        private static let pieces: Int = 100 * piece.count
        private static let repetitions: Int = bodyBytes / pieces

        @Test(.enabled(if: access(curl, X_OK) == 0, "curl is not there: scripts/prepare test"))
        func `the same over HTTP/2, by a client that was not written here`() async throws {
            try await DevRig.run(nodes: 1, hosts: 0) { rig in
                let (loops, backend, process): (Loops, Backend, Int32) = try await Self.start(rig)
                let access: JSONValue = try #require(rig.access)
                let url: String = try #require(access["httpsUrl"]?.string)
                let file: String = try #require(access["caFile"]?.string)
                let curl: String = "\(Self.curl) --http2 --silent --show-error --cacert \(file)"
                func shell(_ script: String) async throws -> String {
                    let result: SubprocessResult = try await Subprocess.run(
                        SubprocessCommand(
                            "/bin/bash",
                            ["-c", "set -o pipefail; \(script)"],
                            environment: Program.environment(["HOME": rig.folder]),
                            workingDirectory: rig.folder
                        ),
                        deadline: .seconds(500)
                    )
                    try #require(result.status == .exited(code: 0), "\(result.outputText)\n\(result.errorText)")
                    return result.outputText
                }
                func pass(_ repetitions: Int, announced: Bool) async throws -> (up: String, down: String) {
                    let bytes: Int = repetitions * Self.pieces
                    let body: String = "for i in $(seq \(repetitions)); do cat pieces; done"
                    backend.source.withLock { $0 = Source(bytes) }
                    let length: String = announced ? "--header 'Content-Length: \(bytes)'" : ""
                    let up: String = try await shell(
                        "\(body) | \(curl) --upload-file - \(length) --write-out '%{http_version}' \(url)/lab/up"
                    )
                    backend.source.withLock { $0 = Source(bytes) }
                    // It waits first, which is time to run ahead for a sender that does not.
                    let down: String = try await shell(
                        "\(curl) '\(url)/lab/down\(announced ? "" : "?chunks")' | (sleep 1; cmp - <(\(body)) && echo same)"
                    )
                    return (up, down)
                }
                backend.source.withLock { $0 = Source(Self.pieces) }
                _ = try await shell("\(curl) --output pieces \(url)/lab/down")
                for _ in 0..<2 { _ = try await pass(2, announced: true) }
                for announced: Bool in [true, false] {
                    let before: Int = try Self.forget(process)
                    let (up, down): (String, String) = try await pass(Self.repetitions, announced: announced)
                    let grown: Int = try Self.peak(process) - before
                    let bytes: Int = Self.repetitions * Self.pieces
                    print(
                        "HTTP/2, \(announced ? "length" : "no length"): \(bytes >> 20) MiB up and down, the node grew by "
                            + "\(grown >> 10) KiB"
                    )
                    #expect(up.hasPrefix("\(bytes) true ") && up.hasSuffix("2"), "\(up)")
                    #expect(down == "same\n")
                    #expect(grown < Self.grown)
                }
                await backend.stop()
                await loops.stop()
            }
        }

        /// A body through the node, and one back.
        private static func pass(
            _ bytes: Int,
            _ chunks: Bool,
            _ client: HTTPClient,
            _ place: Endpoint,
            _ backend: Backend
        ) async throws -> (up: Sink, down: Sink) {
            let source = Source(bytes)
            backend.source.withLock { $0 = source }
            var request = HTTPRequest(method: "PUT", target: "/lab/up")
            request.bodyStream = BodyStream(length: chunks ? nil : bytes) { source.next() }
            let answer: HTTPClientResponse = try await client.send(request, to: place)
            let words: [String] = String(decoding: answer.body, as: UTF8.self).split(whereSeparator: \.isWhitespace).map
            {
                String($0)
            }
            try #require(answer.status == 200 && words.count == 3, "\(answer.status) \(words)")
            let up = Sink(count: Int(words[0]) ?? 0, isEqual: words[1] == "true", ahead: Int(words[2]) ?? .max)

            let sent = Source(bytes)
            backend.source.withLock { $0 = sent }
            var limits = HTTPClientLimits()
            limits.message.bodyBytes = .max
            let asked = HTTPRequest(method: "GET", target: chunks ? "/lab/down?chunks" : "/lab/down")
            let stream: HTTPAnswer = try await client.open(asked, to: place, limits: limits)
            try #require(stream.status == 200)
            return (up, try await Sink.take(from: sent) { try await stream.next() })
        }
    }
}
