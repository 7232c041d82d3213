import Foundation
import Testing

/// What the documents in `docs/` say of the repository, compared with the repository.
///
/// Decisions are left out: they are never rewritten, so they may name what is gone.
@Suite struct DocumentTests {
    static func documents() throws -> [(path: String, text: String)] {
        try TidyTests.files(below: "docs", suffix: ".md").filter { !$0.path.hasPrefix("docs/decisions/") }
    }

    /// Names what is still to be made, too.
    private static let statusPage: String = "docs/status.md"

    // MARK: Paths and links

    private static let folders: [String] = ["Sources/", "Tests/", "Benchmarks/", "scripts/", "examples/", "docs/"]

    /// The paths of this repository that a text names, without the stops and brackets around them.
    static func paths(in text: String) -> Set<String> {
        let letters: Set<Character> = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-./")
        var found: Set<String> = []
        for word in text.split(whereSeparator: { !letters.contains($0) })
        where folders.contains(where: { word.hasPrefix($0) }) {
            var path: Substring = word
            while path.last == "." { path.removeLast() }
            found.insert(String(path))
        }
        return found
    }

    /// The targets of a text's links that lie in this repository, without their fragments.
    static func links(in text: String) -> Set<String> {
        var found: Set<String> = []
        for part in text.components(separatedBy: "](").dropFirst() {
            let target: Substring = part.prefix { $0 != ")" && $0 != "#" }
            if !target.isEmpty, !target.contains("://") { found.insert(String(target)) }
        }
        return found
    }

