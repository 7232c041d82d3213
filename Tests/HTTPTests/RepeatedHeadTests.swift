import EventLoop
import HTTP
import TestSupport
import Testing

/// A parser compares a head with the one before; whatever came before, it must read the same in it.
@Suite struct RepeatedHeadTests {
    /// What one parser, which has read `before`, makes of `text`.
    private func read(_ text: String, after before: String?, step: Int) -> [String] {
        var limits = MessageLimits()
        limits.lineBytes = 100
        limits.bodyBytes = 50
        var parser = RequestParser(limits)
        let buffer = ReadBuffer()
        func events(of text: String, step: Int) -> [String] {
            let bytes: [UInt8] = Array(text.utf8)
            var events: [String] = []
            var start: Int = 0
            while start < bytes.count {
                let end: Int = min(bytes.count, start + step)
                buffer.append(bytes[start..<end])
                start = end
                do throws(HTTPRefusal) {
                    while let event: RequestParser.Event = try parser.next(buffer) { events.append(Self.shown(event)) }
                } catch {
                    return events + ["\(error.status) \(error.message)"]
                }
            }
            return events + ["\(parser.stage) \(buffer.count)"]
        }
        if let before { _ = events(of: before, step: .max / 2) }
        return events(of: text, step: step)
    }

    private static func shown(_ event: RequestParser.Event) -> String {
        guard case .request(let request) = event else { return "\(event)".prefix { $0 != "(" } + "" }
        let fields: [String] = request.headers.map { "\($0.name)=\($0.value)" }
        let body = String(decoding: request.body, as: UTF8.self)
        return "\(request.protocolName) \(request.method) \(request.path) \(request.query ?? "-") \(fields) \(body)"
    }

    static let lines: [String] = [
        "GET / HTTP/1.1", "GET /a?b=c HTTP/1.1", "GET / HTTP/1.0", "POST / HTTP/1.1", "\r\nGET / HTTP/1.1",
        "GET http://a/x HTTP/1.1", "GET http://b/x HTTP/1.1", "GET  / HTTP/1.1", "GET / HTTP/2.0", "G\u{1}T / HTTP/1.1",
        "GET /\r HTTP/1.1", "GET /\u{0} HTTP/1.1", "GET /é HTTP/1.1", "GET /%zz HTTP/1.1", "", "GET /",
        "GET /\(String(repeating: "x", count: 120)) HTTP/1.1", "GET / HTTP/1.1\r\nX: y",
    ]

    static let fields: [String] = [
        "Host: a\r\n\r\n", "Host: a\r\nX: 1\r\n\r\n", "Host: a\r\nX: 2\r\n\r\n", "host: a\r\n\r\n",
        "Host: a\r\nContent-Length: 3\r\n\r\nabc", "Host: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
        "Host: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nz", "\r\n", "Host: a\nX: 1\r\n\r\n",
        "Host: a\r\nContent-Length: 99\r\n\r\n",
    ]

    @Test(arguments: [1, 7, 10_000])
    func `a head means the same, whatever the one before was`(step: Int) {
        let heads: [String] = Self.lines.flatMap { line in Self.fields.map { "\(line)\r\n\($0)" } }
        let good: [String] = heads.filter { read($0, after: nil, step: 10_000).last == "idle 0" }
        #expect(good.count > 20)
        for head in heads {
            let alone: [String] = read(head, after: nil, step: step)
            for before in good {
                let after: [String] = read(head, after: before, step: step)
                #expect(after == alone, "\(head.debugDescription) after \(before.debugDescription)")
            }
        }
    }

    @Test func `a head that comes again is not read again`() throws {
        var parser = RequestParser()
        let text: [UInt8] = Array("GET /a HTTP/1.1\r\nHost: a\r\nX: 1\r\n\r\n".utf8)
        let buffer = ReadBuffer(text + text)
        guard case .request(let first)? = try parser.next(buffer), case .request(let second)? = try parser.next(buffer)
        else { return #expect(Bool(false), "two requests") }
        #expect(first.headers.repeats(second.headers) && buffer.isEmpty)
        var other: HTTPHeaders = second.headers
        other.append("Y", "1")
        #expect(!first.headers.repeats(other) && !other.repeats(first.headers))
        other = second.headers
        other.remove("X")
        #expect(!first.headers.repeats(other))
    }

    @Test(arguments: [1, 5, 10_000])
    func `an answer means the same, whatever the one before was`(step: Int) {
        let heads: [String] = [
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nxyz",
            "HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\nabc", "HTTP/1.1 201 OK\r\nContent-Length: 3\r\n\r\nabc",
            "HTTP/1.1 204 No Content\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX: 1\r\n\r\nabc", "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n",
        ]
        func read(_ text: String, _ method: String, after before: (String, String)?) -> [String] {
            var limits = MessageLimits()
            limits.bodyBytes = 50
            var parser = ResponseParser(method: "GET", limits: limits)
            func events(_ text: String, _ method: String, step: Int) -> [String] {
                parser.begin(method: method, limits: limits)
                let buffer = ReadBuffer()
                let bytes: [UInt8] = Array(text.utf8)
                var events: [String] = []
                var start: Int = 0
                while start < bytes.count {
                    buffer.append(bytes[start..<min(bytes.count, start + step)])
                    start += step
                    do throws(HTTPRefusal) {
                        while let event: ResponseParser.Event = try parser.next(buffer) {
                            switch event {
                            case .head(let head): events.append("\(head.status) \(head.reason) \(Array(head.headers))")
                            case .body(let bytes): events.append("body \(String(decoding: bytes, as: UTF8.self))")
                            case .end: events.append("end")
                            }
                        }
                    } catch {
                        return events + ["refused"]
                    }
                }
                return events
            }
            if let before { _ = events(before.0, before.1, step: 10_000) }
            return events(text, method, step: step)
        }
        for head in heads {
            for method in ["GET", "HEAD"] {
                let alone: [String] = read(head, method, after: nil)
                for before in heads {
                    for other in ["GET", "HEAD"] {
                        #expect(
                            read(head, method, after: (before, other)) == alone,
                            "\(method) \(head) after \(before)"
                        )
                    }
                }
            }
        }
    }
}
