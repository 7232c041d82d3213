import EventLoop
import Testing

@testable import HTTP
@testable import HTTP2

/// From the events of a session to what is to be done, without a connection.
@Suite struct RequestIntakeTests {
    private var later: Deadline { .after(seconds: 60) }
    private var past: Deadline { .after(milliseconds: 0) }

    private func head(_ fields: [(String, String)]) -> HTTP2RequestHead {
        var head = HTTP2RequestHead(HTTP2Limits())
        for (name, value) in fields {
            Array(name.utf8).withUnsafeBufferPointer { name in
                Array(value.utf8).withUnsafeBufferPointer { head.add(name, $0) }
            }
        }
        return head
    }

    private func post(_ length: Int? = nil) -> HTTP2RequestHead {
        let fields: [(String, String)] = [
            (":method", "POST"), (":scheme", "https"), (":path", "/"), (":authority", "a"),
        ]
        return head(fields + (length.map { [("content-length", "\($0)")] } ?? []))
    }

    private func intake(
        body: Int = 100,
        window: Int = 10,
        room: Int = 200,
        streams: (@Sendable (HTTPRequest) -> Bool)? = nil
    ) -> RequestIntake {
        var limits = MessageLimits()
        limits.bodyBytes = body
        return RequestIntake(limits, windowBytes: window, roomBytes: room, streams: streams)
    }

    @Test func `what fits the window needs no room and opens no window`() {
        var intake: RequestIntake = intake()
        for length in [nil, 10] {
            #expect(intake.head(1, post(length), isWhole: false, before: later).isEmpty)
            let bytes = [UInt8](repeating: 7, count: length ?? 5)
            #expect(intake.data(1, bytes, before: later).isEmpty)
            #expect(intake.end(1).lines == ["serve 1 \(bytes.count)"])
        }
        #expect(intake.isEmpty && intake.deadline == nil)
    }

    @Test func `longer bodies get room in their order, and those that wait have time`() {
        var intake: RequestIntake = intake()
        for stream: Int32 in [1, 3, 5] {
            #expect(intake.head(stream, post(100), isWhole: false, before: later).isEmpty)
        }
        let piece = [UInt8](repeating: 0, count: 10)
        // Two have room: what comes is taken, and as much may come again.
        #expect(intake.data(1, piece, before: later).lines == ["consume 1 10"])
        #expect(intake.data(3, piece, before: later).lines == ["consume 3 10"])
        #expect(intake.data(5, piece, before: later).isEmpty)
        // A fourth, of unknown length, may not pass the third.
        #expect(intake.head(7, post(), isWhole: false, before: past).isEmpty)
        #expect(intake.data(7, piece, before: later).isEmpty)
        #expect(intake.timePassed(milliseconds: 1, before: later).isEmpty)
        #expect(intake.forget(1, before: later).lines == ["consume 5 10"])
        #expect(intake.forget(3, before: later).lines == ["consume 7 10"])
    }

    @Test func `room is given back when the request is handled, not when it is whole`() {
        var intake: RequestIntake = intake(room: 100)
        _ = intake.head(1, post(100), isWhole: false, before: later)
        _ = intake.head(3, post(100), isWhole: false, before: later)
        _ = intake.data(3, [1], before: later)
        #expect(intake.data(1, [UInt8](repeating: 0, count: 100), before: later).lines == ["consume 1 100"])
        #expect(intake.end(1).lines == ["serve 1 100"])
        #expect(intake.forget(1, before: later).lines == ["consume 3 1"])
    }

    @Test func `a body that is late is refused and makes room`() {
        var intake: RequestIntake = intake(room: 100)
        _ = intake.head(1, post(100), isWhole: false, before: past)
        _ = intake.head(3, post(100), isWhole: false, before: past)
        _ = intake.data(3, [1], before: past)
        // The second had to wait: its time begins now.
        #expect(intake.timePassed(milliseconds: 1, before: later).lines == ["refuse 1 408", "consume 3 1"])
        #expect(intake.timePassed(milliseconds: 1, before: later).isEmpty)
        #expect(intake.data(1, [1], before: later).lines == ["discard 1 1"])
        #expect(intake.end(1).isEmpty)
    }

    @Test func `a body that becomes too long is refused once`() {
        var intake: RequestIntake = intake()
        _ = intake.head(1, post(), isWhole: false, before: later)
        #expect(intake.data(1, [UInt8](repeating: 0, count: 100), before: later).lines == ["consume 1 100"])
        #expect(intake.data(1, [0], before: later).lines == ["refuse 1 413", "discard 1 1"])
        #expect(intake.data(1, [0, 0], before: later).lines == ["discard 1 2"])
        #expect(intake.head(3, post(101), isWhole: false, before: later).lines == ["refuse 3 413"])
        // No digits that a machine's integer holds.
        #expect(intake.head(5, post(.max), isWhole: false, before: later).lines == ["refuse 5 413"])
    }

