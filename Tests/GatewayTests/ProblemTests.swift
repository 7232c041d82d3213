import Foundation
import JSON
import Model
import Testing

@testable import Gateway

@Suite struct ProblemTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// `422 NotUnique`, from whatever `pattern` finds in the text: a status and a code.
    private static func problems(_ text: String, _ pattern: Regex<(Substring, Substring, Substring)>) -> Set<String> {
        Set(text.matches(of: pattern).map { "\($0.output.1) \($0.output.2)" })
    }

    @Test func `the reference of problems lists every code that there is, and no other`() throws {
        let reference = try String(contentsOf: Self.root.appending(path: "docs/reference/problems.md"), encoding: .utf8)
        let listed: Set<String> = Self.problems(reference, /\n\| (\d{3}) \| `([^`]+)` \|/)

        var used: Set<String> = Set(ValidationCode.allCases.map { "422 \($0.rawValue)" })
        let folder: URL = Self.root.appending(path: "Sources/Gateway")
        let walk = try #require(FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
        for case let file as URL in walk where file.pathExtension == "swift" {
            let text = try String(contentsOf: file, encoding: .utf8)
            used.formUnion(Self.problems(text, /status: (\d{3}),\s*code: "([^"]+)"/))
            if file.lastPathComponent == "Problem+HTTP.swift" {
                used.formUnion(Self.problems(text, /case (\d{3}): "([^"]+)"/))
            }
            // A status or a code that is put together cannot be listed.
            let plain: Int = text.matches(of: /status: \d{3},\s*code: "/).count
            let all: Int = text.matches(of: /Problem\(\s*status:/).count
            let known: Int = ["Problem.swift": 1][file.lastPathComponent] ?? 0
            #expect(all - plain == known, "\(file.lastPathComponent) makes a problem that is not listed by its text")
        }
        #expect(used.count > 30)
        #expect(
            used.subtracting(listed).isEmpty,
            "not in docs/reference/problems.md: \(used.subtracting(listed).sorted())"
        )
        #expect(listed.subtracting(used).isEmpty, "no longer used: \(listed.subtracting(used).sorted())")
    }

    @Test func `an error document has all members of the contract`() {
        let problem: Problem = .validation(.missingRequired, field: "name")
        #expect(
            problem.document(id: "x").object?.keys == [
                "id", "type", "baseType", "links", "actions", "status", "code", "message", "detail", "fieldName",
            ]
        )
        #expect(problem.document(id: "x")["fieldName"] == "name")
    }
}