    private static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: TidyTests.root.appending(path: path).path)
    }

    @Test func `every path that a document names exists`() throws {
        var count: Int = 0
        for document in try Self.documents() where document.path != Self.statusPage {
            for path in Self.paths(in: document.text).sorted() {
                count += 1
                #expect(Self.exists(path), "\(document.path) names \(path), which does not exist")
            }
        }
        #expect(count > 100, "only \(count) paths were found: the rule checks nothing")
    }

    @Test func `every link of a document leads somewhere`() throws {
        var count: Int = 0
        for document in try Self.documents() {
            let folder: String = String(
                document.path[..<(document.path.lastIndex(of: "/") ?? document.path.startIndex)]
            )
            for link in Self.links(in: document.text).sorted() {
                count += 1
                #expect(Self.exists("\(folder)/\(link)"), "\(document.path) links to \(link), which does not exist")
            }
        }
        #expect(count > 30, "only \(count) links were found: the rule checks nothing")
    }

    @Test func `paths and links are found in running text`() {
        let text: String =
            "See `Sources/RBAC/Rule.swift`, Tests/RBACTests/. [Store](design/store.md#watches), [x](https://example.org)."
        #expect(Self.paths(in: text) == ["Sources/RBAC/Rule.swift", "Tests/RBACTests/"])
        #expect(Self.links(in: text) == ["design/store.md"])
    }

    // MARK: Runbooks

    /// What names a runbook and a command names one that the runbook gives.
    ///
    /// Such are alarms in the page of metrics (`[…](../runbooks/X.md): `command``) and texts of the program
    /// (`command (docs/runbooks/X.md)`).
    @Test func `each alarm names a command that its runbook gives`() throws {
        let runbooks: [String: String] = Dictionary(
            uniqueKeysWithValues: try TidyTests.files(below: "docs/runbooks", suffix: ".md").map { ($0.path, $0.text) }
        )
        var named: [(place: String, runbook: String, command: String)] = []
        let metrics: String = try String(
            contentsOf: TidyTests.root.appending(path: "docs/reference/metrics.md"),
            encoding: .utf8
        )
        for match in metrics.matches(of: /\(\.\.\/(runbooks\/[a-z-]+\.md)\): `([^`]+)`/) {
            named.append(("docs/reference/metrics.md", "docs/\(match.1)", String(match.2)))
        }
        for file in try TidyTests.files(below: "Sources") {
            // A text may be put together over several lines.
            let text: String = file.text.replacing(/"\s*\+ "/, with: "")
            for match in text.matches(of: /(drover cluster [a-z-]+)[^"\n]*?\((docs\/runbooks\/[a-z-]+\.md)\)/) {
                named.append((file.path, String(match.2), String(match.1)))
            }
        }
        // Alarms give a command; one of the pages must say when to type it.
        for file in try TidyTests.files(below: "Sources/ClusterNode") {
            for match in file.text.matches(of: /command: "(df -h|drover cluster [a-z-]+)/) {
                let isGiven: Bool = runbooks.values.contains { $0.contains(match.1) }
                #expect(isGiven, "\(file.path): no runbook gives '\(match.1)'")
            }
        }
        #expect(named.count >= 8, "only \(named.count) were found: the rule checks nothing")
        for each in named {
            let page: String? = runbooks[each.runbook]
            #expect(page != nil, "\(each.place) names \(each.runbook), which does not exist")
            #expect(
                page?.contains(each.command) == true,
                "\(each.place) names '\(each.command)', which \(each.runbook) does not give"
            )
        }
    }

    // MARK: Citations of the contract

    private static let contractPage: String = "docs/reference/contract.md"

    /// The sections of a page: the first words of its headings of second rank.
    static func sections(of page: String) -> [String] {
        page.split(separator: "\n").filter { $0.hasPrefix("## ") }
            .compactMap { $0.dropFirst(3).split(separator: " ").first.map { String($0) } }
    }

    /// What the comments of a source cite: `A7` for `contract A7`, both for `contract A7, O3`.
    ///
    /// A bare number behind the word, such as `contract, orchestration 2.3` has, is found as well: it names no section.
    static func citations(in source: String) -> [String] {
        // A comment may go on in the next line between the word and the section.
        let comments: String = source.split(separator: "\n").compactMap { line in
            line.range(of: "//").map { line[$0.upperBound...].trimmingPrefix("/").trimmingPrefix(" ") }
        }.joined(separator: " ")
        let citation =
            /[Cc]ontract,? (?:API framework |orchestration |section )*([AO]?[0-9]+(?:(?:,| and) [AO][0-9]+)*)/
        return comments.matches(of: citation).flatMap { match in
            match.1.split { $0 == "," || $0 == " " }.filter { $0 != "and" }.map { String($0) }
        }
    }

    @Test func `every section of the contract that a source cites exists`() throws {
        let page = try String(contentsOf: TidyTests.root.appending(path: Self.contractPage), encoding: .utf8)
        let sections: [String] = Self.sections(of: page)
        #expect(Set(sections).count == sections.count, "\(Self.contractPage) has two sections of one number")
        var count: Int = 0
        for file in try TidyTests.files(below: "Sources") {
            for cited in Self.citations(in: file.text) {
                count += 1
                #expect(
                    sections.contains(cited),
                    "\(file.path) cites contract \(cited), which \(Self.contractPage) does not have"
                )
            }
        }
        #expect(count > 50, "only \(count) citations were found: the rule checks nothing")
    }

    @Test(arguments: [
        ("/// A page (contract A11).", ["A11"]), ("/// States: contract O4. What counts", ["O4"]),
        ("    /// Without credentials (contract\n    /// A1, O19): all of it", ["A1", "O19"]),
        ("// See contract O5 and O6, and 7 others", ["O5", "O6"]), ("/// Passes the contract tests; one of 3", []),
        ("/// The tables of contract 2.9, as functions", ["2"]),
        ("/// Source: contract, orchestration 1.3: shown", ["1"]),
        ("let contract: String = A7", []),
    ])
    func `citations are found in comments`(source: String, cited: [String]) {
        #expect(Self.citations(in: source) == cited)
    }

    @Test func `sections are found by their headings`() {
        #expect(
            Self.sections(of: "# API\n\n## A1 Paths\n\ntext ## A2\n### A3 x\n## O10 Health checks\n") == ["A1", "O10"]
        )
    }

    // MARK: Limits

    private static let limitsPage: String = "docs/reference/limits.md"
    private static let begin: String = "<!-- begin: written from Sources/Platform/Limits/Limits.swift -->\n"
    private static let end: String = "<!-- end -->\n"

    /// The tables of the page, made from the source: a section for each mark, a row for each limit.
    static func limits(from source: String) -> String {
        var text: String = ""
        var comment: [String] = []
        for line in source.split(separator: "\n", omittingEmptySubsequences: false) {
            let line: String = line.trimmingCharacters(in: .whitespaces)
            if line.hasPrefix("// MARK: ") {
                text += "\n## \(line.dropFirst("// MARK: ".count))\n\n|limit|default|meaning|\n|---|---|---|\n"
            } else if line.hasPrefix("///") {
                comment.append(line.dropFirst(3).trimmingCharacters(in: .whitespaces))
                continue
            } else if line.hasPrefix("package static let "), let equals = line.range(of: " = ") {
                let name: Substring = line.dropFirst("package static let ".count).prefix { $0 != ":" && $0 != " " }
                let meaning: String = comment.joined(separator: " ").replacing("``", with: "`")
                text += "|`\(name)`|`\(line[equals.upperBound...])`|\(meaning)|\n"
            }
            comment = []
        }
        return text + "\n"
    }

    /// With `DROVER_REWRITE=1` in the environment the tables are written anew; review the difference like code.
    @Test func `the page of limits lists exactly the limits of the code`() throws {
        let source = try String(
            contentsOf: TidyTests.root.appending(path: "Sources/Platform/Limits/Limits.swift"),
            encoding: .utf8
        )
        let url: URL = TidyTests.root.appending(path: Self.limitsPage)
        var page = try String(contentsOf: url, encoding: .utf8)
        let start = try #require(
            page.range(of: Self.begin),
            "\(Self.limitsPage) has lost the line that its tables follow"
        )
        let stop = try #require(page.range(of: Self.end), "\(Self.limitsPage) has lost the line that ends its tables")
        let wanted: String = Self.limits(from: source)
        #expect(
            wanted.contains("|`httpBodyBytes`|") && wanted.count > 2_000,
            "the source of the limits was not understood"
        )
        if ProcessInfo.processInfo.environment["DROVER_REWRITE"] == "1" {
            page.replaceSubrange(start.upperBound..<stop.lowerBound, with: wanted)
            try page.write(to: url, atomically: true, encoding: .utf8)
            return
        }
        let found: String = String(page[start.upperBound..<stop.lowerBound])
        let differing: [String] = wanted.split(separator: "\n").difference(from: found.split(separator: "\n")).map {
            change in
            switch change {
            case .insert(_, let line, _): "missing: \(line)"
            case .remove(_, let line, _): "not in the code: \(line)"
            }
        }
        #expect(
            found == wanted,
            "\(Self.limitsPage) differs; DROVER_REWRITE=1 writes it\n\(differing.joined(separator: "\n"))"
        )
    }
}
