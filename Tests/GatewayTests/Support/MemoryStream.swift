import EventLoop

/// A connection that nobody reads: enough for requests that are handed to the gateway directly.
final class MemoryStream: ByteStream {
    let loop: EventLoop
    let local: Endpoint = .tcp(host: "127.0.0.1", port: 8080)
    let peer: Endpoint

    init(loop: EventLoop, peer: String = "192.0.2.7") {
        self.loop = loop
        self.peer = .tcp(host: peer, port: 40_000)
    }

    func read(into buffer: ReadBuffer, before deadline: Deadline) async throws -> Int { 0 }
    func read(upTo limit: Int, before deadline: Deadline) async throws -> [UInt8] { [] }
    func write(_ bytes: [UInt8], before deadline: Deadline) async throws {}
    func finishWriting() async {}
    func isQuiet() async -> Bool { true }
    func waitForPeerClose() async throws {}
    func close() {}
}
