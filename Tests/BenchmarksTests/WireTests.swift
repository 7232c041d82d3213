import Benchmarks
import Testing

/// What the load generator reads and writes by itself.
@Suite struct WireTests {
    @Test func `a frame's head is read as RFC 9113 has it`() throws {
        var bytes: [UInt8] = []
        HTTP2.append(HTTP2.Kind.data, flags: HTTP2.Flag.endStream, stream: 0x0102_0304, [9, 8, 7], to: &bytes)
        #expect(bytes == [0, 0, 3, 0, 1, 1, 2, 3, 4, 9, 8, 7])
        let head = try #require(HTTP2.Head(bytes[...]))
        #expect(head.length == 3 && head.kind == HTTP2.Kind.data && head.flags == 1 && head.stream == 0x0102_0304)
        #expect(HTTP2.Head(bytes[..<8]) == nil)
    }

    @Test func `headers enter the server's table once and are references afterwards`() {
        let first: [UInt8] = HTTP2.firstHeaders(path: "/a/b", authority: "h:1")
        #expect(Array(first.prefix(8)) == [0x83, 0x87, 0x44, 4] + Array("/a/b".utf8))
        // Entry 62 is the newest: te, then content-type, :authority, :path.
        #expect(HTTP2.laterHeaders == [0x83, 0x87, 0xC1, 0xC0, 0xBF, 0xBE])
    }

    @Test func `a message comes out as it was framed, whatever follows`() throws {
        let framed: [UInt8] = HTTP2.message([1, 2, 3]) + [0, 0]
        let found = try #require(HTTP2.message(in: framed[...]))
        #expect(Array(found.message) == [1, 2, 3] && found.length == 8)
        for end in 0..<8 { #expect(HTTP2.message(in: framed[..<end]) == nil) }
    }

    @Test func `a put has its key and its value in order, lengths over 127 included`() {
        let value = [UInt8](repeating: 5, count: 256)
        let bytes: [UInt8] = EtcdMessages.putRequest(key: [1, 2], value: value)
        #expect(bytes == [0x0A, 2, 1, 2, 0x12, 0x80, 0x02] + value)
        #expect(EtcdMessages.watchRequest(key: [7]) == [0x0A, 3, 0x0A, 1, 7])
    }

    @Test func `an answer to Range is counted and one to Status names the leader`() {
        let range: [UInt8] = [0x0A, 2, 0x18, 5, 0x12, 3, 0x0A, 1, 7, 0x12, 0, 0x20, 2]
        #expect(EtcdMessages.pairs(inRange: range[...]) == 2)
        let status: [UInt8] = [0x0A, 3, 0x10, 0x81, 0x01, 0x18, 9, 0x20, 0x82, 0x01]
        let found = EtcdMessages.leader(inStatus: status[...])
        #expect(found?.own == 0x81 && found?.leader == 0x82)
        #expect(EtcdMessages.isCreated([0x10, 3, 0x18, 1][...]))
        #expect(!EtcdMessages.isCreated([0x10, 3][...]))
    }

    @Test func `broken messages are refused, never read beyond`() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<500 {
            let bytes: [UInt8] = (0..<Int.random(in: 0..<40, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            _ = EtcdMessages.forEachField(bytes[...]) { _, _, _ in }
            _ = HTTP2.message(in: bytes[...])
            _ = ServerFrame.first(in: bytes[...])
            _ = bytes.withUnsafeBytes { HTTPLoadHead($0) }
        }
        #expect(!EtcdMessages.forEachField([0x0A, 5, 1][...]) { _, _, _ in })
    }

    @Test(
        arguments: [
            ("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n", 200, 12),
            ("HTTP/1.1 201 Created\r\nX: y\r\ncontent-length:7\r\n\r\nrest", 201, 7),
            ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", 101, 0),
        ]
    ) func `an answer's status and length are found`(text: String, status: Int, length: Int) throws {
        let head: HTTPLoadHead? = Array(text.utf8).withUnsafeBytes { HTTPLoadHead($0) }
        #expect(head?.status == status && head?.bodyLength == length)
        for end in 0..<(text.utf8.count - 4) where !text.hasSuffix("rest") {
            let part: HTTPLoadHead? = Array(text.utf8.prefix(end)).withUnsafeBytes { HTTPLoadHead($0) }
            #expect(part == nil)
        }
    }

    @Test func `an answer without a length says so`() {
        let head: HTTPLoadHead? = Array("HTTP/1.1 200 OK\r\nServer: x\r\n\r\n".utf8).withUnsafeBytes {
            HTTPLoadHead($0)
        }
        #expect(head?.status == 200 && head?.bodyLength == nil)
    }

    @Test func `frames of a server are cut at their ends`() {
        let long: [UInt8] = [0x81, 126, 1, 0] + [UInt8](repeating: 3, count: 256)
        #expect(ServerFrame.first(in: (long + [0x81])[...])?.length == 260)
        #expect(ServerFrame.first(in: [0x89, 0, 9][...])?.length == 2)
        #expect(ServerFrame.first(in: long[..<200]) == nil)
        #expect(ServerFrame.first(in: [0x81, 127, 255, 255, 255, 255, 255, 255, 255, 255, 1][...]) == nil)
    }
}
