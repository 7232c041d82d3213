import Foundation
import JSON
import Testing

/// The requests on the page about rights, run as they stand there.
///
/// A block begins with `people:` and names, each with a membership in Default or none. A line is
/// `who METHOD path [body] => status [as NAME] [member=value]…`: paths are below the environment; `$NAME` is an id that a line
/// before gave, `$who` an account; `absent` is a member that is not there; `~` in a value is a space.
struct RoleExamplesTests {
    private static let page: URL = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("docs/reference/rbac.md")

    static func blocks() throws -> [[String]] {
        let text: String = try String(contentsOf: page, encoding: .utf8)
        return text.components(separatedBy: "```requests\n").dropFirst().map { part in
            part.components(separatedBy: "\n```")[0].split(separator: "\n").map(String.init)
        }
    }

    @Test func `the page has examples`() throws {
        let blocks: [[String]] = try Self.blocks()
        #expect(blocks.count >= 4 && blocks.allSatisfy { $0.count > 5 })
    }

    @Test(arguments: 0..<4)
    func `every example answers as it says`(_ index: Int) async throws {
        let block: [String] = try Self.blocks()[index]
        let world = World()
        var names: [String: String] = ["ann": "1a20", "bob": "1a21", "admin": "1a1"]
        let people: [Substring] = try #require(block.first).dropFirst("people:".count).split(separator: " ")
        for (offset, person) in people.enumerated() {
            let parts: [Substring] = person.split(separator: "=")
            let number: UInt64 = 60 + UInt64(offset)
            world.add(String(parts[0]), number, role: parts.count > 1 ? String(parts[1]) : nil)
            names[String(parts[0])] = "1a\(number)"
        }
        for line in block.dropFirst() { try await Self.run(line, world, &names) }
    }

    private static func run(_ line: String, _ world: World, _ names: inout [String: String]) async throws {
        let halves: [String] = line.components(separatedBy: " => ")
        try #require(halves.count == 2, "\(line)")
        let words: [Substring] = filled(halves[0], names).split(separator: " ", maxSplits: 3)
        let wanted: [Substring] = filled(halves[1], names).split(separator: " ")
        let body: JSONValue? = words.count > 3 ? try JSONReader.parse(Array(words[3].utf8)) : nil
        let answer: Answer = await world.ask(
            String(words[0]),
            String(words[1]),
            "\(World.home)/\(words[2])",
            body ?? (words[1] == "POST" ? [:] : nil)
        )
        #expect(String(answer.status) == wanted[0], "\(line): \(answer)")
        var rest: ArraySlice<Substring> = wanted.dropFirst()
        if rest.first == "as", let name = rest.dropFirst().first {
            names[String(name)] = try #require(answer["id"]?.string, "\(line): \(answer)")
            rest = rest.dropFirst(2)
        }
        for expectation in rest {
            let parts: [Substring] = expectation.split(separator: "=", maxSplits: 1)
            let found: JSONValue? = member(String(parts[0]), of: answer.json)
            let value: String = String(parts[1]).replacing("~", with: " ")
            let shown: String =
                found.map { $0.string ?? String(decoding: JSONWriter.bytes($0), as: UTF8.self) } ?? "absent"
            #expect(shown == value, "\(line): \(answer)")
        }
    }

    private static func filled(_ text: String, _ names: [String: String]) -> String {
        names.sorted { $0.key.count > $1.key.count }.reduce(text) { $0.replacing("$\($1.key)", with: $1.value) }
    }

    private static func member(_ path: String, of value: JSONValue) -> JSONValue? {
        path.split(separator: ".").reduce(value) { (value: JSONValue?, part: Substring) -> JSONValue? in
            if let index = Int(part) { return value?.array.flatMap { $0.indices.contains(index) ? $0[index] : nil } }
            return value?[String(part)]
        }
    }
}
