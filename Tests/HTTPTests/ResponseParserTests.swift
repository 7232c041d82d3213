import EventLoop
import HTTP
import TestSupport
import Testing

/// Status, body and how it ended.
private func parse(_ bytes: [UInt8], step: Int, method: String = "GET", limit: Int = 1_000) -> String {
    var limits = MessageLimits()
    limits.bodyBytes = limit
    var parser = ResponseParser(method: method, limits: limits)
    let buffer = ReadBuffer()
    var status: String = "-"
    var body: [UInt8] = []
    var start: Int = 0
    do {
        while true {
            while let event = try parser.next(buffer) {
                switch event {
                case .head(let head): status = "\(head.status) \(head.reason)"
                case .body(let piece): body += piece
                case .end: return "\(status)|\(String(decoding: body, as: UTF8.self))|end"
                }
            }
            guard start < bytes.count else {
                _ = try parser.finish()
                return "\(status)|\(String(decoding: body, as: UTF8.self))|closed"
            }
            let end: Int = min(bytes.count, start + step)
            buffer.append(bytes[start..<end])
            start = end
        }
    } catch {
        return "refused"
    }
}

@Suite struct ResponseParserTests {
    static let table: [(method: String, text: String, outcome: String)] = [
        ("GET", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "200 OK|abc|end"),
        ("GET", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "200 ||end"),
        ("GET", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", "200 ||end"),
        ("GET", "HTTP/1.0 200 OK\r\n\r\nabc", "200 OK|abc|closed"),
        (
            "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x\r\nc\r\n0\r\n\r\n",
            "200 OK|abc|end"
        ),
        (
            "GET", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No\r\n\r\n",
            "204 No||end"
        ),
        ("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "304 Not Modified||end"),
        ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "200 OK||end"),
        ("HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "200 OK||end"),
        ("GET", "HTTP/1.1 101 UPGRADED\r\nUpgrade: tcp\r\n\r\nraw", "101 UPGRADED||end"),
        ("GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", "refused"),
        ("GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "refused"),
        ("GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", "refused"),
        ("GET", "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", "refused"),
        ("GET", "HTTP/1.1 200 OK\r\n\r\n\(String(repeating: "x", count: 1_001))", "refused"),
        ("GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "refused"),
        ("GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab", "refused"),
        ("GET", "HTTP/1.1 20 OK\r\n\r\n", "refused"),
        ("GET", "HTTP/1.1 099 OK\r\n\r\n", "refused"),
        ("GET", "HTTP/1.1 2000 OK\r\n\r\n", "refused"),
        ("GET", "HTTP/1.1  200 OK\r\n\r\n", "refused"),
        ("GET", "HTTP/2.0 200 OK\r\n\r\n", "refused"),
        ("GET", "ICY 200 OK\r\n\r\n", "refused"),
        ("GET", "HTTP/1.1 200 OK\nContent-Length: 0\n\n", "refused"),
        ("GET", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", "refused"),
        ("GET", String(repeating: "HTTP/1.1 100 Continue\r\n\r\n", count: 20), "refused"),
        ("GET", "", "refused"),
    ]

    @Test(arguments: table)
    func `reads or refuses as the table says`(method: String, text: String, outcome: String) {
        for step in [1, 2, 5, 10_000] {
            #expect(parse(Array(text.utf8), step: step, method: method) == outcome)
        }
    }

    @Test(arguments: 0..<20)
    func `random bytes and damaged answers are read alike however they are cut`(seed: UInt64) {
        var random = Seeded(seed)
        for _ in 0..<100 {
            var bytes: [UInt8] = Array((Self.table.randomElement(using: &random)?.text ?? "").utf8)
            for _ in 0..<Int.random(in: 0..<4, using: &random) where !bytes.isEmpty {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            #expect(parse(bytes, step: 1) == parse(bytes, step: 10_000))
        }
    }
}