    @Test func `what has come of a body that is refused makes room for the rest of it`() {
        var intake: RequestIntake = intake(room: 100)
        _ = intake.head(1, post(100), isWhole: false, before: later)
        // This one has to wait, so what comes of it is not taken.
        _ = intake.head(3, post(), isWhole: false, before: past)
        #expect(intake.data(3, [1, 2, 3], before: past).isEmpty)
        #expect(intake.timePassed(milliseconds: 1, before: later).lines == ["refuse 3 408", "discard 3 3"])
        #expect(intake.data(3, [4], before: later).lines == ["discard 3 1"])
    }

    @Test func `a long body that is taken as it comes needs no room and has no bound`() {
        var intake: RequestIntake = intake(streams: { $0.method == "POST" })
        #expect(intake.head(1, post(1_000), isWhole: false, before: later).lines == ["stream 1 1000 0"])
        // Of unknown length: as soon as it is long.
        #expect(intake.head(3, post(), isWhole: false, before: later).isEmpty)
        #expect(intake.data(3, [1, 2, 3, 4, 5], before: later).isEmpty)
        #expect(intake.data(3, [6], before: later).lines == ["stream 3 -1 6"])
        // A short one is given whole.
        #expect(intake.head(5, post(10), isWhole: false, before: later).isEmpty)
        #expect(intake.data(5, [UInt8](repeating: 0, count: 10), before: later).isEmpty)
        #expect(intake.end(5).lines == ["serve 5 10"])
        #expect(intake.isEmpty && intake.deadline == nil)
        // Who waits to be told to go on is told so first.
        let expecting: HTTP2RequestHead = head([
            (":method", "POST"), (":scheme", "https"), (":path", "/"), (":authority", "a"), ("content-length", "1000"),
            ("expect", "100-continue"),
        ])
        #expect(intake.head(7, expecting, isWhole: false, before: later).lines == ["goOn 7", "stream 7 1000 0"])
    }

    @Test(
        arguments: [
            (["host: a.test"], nil, 200), (["host: b.test"], nil, 400), (["host: A.test"], nil, 400),
            ([], "ftp", 400), ([], "http", 200), (["host: a.test", "host: a.test"], nil, 200),
        ] as [([String], String?, Int)]
    )
    func `there is one host`(lines: [String], scheme: String?, status: Int) throws {
        let fields: [(String, String)] = [
            (":method", "GET"), (":scheme", scheme ?? "https"), (":path", "/"), (":authority", "a.test"),
        ]
        let more: [(String, String)] = lines.map { ("host", String($0.dropFirst("host: ".count))) }
        var found: Int = 200
        do throws(HTTPRefusal) {
            let request: HTTPRequest = try HTTP2RequestFields.request(head(fields + more), MessageLimits())
            #expect(request.headers.all("host") == ["a.test"])
        } catch {
            found = error.status
        }
        #expect(found == status)
    }

    @Test(arguments: [
        ("GET", "/a?b", 200), ("OPTIONS", "*", 200), ("GET", "*", 400), ("GET", "http://a.test/", 400),
        ("CONNECT", "/", 501), ("GET", "/a b", 400), ("GET", "/%4", 400), ("GET", "/#a", 400), ("GET", "a", 400),
    ])
    func `a target is a path`(method: String, target: String, status: Int) {
        let fields: [(String, String)] = [
            (":method", method), (":scheme", "https"), (":path", target), (":authority", "a.test"),
        ]
        var found: Int = 200
        do throws(HTTPRefusal) {
            _ = try HTTP2RequestFields.request(head(fields), MessageLimits())
        } catch {
            found = error.status
        }
        #expect(found == status)
    }
}

extension [RequestIntake.Order] {
    /// The orders as lines, for comparing.
    fileprivate var lines: [String] {
        map { order in
            switch order {
            case .consume(let stream, let count): "consume \(stream) \(count)"
            case .goOn(let stream): "goOn \(stream)"
            case .serve(let stream, let request): "serve \(stream) \(request.body.count)"
            case .serveStreamed(let stream, _, let length, let begun): "stream \(stream) \(length ?? -1) \(begun.count)"
            case .discard(let stream, let count): "discard \(stream) \(count)"
            case .refuse(let stream, let refusal): "refuse \(stream) \(refusal.status)"
            }
        }
    }
}
