import EventLoop
import JSON
import Synchronization
import Testing

/// A server behind the gateway that writes down every byte it is sent, and reads them as laxly as careless servers do.
final class RecordingBackend: Sendable {
    private final class Record: Sendable {
        let heads = Mutex<[String]>([])
    }

    private let listener: Listener
    private let record: Record
    private let task: Task<Void, Never>

    /// Where it listens, on loopback.
    var port: Int { listener.endpoint.port ?? 0 }

    /// The first line of each request that it has read, in order.
    var seen: [String] {
        heads.map { head in head.firstRange(of: "\r\n").map { String(head[..<$0.lowerBound]) } ?? head }
    }
    /// The same with all header lines.
    var heads: [String] { record.heads.withLock { $0 } }

    init(on loop: EventLoop) throws {
        let listener: Listener = try .bind(.tcp(host: "127.0.0.1", port: 0), on: loop)
        let record = Record()
        self.listener = listener
        self.record = record
        task = Task(executorPreference: loop) {
            await withDiscardingTaskGroup { group in
                while let stream: SocketStream = try? await listener.accept(onto: loop) {
                    group.addTask(executorPreference: loop) {
                        await Self.serve(stream) { head in record.heads.withLock { $0.append(head) } }
                    }
                }
            }
        }
    }

    /// One that the rig's nodes send everything below `/lab/` to.
    static func behind(_ rig: DevRig) async throws -> RecordingBackend {
        let backend = try RecordingBackend(on: rig.loop)
        let config: JSONValue = [
            "destinations": [
                ["paths": ["/lab/{rest:.*}"], "destinationURL": .string("http://127.0.0.1:\(backend.port)/")]
            ]
        ]
        let text = String(decoding: JSONWriter.bytes(config), as: UTF8.self)
        let put = try await rig.api("PUT", "settings/api.interceptor.config", ["value": .string(text)])
        try #require(put.status == 200, "\(put)")
        return backend
    }

    func close() {
        listener.close()
        task.cancel()
    }

    /// One connection: whatever looks like a request is one, and is answered.
    private static func serve(_ stream: SocketStream, _ saw: (String) -> Void) async {
        defer { stream.close() }
        var bytes: [UInt8] = []
        while let piece: [UInt8] = try? await stream.read(upTo: 64 * 1024, before: .after(seconds: 20)), !piece.isEmpty
        {
            bytes += piece
            while let (head, length): (String, Int) = request(bytes) {
                saw(head)
                bytes.removeFirst(length)
                let answer: [UInt8] = Array("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".utf8)
                try? await stream.write(answer, before: .after(seconds: 5))
            }
        }
    }

    /// The first whole request in `bytes`, by its `Content-Length` alone: what chunked bodies hold is the next request to this one.
    private static func request(_ bytes: [UInt8]) -> (String, Int)? {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let end = text.firstRange(of: "\r\n\r\n") else { return nil }
        let head: Substring = text[..<end.lowerBound]
        let lines: [Substring] = head.split(separator: "\r\n", omittingEmptySubsequences: false)
        var body: Int = 0
        for line in lines.dropFirst() {
            let parts: [Substring] = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2, parts[0].lowercased() == "content-length" {
                body = Int(parts[1].filter { $0 != " " }) ?? 0
            }
        }
        let length: Int = head.utf8.count + 4 + body
        guard bytes.count >= length else { return nil }
        return (String(head), length)
    }
}
