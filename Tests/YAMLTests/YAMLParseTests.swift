import Limits
import Testing

@testable import YAML

struct YAMLParseTests {
    private func parse(_ text: String) throws(YAMLError) -> YAMLNode {
        try YAML.parse(text, file: "compose.yml")
    }

    private func failure(_ text: String) -> String? {
        do throws(YAMLError) {
            _ = try parse(text)
            return nil
        } catch { return error.description }
    }

    @Test func `a document becomes a tree with places`() throws {
        let root: YAMLNode = try parse("web:\r\n  image: nginx:1.25\r\n  ports:\r\n  - \"80:80\"\r\n  - 443\r\n")
        let web: YAMLNode = try #require(root["web"])
        #expect(web["image"]?.string == "nginx:1.25")
        #expect(web["image"]?.line == 2 && web["image"]?.column == 10)
        let ports: [YAMLNode] = try #require(web["ports"]?.sequence)
        #expect(ports.map(\.string) == ["80:80", "443"])
        #expect(ports.map(\.line) == [4, 5])
        #expect(root.mapping?.map(\.key.text) == ["web"])
        #expect(web["absent"] == nil)
    }

    static let scalars: [(String, YAMLScalar)] = [
        ("null", .null), ("~", .null), ("Null", .null), ("\"null\"", .string("null")), ("'~'", .string("~")),
        ("true", .bool(true)), ("Yes", .bool(true)), ("on", .bool(true)), ("OFF", .bool(false)), ("no", .bool(false)),
        ("'no'", .string("no")), ("tRue", .string("tRue")), ("y", .string("y")),
        ("0", .int(0)), ("-12", .int(-12)), ("+7", .int(7)), ("1_000", .int(1000)), ("0x1F", .int(31)),
        ("0644", .int(420)), ("0o17", .int(15)), ("0b101", .int(5)), ("08", .double(8)), ("\"5\"", .string("5")),
        ("9223372036854775807", .int(.max)), ("-9223372036854775808", .int(.min)),
        ("9223372036854775808", .double(9_223_372_036_854_775_808)),
        ("1.5", .double(1.5)), (".5", .double(0.5)), ("1e3", .double(1000)), ("-.inf", .double(-.infinity)),
        ("1.2.3", .string("1.2.3")), ("1e", .string("1e")), ("+-1", .string("+-1")), ("-", .string("-")),
        ("0x", .string("0x")), ("_1", .string("_1")), ("1:30", .string("1:30")), ("infinity", .string("infinity")),
        ("2001-01-01", .string("2001-01-01")), ("10m", .string("10m")),
        ("!!str 5", .string("5")), ("!!int '5'", .int(5)), ("!!float 5", .double(5)), ("! 5", .string("5")),
    ]

    @Test(arguments: scalars)
    func `scalars mean what compose files expect`(text: String, meaning: YAMLScalar) {
        // "-" alone would open a sequence in a document, so it is resolved as a plain text.
        let node: YAMLNode? =
            text == "-" ? YAMLNode(.scalar("-", style: .plain, tag: nil)) : try? parse("a: \(text)")["a"]
        #expect(node?.resolved == meaning)
    }

    @Test func `readers give a value only for their own type`() throws {
        let root: YAMLNode = try parse("i: 3\nb: on\nn: ~\nf: 1.50\ns: '7'\nl: [1]\n")
        #expect(root["i"]?.int == 3 && root["i"]?.double == 3 && root["i"]?.string == "3" && root["i"]?.bool == nil)
        #expect(root["b"]?.bool == true && root["b"]?.int == nil)
        #expect(root["n"]?.isNull == true && root["n"]?.string == nil && root["n"]?.text == "~")
        #expect(root["f"]?.double == 1.5 && root["f"]?.string == "1.50")
        #expect(root["s"]?.int == nil && root["s"]?.string == "7")
        #expect(root["l"]?.string == nil && root["l"]?.isNull == false)
    }

