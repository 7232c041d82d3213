import EventLoop
import HTTP

/// Where a request came from, without the connection, which others keep or which has ended.
final class DepartedStream: ByteStream {
    let loop: EventLoop
    let local: Endpoint
    let peer: Endpoint

    init(_ connection: ConnectionInfo) {
        loop = connection.loop
        local = connection.local
        peer = connection.peer
    }

    func read(into buffer: ReadBuffer, before deadline: Deadline) async throws -> Int { throw NetworkFault.closed }
    func read(upTo limit: Int, before deadline: Deadline) async throws -> [UInt8] { throw NetworkFault.closed }
    func write(_ bytes: [UInt8], before deadline: Deadline) async throws { throw NetworkFault.closed }
    func finishWriting() async {}
    func isQuiet() async -> Bool { false }
    func waitForPeerClose() async throws {}
    func close() {}
}
