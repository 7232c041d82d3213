import TestSupport
import Testing

@testable import YAML

struct YAMLRandomTests {
    static let pieces: [String] = [
        "a", "b: ", "- ", "\n", "  ", "[", "]", "{", "}", ",", ": ", "? ", "&x ", "*x", "<<: ", "\"", "'", "|\n",
        ">-\n",
        "#", "---\n", "...\n", "!!int ", "!<t> ", "%YAML 1.1\n", "\t", "\r", "\u{FEFF}", "é", "\u{0}", "~", "1", "\\x",
        "@", "`",
    ]

    @Test(arguments: 0..<20)
    func `no text crashes the parser and what it accepts is written back`(seed: UInt64) {
        var random = Seeded(seed)
        var accepted: Int = 0
        var wrong: String?
        for _ in 0..<400 {
            var text: String = ""
            for _ in 0..<Int.random(in: 0..<24, using: &random) {
                if Int.random(in: 0..<12, using: &random) == 0 {
                    let bytes: [UInt8] = (0..<4).map { _ in UInt8.random(in: 0...255, using: &random) }
                    text += String(decoding: bytes, as: UTF8.self)
                } else {
                    text += Self.pieces.randomElement(using: &random) ?? ""
                }
            }
            guard let node: YAMLNode = try? YAML.parse(text, file: "f") else { continue }
            accepted += 1
            let written: String = YAMLEmitter.text(node)
            if (try? YAML.parse(written, file: "f"))?.hasSameContent(as: node) != true { wrong = wrong ?? text }
        }
        #expect(wrong == nil, "seed \(seed): \(wrong.debugDescription)")
        #expect(accepted > 20)
    }

    static let words: [String] = [
        "", " ", "a", "a b", "yes", "no", "null", "~", "1", "-1", "1.5", "1:30", "a: b", "a:", ": a", "# a", "a #b",
        "- a", "-", "--- a",
        "...", "\n", "a\nb\n", "\t", "\"", "'", "\\", "{a}", "[a]", "*a", "&a", "!a", "|", ">", "%a", "@a", "`a", "<<",
        "=", "é", "\u{85}",
        "\u{2028}", "\u{FEFF}", "\u{7}", "\0", "\u{1F600}", "\u{FFFF}", "0x1F", "0o7", ".inf", "-.", "+", "a ",
        "2001-01-01", "y",
    ]

    private func randomNode(_ random: inout Seeded, depth: Int) -> YAMLNode {
        switch Int.random(in: 0..<(depth > 5 ? 6 : 9), using: &random) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &random))
        case 2: return .int(Int64.random(in: .min ... .max, using: &random))
        case 3: return .double(Double(bitPattern: random.next()))
        case 4, 5: return .string(randomText(&random))
        case 6, 7:
            var members: [(key: String, value: YAMLNode)] = []
            for _ in 0..<Int.random(in: 0..<5, using: &random) {
                let key: String = randomText(&random)
                guard !members.contains(where: { $0.key == key }) else { continue }
                members.append((key: key, value: randomNode(&random, depth: depth + 1)))
            }
            return .mapping(members)
        default:
            let count: Int = Int.random(in: 0..<5, using: &random)
            return .sequence((0..<count).map { _ in randomNode(&random, depth: depth + 1) })
        }
    }

    private func randomText(_ random: inout Seeded) -> String {
        (0..<Int.random(in: 1...3, using: &random)).map { _ in Self.words.randomElement(using: &random) ?? "" }.joined()
    }

    @Test(arguments: 0..<20)
    func `what the emitter writes the parser reads back`(seed: UInt64) {
        var random = Seeded(seed)
        var wrong: String?
        for _ in 0..<100 {
            let node: YAMLNode = randomNode(&random, depth: 0)
            let text: String = YAMLEmitter.text(node)
            if (try? YAML.parse(text, file: "f"))?.hasSameContent(as: node) != true { wrong = wrong ?? text }
        }
        #expect(wrong == nil, "seed \(seed): \(wrong.debugDescription)")
    }
}

struct YAMLEmitterTests {
    @Test func `blocks are indented and quotes stand where they are needed`() {
        let node: YAMLNode = .mapping([
            (key: "name", value: .string("web server")), (key: "version", value: .string("2")),
            (key: "scale", value: .int(2)),
            (key: "on", value: .bool(true)), (key: "none", value: .null), (key: "empty", value: .sequence([])),
            (
                key: "ports",
                value: .sequence([
                    .string("80:80"), .mapping([(key: "a", value: .string("x: y")), (key: "b", value: .mapping([]))]),
                    .sequence([.int(1), .int(2)]),
                ])
            ),
        ])
        let expected: String = """
            name: web server
            version: "2"
            scale: 2
            "on": true
            none: null
            empty: []
            ports:
              - "80:80"
              - a: "x: y"
                b: {}
              - - 1
                - 2

            """
        #expect(YAMLEmitter.text(node) == expected)
    }

    @Test func `a key too long for one line is announced`() throws {
        let key = String(repeating: "k", count: 5_000)
        let node: YAMLNode = .mapping([(key: "a", value: .mapping([(key: key, value: .sequence([.int(1)]))]))])
        #expect(try YAML.parse(YAMLEmitter.text(node), file: "f").hasSameContent(as: node))
    }
}
