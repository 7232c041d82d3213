import HTTP
import Testing

@Suite struct TextTests {
    static let decoded: [(String, String?)] = [
        ("", ""), ("abc", "abc"), ("a%20b", "a b"), ("%c3%BC", "ü"), ("a+b", "a+b"), ("%2F", "/"), ("%00", "\0"),
        ("%", nil), ("%2", nil), ("%zz", nil), ("%c3", nil), ("%ff", nil), ("%ed%a0%80", nil), ("%c0%af", nil),
    ]

    @Test(arguments: decoded)
    func `percent decoding is strict`(text: String, value: String?) {
        #expect(PercentCoding.decode(text) == value)
    }

    @Test(arguments: ["", "a b/c?d=e&f#g%", "ü€😀", "\0\u{1F}\u{7F}", "-._~"])
    func `what is encoded decodes to itself`(text: String) {
        let encoded: String = PercentCoding.encode(text)
        #expect(PercentCoding.decode(encoded) == text)
        #expect(encoded.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F })
    }

    @Test func `query items keep their order and their repetitions`() {
        let items = QueryItems("a=1&b=2&a=%33&c&d=x+y&=z&&e=f=g")
        #expect(
            items?.items == [
                .init("a", "1"), .init("b", "2"), .init("a", "3"), .init("c", ""), .init("d", "x y"), .init("", "z"),
                .init("e", "f=g"),
            ]
        )
        #expect(items?.all("a") == ["1", "3"])
        #expect(items?["d"] == "x y" && items?["none"] == nil)
        #expect(QueryItems("a=%ff") == nil && QueryItems("%=1") == nil)
        #expect(QueryItems(items?.encoded ?? "") == items)
    }

    static let targets: [(String, String, String?)] = [
        ("/", "/", nil), ("/a/b", "/a/b", nil), ("/a?b=c", "/a", "b=c"), ("/?", "/", ""), ("/a?b?c", "/a", "b?c"),
        ("*", "*", nil), ("http://h", "/", nil), ("http://h:1/a?b", "/a", "b"), ("https://h?b", "/", "b"),
        ("/x://y", "/x://y", nil),
    ]

    @Test(arguments: targets)
    func `targets have a path and a query`(target: String, path: String, query: String?) {
        let request = HTTPRequest(method: "GET", target: target)
        #expect(request.path == path && request.query == query)
    }

    @Test func `segments are decoded one by one`() {
        #expect(HTTPRequest(method: "GET", target: "/a%2Fb//c?d/e").segments == ["a/b", "c"])
        #expect(HTTPRequest(method: "GET", target: "/%ff").segments == nil)
    }

    @Test func `headers keep order and repetitions, and do not care about case`() {
        var headers: HTTPHeaders = ["Accept": "a", "X-One": "1", "accept": "b"]
        #expect(headers["ACCEPT"] == "a" && headers.all("Accept") == ["a", "b"] && headers["none"] == nil)
        #expect(headers.list("connection", contains: "close") == false)
        headers["Connection"] = "Keep-Alive , CLOSE"
        #expect(headers.list("connection", contains: "close") && !headers.list("connection", contains: "clos"))
        headers["accept"] = nil
        #expect(headers.map(\.name) == ["X-One", "Connection"])
        headers["x-one"] = "2"
        #expect(headers.map { "\($0.name): \($0.value)" } == ["Connection: Keep-Alive , CLOSE", "x-one: 2"])
    }
}
