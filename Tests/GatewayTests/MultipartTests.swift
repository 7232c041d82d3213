@testable import Gateway
import HTTP
import JSON
import Limits
import Testing

/// Forms of several parts.
@Suite struct MultipartTests {
    static func form(_ body: String, _ type: String = "multipart/form-data; boundary=X") -> [String]? {
        (try? MultipartForm(Array(body.utf8), contentType: type))?.items.map { "\($0.name)=\($0.value)" }
    }

    static func part(_ name: String, _ value: String) -> String {
        "--X\r\nContent-Disposition: form-data; name=\"\(name)\"\r\n\r\n\(value)\r\n"
    }

    static let table: [(String, [String]?)] = [
        ("--X--", []), ("--X--\r\n", []), ("\(part("a", "1"))--X--", ["a=1"]),
        ("\(part("a", "1"))\(part("b", "two\r\nlines"))--X--\r\n", ["a=1", "b=two\r\nlines"]),
        ("preamble\r\n\(part("a", ""))--X--", ["a="]), ("\(part("a", "-- --X"))--X--", ["a=-- --X"]),
        ("--X\r\ncontent-disposition: form-data; name=bare\r\n\r\nv\r\n--X--", ["bare=v"]),
        (
            "--X\r\nContent-Type: text/plain\r\nContent-Disposition: form-data; name=\"a\"; filename=\"f\"\r\n\r\nv\r\n"
                + "\(part("b", "2"))--X--", ["b=2"]
        ),
        ("", nil), ("--X", nil), ("--X\r\n", nil), (part("a", "1"), nil), ("--X\r\nno colon\r\n\r\nv\r\n--X--", nil),
        ("--X\r\nContent-Disposition: form-data\r\n\r\nv\r\n--X--", nil), ("--X\r\n\r\n--X--", nil),
        ("--Y--", nil),
    ]

    @Test(arguments: table)
    func `a form is its fields`(body: String, fields: [String]?) {
        #expect(Self.form(body) == fields)
    }

    @Test(arguments: [
        "multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=\"\"",
        "multipart/form-data; boundary=\(String(repeating: "a", count: 71))",
    ])
    func `a form without a usable boundary is refused`(type: String) {
        #expect(Self.form("--X--", type) == nil)
    }

    @Test func `a form is a body like others, and can name the method`() async throws {
        let world = World()
        let type: HTTPHeaders = ["Content-Type": "multipart/form-data; boundary=\"X\""]
        func send(_ path: String, _ body: String) async -> Answer {
            await world.send("POST", path, as: .ann, headers: type, body: Array(body.utf8))
        }
        let made: Answer = await send("\(World.home)/stacks?description=q", "\(Self.part("name", "multi"))--X--")
        #expect(made.status == 201 && made["name"] == "multi" && made["description"] == "q", "\(made)")
        let path: String = "\(World.home)/stacks/\(made["id"]?.string ?? "")"
        let put: String = "\(Self.part("_method", "PUT"))\(Self.part("description", "changed"))--X--"
        #expect(await send(path, put)["description"] == "changed")
        #expect(await send("\(World.home)/stacks", "nonsense").code == "InvalidBodyContent")
        let large: String = Self.part("name", String(repeating: "a", count: Limits.multipartBytes))
        #expect(await send("\(World.home)/stacks", "\(large)--X--").status == 413)
        let mixed: Answer = await world.send(
            "POST",
            "\(World.home)/stacks",
            as: .ann,
            headers: ["Content-Type": "multipart/mixed; boundary=X"],
            body: Array("--X--".utf8)
        )
        #expect(mixed.status == 415)
    }

    @Test func `whatever comes, it is a form or refused`() {
        var random = SystemRandomNumberGenerator()
        let pieces: [String] = [
            "--X", "\r\n", "--", "Content-Disposition: form-data; name=\"a\"", ":", "\"", ";", "ab",
        ]
        for _ in 0..<5_000 {
            let body: String = (0..<Int.random(in: 0...12, using: &random)).map { _ in
                pieces.randomElement(using: &random) ?? ""
            }.joined()
            _ = Self.form(body)
            _ = Self.form(body, body)
        }
    }
}
