@testable import Gateway
import HTTP
import JSON
import Testing

/// Documents as pages for browsers.
@Suite struct PageTests {
    static let browser: String = "Mozilla/5.0 (X11; Linux)"

    static let table: [(String, HTTPHeaders, Bool)] = [
        ("", [:], false), ("", ["User-Agent": "curl/8"], false), ("", ["User-Agent": browser], true),
        ("", ["User-Agent": browser, "Accept": "text/html,*/*;q=0.8"], true),
        ("", ["User-Agent": browser, "Accept": "application/json"], false),
        ("", ["User-Agent": "MOZILLA"], true), ("?_format=json", ["User-Agent": browser], false),
        ("?_format=html", ["User-Agent": "curl/8"], true), ("?_format=HTML", ["Accept": "application/json"], true),
        ("?_format=xml", [:], false),
    ]

    @Test(arguments: table)
    func `browsers get a page and programs a document`(query: String, headers: HTTPHeaders, isPage: Bool) async {
        let answer: Answer = await World().get("/v2-beta\(query)", headers: headers)
        #expect(answer.status == 200)
        #expect(
            answer.headers["content-type"] == (isPage ? "text/html; charset=utf-8" : "application/json; charset=utf-8")
        )
        #expect(answer.headers["x-api-schemas"] == "http://drover.test:8080/v2-beta/schemas")
        #expect(answer.text.hasPrefix(isPage ? "<!DOCTYPE html>" : "{"))
    }

    @Test func `errors and the front page are pages, too, with their status`() async {
        let world = World()
        let headers: HTTPHeaders = ["User-Agent": Self.browser]
        let missing: Answer = await world.get("/v2-beta/stacks/1st9", headers: headers)
        #expect(missing.status == 404 && missing.text.contains("\"code\":\"Not Found\""), "\(missing)")
        let stranger: Answer = await world.get("/v2-beta", as: .nobody, headers: headers)
        #expect(stranger.status == 401 && stranger.headers["www-authenticate"] != nil)
        let front: Answer = await world.get("/", as: .nobody, headers: headers)
        #expect(front.status == 200 && front.text.contains("apiVersion"))
    }

    @Test func `nothing in a document can leave the script that it stands in`() async throws {
        let world = World()
        let evil: String = "</script><script>alert(1)</script><!-- & \u{2028} \"'"
        let made: Answer = await world.post(
            "\(World.home)/stacks",
            ["name": "web", "description": .string(evil)],
            as: .ann
        )
        let id: String = try #require(made["id"]?.string)
        let page: Answer = await world.get("\(World.home)/stacks/\(id)?_format=html", as: .ann)
        #expect(!page.text.contains("</script><script>alert"))
        #expect(!page.text.contains("<!--"))
        #expect(page.text.contains(#"\u003c\/script\u003e"#))
        let start: String.Index = try #require(page.text.firstRange(of: "var data = ")?.upperBound)
        let text: Substring = page.text[start...].prefix { $0 != "\n" }.dropLast()
        #expect(try JSONReader.parse(String(text))["description"] == .string(evil), "and it is the same document")
        #expect(page.text.contains("var user = \"ann\";"))
        #expect(page.text.contains(#"var schemas = "http:\/\/drover.test:8080\/v2-beta\/projects\/1a5\/schemas";"#))
        #expect(page.text.contains(#"var curlUser = "${CATTLE_ACCESS_KEY}:${CATTLE_SECRET_KEY}";"#))
        #expect(page.text.contains("var docJson = "))
    }

    @Test func `the page loads nothing, unless the settings name what`() async {
        let own: Answer = await World().get("/v2-beta?_format=html")
        #expect(!own.text.contains("src=") && !own.text.contains("<link"))
        #expect(own.headers["content-security-policy"]?.hasPrefix("default-src 'none'") == true)
        let world = World(settings: [
            ("api.ui.css.url", "https://ui.example/a.css"), ("api.ui.js.url", "https://ui.example/a.js"),
        ])
        let named: Answer = await world.get("/v2-beta?_format=html")
        #expect(named.text.contains("<link rel=\"stylesheet\" href=\"https://ui.example/a.css\">"))
        #expect(named.text.contains("<script src=\"https://ui.example/a.js\"></script>"))
        #expect(named.headers["content-security-policy"]?.contains("https://ui.example/a.js") == true)
        let evil = World(settings: [("api.ui.js.url", "https://x/\"></script><script>alert(1)")])
        #expect(!(await evil.get("/v2-beta?_format=html")).text.contains("alert(1)"))
    }
}