    @Test func `no document is null and an empty value is null`() throws {
        for text in ["", "\n", "# only a comment\n", "---\n", "--- ~\n...\n"] { #expect(try parse(text).isNull) }
        #expect(try parse("a:\n")["a"]?.isNull == true)
    }

    @Test func `aliases stand for their anchors and merge keys for members`() throws {
        let root: YAMLNode = try parse(
            """
            base: &base {image: a, restart: always, tty: true}
            more: &more {image: b, user: root}
            one: {<<: *base, image: c}
            two:
              <<: [*base, *more]
              tty: false
            three: [*base, &x 5, *x]
            """
        )
        #expect(root["one"]?.mapping?.map(\.key.text) == ["restart", "tty", "image"])
        #expect(root["one"]?["image"]?.string == "c")
        #expect(root["two"]?["image"]?.string == "a")
        #expect(root["two"]?["user"]?.string == "root")
        #expect(root["two"]?["tty"]?.bool == false)
        #expect(root["three"]?.sequence?.last?.int == 5)
        #expect(root["one"]?["restart"]?.line == 1)
    }

    static let refused: [(String, String)] = [
        ("a: 1\nb: 2\na: 3\n", "compose.yml:3:1: the key \"a\" stands twice; first on line 1"),
        ("a: {x: 1, \"x\": 2}", "compose.yml:1:11: the key \"x\" stands twice; first on line 1"),
        ("a: *b", "compose.yml:1:4: no anchor &b stands before this alias"),
        ("a: &a [1, *a]", "compose.yml:1:11: the alias *a stands inside its own anchor"),
        ("&a {x: {y: *a}}", "compose.yml:1:12: the alias *a stands inside its own anchor"),
        (
            "a: 1\n---\nb: 2\n",
            "compose.yml:2:1: a second document starts here; put each document into a file of its own"
        ),
        ("a: {<<: 1}", "compose.yml:1:5: the merge key << wants a mapping or a sequence of mappings"),
        ("? [a]\n: 1", "compose.yml:1:3: a mapping key must be a single value, not a sequence or mapping"),
    ]

    @Test(arguments: refused)
    func `what is ambiguous is refused with its place`(text: String, message: String) {
        #expect(failure(text) == message)
    }

    @Test func `syntax errors name file, line and column`() throws {
        let open: String =
            "compose.yml:3:1: while parsing a flow sequence from line 1: did not find expected ',' or ']'"
        #expect(failure("a: [1,\nb") == open)
        #expect(try #require(failure("a: 1\r\n\tb: 2\r\n")).hasPrefix("compose.yml:2:1: "))
        #expect(try #require(failure("a: ok\nbé: x\u{7}y\n")).hasPrefix("compose.yml:2:6: "))
    }

    @Test func `nesting is bounded, also through aliases`() {
        let limit: Int = Limits.yamlDepth
        func nested(_ levels: Int) -> String {
            String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
        }
        #expect(failure(nested(limit)) == nil)
        #expect(failure(nested(limit + 1))?.contains("nested deeper") == true)
        #expect(failure(String(repeating: "[", count: 500_000))?.contains("nested deeper") == true)
        #expect(failure(String(repeating: "- ", count: 200_000))?.contains("nested deeper") == true)
        let half: String = nested(limit / 2 + 2)
        #expect(
            failure("- &a \(half)\n- \(String(repeating: "[", count: limit / 2))*a")?.contains("nested deeper") == true
        )
    }

    @Test func `a small text cannot become a large tree`() {
        var text: String = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n"
        for level in 1...20 {
            let aliases: String = [String](repeating: "*a\(level - 1)", count: 9).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(aliases)]\n"
        }
        #expect(failure(text)?.contains("more than \(Limits.yamlNodes) nodes") == true)
    }

    @Test func `a long text is refused before it is read`() {
        let text: String = "a: " + String(repeating: "x", count: Limits.yamlDocumentBytes)
        #expect(failure(text)?.hasPrefix("compose.yml:1:1: the document has") == true)
    }
}
