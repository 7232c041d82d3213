import EventLoop
import HTTP
import TestSupport
import Testing

/// What a parser makes of some bytes, in a form that can be compared.
enum Outcome: Equatable, CustomStringConvertible {
    case requests([String])
    case refused(Int, after: Int)

    var description: String {
        switch self {
        case .requests(let list): "requests \(list)"
        case .refused(let status, let after): "\(status) after \(after)"
        }
    }
}

func parse(_ bytes: [UInt8], step: Int, limits: MessageLimits = MessageLimits()) -> Outcome {
    var parser = RequestParser(limits)
    let buffer = ReadBuffer()
    var requests: [String] = []
    var start: Int = 0
    do {
        repeat {
            let end: Int = min(bytes.count, start + step)
            buffer.append(bytes[start..<end])
            start = end
            while let event = try parser.next(buffer) {
                if case .request(let request) = event {
                    let fields: [String] = request.headers.map { "\($0.name)=\($0.value)" }
                    requests.append(
                        "\(request.method) \(request.target) \(fields) \(String(decoding: request.body, as: UTF8.self))"
                    )
                }
            }
        } while start < bytes.count
    } catch {
        return .refused(error.status, after: requests.count)
    }
    return .requests(requests)
}

struct Refused: Sendable, CustomTestStringConvertible {
    let status: Int
    let text: String
    var testDescription: String { "\(status) \(text.prefix(60).debugDescription)" }

    init(_ status: Int, _ text: String) {
        self.status = status
        self.text = text
    }
}

@Suite struct RequestParserTests {
    static let get: String = "GET / HTTP/1.1\r\nHost: a\r\n"
    static let post: String = "POST / HTTP/1.1\r\nHost: a\r\n"

    /// Small limits, so that their rows stay readable.
    static var limits: MessageLimits {
        var limits = MessageLimits()
        limits.lineBytes = 100
        limits.headBytes = 400
        limits.headerCount = 8
        limits.chunkLineBytes = 20
        limits.bodyBytes = 50
        return limits
    }

