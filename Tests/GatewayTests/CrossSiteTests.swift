import HTTP
import JSON
import Testing

/// What a browser sends because another site's page asks for it.
@Suite struct CrossSiteTests {
    private static let form: HTTPHeaders = ["Content-Type": "application/x-www-form-urlencoded"]
    private static let socket: HTTPHeaders = [
        "Connection": "keep-alive, Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    ]

    private func with(_ headers: HTTPHeaders, _ more: [(String, String)]) -> HTTPHeaders {
        var headers: HTTPHeaders = headers
        for (name, value) in more { headers.append(name, value) }
        return headers
    }

    static let foreign: [[(String, String)]] = [
        [("Origin", "https://evil.example")], [("Origin", "null")],
        [("origin", "http://drover.test.evil.example:8080")],
        [("Origin", "http://drover.test:9090")],
        [("Origin", "http://drover.test:8080"), ("Origin", "http://evil.example")],
        [("Sec-Fetch-Site", "cross-site")], [("Sec-Fetch-Site", "same-site")],
        [("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Site", "cross-site")],
        [("Sec-Fetch-Site", "cross-site"), ("Origin", "http://evil.example")], [("Origin", "")],
    ]

    @Test(arguments: foreign) func `changes nothing and opens no stream`(headers: [(String, String)]) async throws {
        let world = World()
        let stacks = "\(World.home)/stacks"
        for method in ["POST", "PUT", "DELETE"] {
            let answer: Answer = await world.send(
                method,
                stacks,
                as: .ann,
                headers: with(Self.form, headers),
                body: Array("name=evil".utf8)
            )
            #expect(answer.status == 403 && answer["type"]?.string == "error", "\(method): \(answer)")
        }
        let stream: Answer = await world.send(
            "GET",
            "\(World.home)/subscribe?eventNames=resource.change",
            as: .ann,
            headers: with(Self.socket, headers)
        )
        #expect(stream.status == 403, "\(stream)")
        #expect(world.node.changes.isEmpty)
        // No page gets to see what is only read.
        #expect(await world.send("GET", stacks, as: .ann, headers: with(HTTPHeaders(), headers)).status == 200)
    }

    static let own: [[(String, String)]] = [
        [], [("Origin", "http://drover.test:8080")], [("Origin", "https://DROVER.test:8080")],
        [("Sec-Fetch-Site", "same-origin")], [("Sec-Fetch-Site", "none")],
        [("Sec-Fetch-Site", "same-origin"), ("Origin", "http://behind.a.proxy")],
        [("X-Forwarded-Host", "public.example"), ("Origin", "https://public.example")],
    ]

    @Test(arguments: own) func `the API's own page and other clients are served`(headers: [(String, String)])
        async throws
    {
        let world = World()
        let answer: Answer = await world.send(
            "POST",
            "\(World.home)/stacks",
            as: .ann,
            headers: with(Self.form, headers),
            body: Array("name=own".utf8)
        )
        #expect(answer.status == 201, "\(answer)")
    }
}
