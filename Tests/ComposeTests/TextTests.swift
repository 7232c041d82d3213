import Testing

@testable import Compose

struct TextTests {
    static let lines: [(String, [String]?)] = [
        ("", []), ("  a  b\t\nc ", ["a", "b", "c"]), ("'a b' c", ["a b", "c"]), ("a\\ b", ["a b"]), ("''", [""]),
        ("a'b'\"c\"d", ["abcd"]), ("\"a\\\"b\\n\"", ["a\"b\\n"]), ("'a\\'", ["a\\"]), ("a\\\nb", ["ab"]),
        ("$x `y` *", ["$x", "`y`", "*"]), ("é 'ü'", ["é", "ü"]), ("'a", nil), ("\"a", nil), ("a\\", nil),
        ("\"a\\", nil),
    ]

    @Test(arguments: lines)
    func `command lines are split as a shell does`(line: String, words: [String]?) {
        #expect((try? ShellWords.split(line)) == words)
    }

    static let sizes: [(String, Int64?)] = [
        ("0", 0), ("64m", 67_108_864), ("1G", 1_073_741_824), ("1.5k", 1536), ("10 kb", 10_240), ("7b", 7),
        ("2tb", 2_199_023_255_552),
        ("", nil), ("m", nil), ("-1", nil), ("1e3", nil), ("1..2", nil), (".5m", nil), ("5.m", nil), ("1x", nil),
        ("9223372036854775807", .max), ("9223372036854775808", nil), ("9999999999t", nil), ("99999999999.5t", nil),
        ("٣m", nil),
    ]

    @Test(arguments: sizes)
    func `sizes are bytes`(text: String, bytes: Int64?) {
        #expect(Quantity.bytes(text) == bytes)
    }

    static let durations: [(String, Int64?)] = [
        ("10", 10), ("10s", 10), ("1m30s", 90), ("1h", 3600), ("500ms", 1), ("1.5s", 2), ("", nil), ("s", nil),
        ("-5", nil),
        ("1x", nil), ("1m3", nil), ("99999999999999999999h", nil),
    ]

    @Test(arguments: durations)
    func `durations are seconds`(text: String, seconds: Int64?) {
        #expect(Quantity.seconds(text) == seconds)
    }

    static let texts: [(String, String?)] = [
        ("plain", "plain"), ("$A", "1"), ("${A}x", "1x"), ("$A-$B", "1-two"), ("$$A", "$A"), ("$$$A", "$1"),
        ("$Ax", ""), ("${NONE}y", "y"),
        ("é$A", "é1"), ("$_C", "u"), ("$", nil), ("$1", nil), ("${", nil), ("${}", nil), ("${A", nil), ("${A:-b}", nil),
        ("${1}", nil), ("$é", nil),
    ]

    @Test(arguments: texts)
    func `variables take their places`(text: String, expanded: String?) {
        let variables: [String: String] = ["A": "1", "B": "two", "_C": "u"]
        #expect((try? Interpolation.expand(text) { variables[$0] })?.text == expanded)
    }

    static let names: [(String, String?)] = [
        ("MyApp", "myapp"), ("my_app.v2", "my-app-v2"), ("_x", "x-x"), ("-", nil), ("", nil), ("été", "t"),
        ("a" + String(repeating: "b", count: 80), "a" + String(repeating: "b", count: 62)), ("app-", "app"),
    ]

    @Test func `folder names become stack names`() {
        for (folder, name) in Self.names where folder != "été" { #expect(StackName.normalized(folder) == name) }
        #expect(StackName.normalized("été") == "x-t")
        for (folder, _) in Self.names {
            if let name = StackName.normalized(folder) { #expect(StackName.isValid(name)) }
        }
    }

    @Test func `the nearest word is found only when it is near`() {
        let words: [String] = ["ports", "volumes", "image", "tty"]
        #expect(Spelling.nearest(to: "prots", among: words) == "ports")
        #expect(Spelling.nearest(to: "Volume", among: words) == "volumes")
        #expect(Spelling.nearest(to: "tt", among: words) == "tty")
        #expect(Spelling.nearest(to: "elephant", among: words) == nil)
        #expect(Spelling.nearest(to: "", among: words) == nil)
    }

    @Test func `paths start from their folder`() {
        #expect(FilePath.resolve("./a/../b", folder: "/x/y", home: nil) == "/x/y/b")
        #expect(FilePath.resolve("../../../a", folder: "/x", home: nil) == "/a")
        #expect(FilePath.resolve("~/a", folder: "/x", home: "/home/me") == "/home/me/a")
        #expect(FilePath.resolve("/a//b/", folder: "/x", home: nil) == "/a/b")
    }

    @Test func `any text can be read without a crash`() {
        let pieces: [String] = [
            "web:", "\n", "  ", "image: ", "a", "- ", "[", "]", "{", "}", "${", "$", "'", "\"", "ports", ":", "80:80",
            "version: '2'", "services:",
            "volumes:", "command: ", "\\", "&a ", "*a", "<<: ", "#", "é", "environment:", "labels:", "ulimits:",
            "logging:", "lb_config:",
            "depends_on:", "scale: ", "-1", "metadata:", "links:", "tmpfs:", "~",
        ]
        var state: UInt64 = 42
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        for _ in 0..<3_000 {
            let text: String = (0..<random(25)).map { _ in pieces[random(pieces.count)] }.joined()
            _ = project(text, rancher: String(text.reversed()))
        }
    }
}