    static let refused: [Refused] = [
        // Framing that two parsers could read in two ways.
        Refused(400, post + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        Refused(400, post + "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n"),
        Refused(400, post + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"),
        Refused(400, post + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc"),
        Refused(400, post + "Content-Length: 3, 4\r\n\r\nabcd"),
        Refused(400, post + "Content-Length: 3, 3\r\n\r\nabc"),
        Refused(400, post + "Content-Length: +3\r\n\r\nabc"),
        Refused(400, post + "Content-Length: -3\r\n\r\nabc"),
        Refused(400, post + "Content-Length: 0x3\r\n\r\nabc"),
        Refused(400, post + "Content-Length: 3 \u{0B}\r\n\r\nabc"),
        Refused(400, post + "Content-Length: 3 3\r\n\r\nabc"),
        Refused(400, post + "Content-Length: \r\n\r\n"),
        Refused(400, post + "Content-Length: ٣\r\n\r\nabc"),
        Refused(413, post + "Content-Length: 99999999999999999999999\r\n\r\n"),
        Refused(413, post + "Content-Length: 51\r\n\r\n"),
        Refused(501, post + "Transfer-Encoding: gzip\r\n\r\n"),
        Refused(501, post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
        Refused(501, post + "Transfer-Encoding: identity\r\n\r\n"),
        Refused(501, post + "Transfer-Encoding: xchunked\r\n\r\n"),
        Refused(501, post + "Transfer-Encoding: chunked, chunked\r\n\r\n"),
        Refused(501, post + "Transfer-Encoding: \"chunked\"\r\n\r\n"),
        Refused(501, post + "Transfer-Encoding: chunked;q=1\r\n\r\n"),
        Refused(501, post + "Transfer-Encoding:\r\n\r\n"),
        Refused(400, post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n"),
        Refused(400, post + "Transfer-Encoding: \u{0B}chunked\r\n\r\n"),
        Refused(400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        // Lines.
        Refused(400, "GET / HTTP/1.1\nHost: a\n\n"),
        Refused(400, get + "X: a\nY: b\r\n\r\n"),
        Refused(400, get + "X: a\rb\r\n\r\n"),
        Refused(400, get + "X: a\r\r\n\r\n"),
        Refused(400, get + "\r\r\n"),
        Refused(400, get + "X: a\0b\r\n\r\n"),
        Refused(400, "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"),
        Refused(400, get + "X: a\r\n b\r\n\r\n"),
        Refused(400, get + "X: a\r\n\tb\r\n\r\n"),
        Refused(400, "GET / HTTP/1.1\r\n Host: a\r\n\r\n"),
        Refused(400, "\r\n\r\n" + get + "\r\n"),
        // Header names and values.
        Refused(400, get + "X : a\r\n\r\n"),
        Refused(400, get + "Content-Length : 3\r\n\r\nabc"),
        Refused(400, get + "X\t: a\r\n\r\n"),
        Refused(400, get + ": a\r\n\r\n"),
        Refused(400, get + "X\r\n\r\n"),
        Refused(400, get + "X Y: a\r\n\r\n"),
        Refused(400, get + "X(: a\r\n\r\n"),
        Refused(400, get + "X\u{7F}: a\r\n\r\n"),
        Refused(400, get + "Ü: a\r\n\r\n"),
        Refused(400, get + "X: \u{1}\r\n\r\n"),
        Refused(400, get + "X: \u{7F}\r\n\r\n"),
        // The request line.
        Refused(400, "GE T / HTTP/1.1\r\nHost: a\r\n\r\n"),
        Refused(400, " GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        Refused(400, "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"),
        Refused(400, "GET /  HTTP/1.1\r\nHost: a\r\n\r\n"),
        Refused(400, "GET / HTTP/1.1 \r\nHost: a\r\n\r\n"),
        Refused(400, "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n"),
        Refused(400, "GET /\tHTTP/1.1\r\nHost: a\r\n\r\n"),
        Refused(400, "G@T / HTTP/1.1\r\nHost: a\r\n\r\n"),
        Refused(400, "GET /\r\n\r\n"),
        Refused(400, "GET\r\n\r\n"),
        Refused(400, "GET / http/1.1\r\nHost: a\r\n\r\n"),
        Refused(400, "GET / HTTP/11\r\nHost: a\r\n\r\n"),
        Refused(400, "GET / HTTP/1.10\r\nHost: a\r\n\r\n"),
        Refused(400, "GET / HTTP/+1.1\r\nHost: a\r\n\r\n"),
        Refused(505, "GET / HTTP/2.0\r\nHost: a\r\n\r\n"),
        Refused(505, "GET / HTTP/1.2\r\nHost: a\r\n\r\n"),
        Refused(505, "GET / HTTP/0.9\r\n\r\n"),
        Refused(505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        // The target.
        Refused(400, "GET a HTTP/1.1\r\nHost: a\r\n\r\n"),
        Refused(400, "GET * HTTP/1.1\r\nHost: a\r\n\r\n"),
        Refused(400, "GET /ü HTTP/1.1\r\nHost: a\r\n\r\n"),
        Refused(400, "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n"),
        Refused(400, "GET /a\\b HTTP/1.1\r\nHost: a\r\n\r\n"),
        Refused(400, "GET /<a> HTTP/1.1\r\nHost: a\r\n\r\n"),
        Refused(400, "GET /\u{7F} HTTP/1.1\r\nHost: a\r\n\r\n"),
        Refused(400, "GET /%4 HTTP/1.1\r\nHost: a\r\n\r\n"),
        Refused(400, "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n"),
        Refused(400, "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n"),
        Refused(400, "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n"),
        Refused(400, "GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n"),
        Refused(501, "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"),
        // Host and Expect.
        Refused(400, "GET / HTTP/1.1\r\n\r\n"),
        Refused(400, get + "Host: a\r\n\r\n"),
        Refused(400, get + "host: b\r\n\r\n"),
        Refused(400, "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"),
        Refused(400, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"),
        Refused(400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
        Refused(400, "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"),
        Refused(400, "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"),
        Refused(417, post + "Expect: 200-ok\r\nContent-Length: 1\r\n\r\n"),
        // Sizes.
        Refused(414, "GET /\(String(repeating: "x", count: 100)) HTTP/1.1\r\nHost: a\r\n\r\n"),
        Refused(414, String(repeating: "x", count: 101)),
        Refused(431, get + "X: \(String(repeating: "x", count: 100))"),
        Refused(431, get + "X:\(String(repeating: "\t", count: 100))"),
        Refused(414, String(repeating: "\t", count: 101)),
        Refused(431, get + String(repeating: "X: a\r\n", count: 8)),
        Refused(431, get + String(repeating: "X: \(String(repeating: "x", count: 90))\r\n", count: 5)),
        // Chunks.
        Refused(400, post + "Transfer-Encoding: chunked\r\n\r\n\r\n"),
        Refused(400, post + "Transfer-Encoding: chunked\r\n\r\ng\r\n"),
        Refused(400, post + "Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n"),
        Refused(400, post + "Transfer-Encoding: chunked\r\n\r\n-1\r\n"),
        Refused(400, post + "Transfer-Encoding: chunked\r\n\r\n 3\r\nabc\r\n"),
        Refused(400, post + "Transfer-Encoding: chunked\r\n\r\n3 \r\nabc\r\n"),
        Refused(400, post + "Transfer-Encoding: chunked\r\n\r\n3\nabc\n"),
        Refused(400, post + "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n"),
        Refused(400, post + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\n"),
        Refused(400, post + "Transfer-Encoding: chunked\r\n\r\n3;a=\u{1}\r\nabc\r\n"),
        Refused(400, post + "Transfer-Encoding: chunked\r\n\r\n3;a=\nabc\r\n"),
        Refused(400, post + "Transfer-Encoding: chunked\r\n\r\n3;\(String(repeating: "x", count: 20))"),
        Refused(400, post + "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n"),
        Refused(413, post + "Transfer-Encoding: chunked\r\n\r\nfffffffffffff\r\n"),
        Refused(413, post + "Transfer-Encoding: chunked\r\n\r\n33\r\n"),
        Refused(413, post + "Transfer-Encoding: chunked\r\n\r\n1e\r\n\(String(repeating: "x", count: 30))\r\n1e\r\n"),
        // Trailers.
        Refused(400, post + "Transfer-Encoding: chunked\r\n\r\n0\r\nX : a\r\n\r\n"),
        Refused(400, post + "Transfer-Encoding: chunked\r\n\r\n0\r\nX: a\n\r\n"),
        Refused(431, post + "Transfer-Encoding: chunked\r\n\r\n0\r\n" + String(repeating: "X: a\r\n", count: 9)),
        Refused(431, post + "Transfer-Encoding: chunked\r\n\r\n0\r\n\(String(repeating: "x", count: 101))"),
    ]

    @Test(arguments: refused)
    func `refuses with the status of the table`(row: Refused) {
        let bytes: [UInt8] = Array(row.text.utf8)
        #expect(parse(bytes, step: bytes.count, limits: Self.limits) == .refused(row.status, after: 0))
        #expect(parse(bytes, step: 1, limits: Self.limits) == .refused(row.status, after: 0))
        // After a good request on the same connection as well.
        let behind: [UInt8] = Array((Self.get + "\r\n").utf8) + bytes
        if !row.text.hasPrefix("\r\n") {
            #expect(parse(behind, step: 7, limits: Self.limits) == .refused(row.status, after: 1))
        }
    }

    static let accepted: [(String, [String])] = [
        (get + "\r\n", [#"GET / ["Host=a"] "#]),
        ("\r\n" + get + "\r\n", [#"GET / ["Host=a"] "#]),
        ("GET / HTTP/1.0\r\n\r\n", ["GET / [] "]),
        ("OPTIONS * HTTP/1.1\r\nHost:\r\n\r\n", [#"OPTIONS * ["Host="] "#]),
        ("GET http://a:1/b?c HTTP/1.1\r\nHost: a:1\r\n\r\n", [#"GET http://a:1/b?c ["Host=a:1"] "#]),
        (get + "X:  a b \t\r\nY:\r\n\r\n", [#"GET / ["Host=a", "X=a b", "Y="] "#]),
        (post + "Content-Length: 0\r\n\r\n", [#"POST / ["Host=a", "Content-Length=0"] "#]),
        (post + "Content-Length: 003\r\n\r\nabc", [#"POST / ["Host=a", "Content-Length=003"] abc"#]),
        (
            post + "Transfer-Encoding: Chunked\r\n\r\n3;x=\"y\"\r\nabc\r\nA\r\n0123456789\r\n000\r\nT: u\r\n\r\n",
            [#"POST / ["Host=a", "Transfer-Encoding=Chunked"] abc0123456789"#]
        ),
        (
            post + "Content-Length: 3\r\n\r\nabc" + get + "\r\n" + "GET /x",
            [#"POST / ["Host=a", "Content-Length=3"] abc"#, #"GET / ["Host=a"] "#]
        ),
    ]

    @Test(arguments: accepted)
    func `takes what is well formed, however it is cut`(text: String, requests: [String]) {
        let bytes: [UInt8] = Array(text.utf8)
        for step in [1, 2, 3, 7, bytes.count] {
            #expect(parse(bytes, step: step, limits: Self.limits) == .requests(requests))
        }
    }

    @Test func `a head of exactly the allowed size is taken, however it is cut`() {
        var limits: MessageLimits = Self.limits
        limits.headBytes = 300
        let first: String = "GET /\(String(repeating: "x", count: 86)) HTTP/1.1\r\n"
        let value = String(repeating: "y", count: 92)
        let text: String =
            first + "Host: a\r\n" + (1...2).map { "X-Long\($0): \(value.dropLast(2))\r\n" }.joined()
            + "Z: \(String(repeating: "z", count: 82))\r\n\r\n"
        let bytes: [UInt8] = Array(text.utf8)
        guard case .requests(let whole) = parse(bytes, step: bytes.count, limits: limits) else {
            Issue.record("refused whole")
            return
        }
        #expect(whole.count == 1)
        for step in [1, 3, 50] { #expect(parse(bytes, step: step, limits: limits) == .requests(whole)) }
    }

    @Test func `a body never becomes a request`() {
        let inner: String = "GET /inner HTTP/1.1\r\nHost: a\r\n\r\n"
        let text: String = Self.post + "Content-Length: \(inner.utf8.count)\r\n\r\n" + inner
        #expect(parse(Array(text.utf8), step: 1) == .requests([#"POST / ["Host=a", "Content-Length=32"] \#(inner)"#]))
    }

    @Test func `a refusal is final`() throws {
        var parser = RequestParser()
        let buffer = ReadBuffer(Array("GET / HTTP/1.1\n".utf8))
        #expect(throws: HTTPRefusal.self) { try parser.next(buffer) }
        let good = ReadBuffer(Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
        #expect(throws: HTTPRefusal.self) { try parser.next(good) }
    }

    @Test(arguments: 0..<40)
    func `random bytes and damaged requests are read alike however they are cut`(seed: UInt64) {
        var random = Seeded(seed)
        let sources: [String] = Self.accepted.map(\.0) + Self.refused.map(\.text)
        for _ in 0..<40 {
            var bytes: [UInt8] = []
            for _ in 0...Int.random(in: 0..<3, using: &random) {
                bytes += Array((sources.randomElement(using: &random) ?? "").utf8)
            }
            if Bool.random(using: &random) { bytes = (0..<200).map { _ in UInt8.random(in: 0...255, using: &random) } }
            for _ in 0..<Int.random(in: 0..<4, using: &random) where !bytes.isEmpty {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: index)
                default: bytes.insert([0, 9, 10, 13, 32, 58].randomElement(using: &random) ?? 0, at: index)
                }
            }
            let whole: Outcome = parse(bytes, step: max(1, bytes.count), limits: Self.limits)
            #expect(parse(bytes, step: 1, limits: Self.limits) == whole)
            #expect(parse(bytes, step: Int.random(in: 2..<30, using: &random), limits: Self.limits) == whole)
        }
    }
}
