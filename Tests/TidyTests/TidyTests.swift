import Foundation
import Testing

/// House rules that a program can check.
///
/// Each failure names the file and the rule.
@Suite struct TidyTests {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// Every Swift file below `folder`, by path relative to the repository, with its text.
    static func files(below folder: String, suffix: String = ".swift") throws -> [(path: String, text: String)] {
        let base: URL = root.appending(path: folder)
        guard let walk = FileManager.default.enumerator(at: base, includingPropertiesForKeys: nil) else { return [] }
        var found: [(path: String, text: String)] = []
        for case let url as URL in walk where url.path.hasSuffix(suffix) {
            let path = String(url.path.dropFirst(root.path.count + 1))
            found.append((path: path, text: try String(contentsOf: url, encoding: .utf8)))
        }
        return found.sorted { $0.path < $1.path }
    }

    /// The modules that a file imports.
    static func imports(_ text: String) -> Set<String> {
        var modules: Set<String> = []
        for line in text.split(separator: "\n") {
            var words: [Substring] = line.split(separator: " ")
            while let first = words.first,
                ["package", "private", "internal", "public", "@testable", "@_exported"].contains(first)
            {
                words.removeFirst()
            }
            if words.first == "import", let module = words.last { modules.insert(String(module)) }
        }
        return modules
    }

    /// The folders whose code decides and never acts.
    static let pureFolders: [String] = [
        "Sources/Platform/Bytes", "Sources/Platform/JSON", "Sources/Platform/Limits", "Sources/Model",
        "Sources/Network",
        "Sources/Scheduler", "Sources/RBAC", "Sources/Raft/Core", "Sources/Store/Format",
        "Sources/ClusterNode/Services", "Sources/ClusterNode/Ownership",
        "Sources/HostAgent/Protocol", "Sources/HostAgent/Core", "Sources/ClusterNode/HostFrames",
        "Sources/Checkers",
    ]

    @Test(arguments: pureFolders)
    func `a pure room imports nothing that does input or output`(folder: String) throws {
        let pure: Set<String> = [
            "Bytes", "JSON", "Limits", "StoreFormat", "Model", "Network", "Scheduler", "RBAC", "RaftCore",
            "HostProtocol", "HostAgentCore", "HostFrames", "Services", "Ownership",
        ]
        let files = try Self.files(below: folder)
        #expect(!files.isEmpty, "\(folder) has no files: the rule would check nothing")
        for file in files {
            let others: Set<String> = Self.imports(file.text).subtracting(pure)
            #expect(others.isEmpty, "\(file.path) imports \(others.sorted())")
        }
    }

    /// Rooms on a request's or an entry's way, where Foundation costs too much.
    @Test(arguments: ["Sources/Platform", "Sources/Raft", "Sources/Store", "Sources/Gateway", "Sources/HostAgent"])
    func `a hot room does not import Foundation`(folder: String) throws {
        for file in try Self.files(below: folder) {
            #expect(!Self.imports(file.text).contains("Foundation"), "\(file.path)")
        }
    }

    @Test func `nothing in Sources is left for later`() throws {
        let words: [String] = ["TODO", "FIXME", "XXX", "HACK", "fatalError()", "try!", " as! "]
        for file in try Self.files(below: "Sources") {
            for word in words { #expect(!file.text.contains(word), "\(file.path) contains \(word)") }
        }
    }

    /// Files that hold raw memory or claim thread safety themselves; each says in a comment what makes it true.
    @Test func `unchecked claims stand only where a comment gives the reason`() throws {
        for file in try Self.files(below: "Sources") {
            let lines: [Substring] = file.text.split(separator: "\n", omittingEmptySubsequences: false)
            for (index, line) in lines.enumerated()
            where line.contains("@unchecked Sendable") || line.contains("nonisolated(unsafe)") {
                let before: ArraySlice<Substring> = lines[max(0, index - 8)...index]
                #expect(before.contains { $0.contains("//") }, "\(file.path):\(index + 1) gives no reason")
            }
        }
    }

    @Test func `there is no room without an idea`() throws {
        let names: [String] = ["Utils", "Util", "Common", "Helpers", "Helper", "Manager", "Misc"]
        for file in try Self.files(below: "Sources") + Self.files(below: "Tests") {
            for part in file.path.split(separator: "/") {
                let stem = String(part.split(separator: ".").first ?? "")
                #expect(!names.contains { stem.hasSuffix($0) }, "\(file.path)")
            }
        }
    }

    @Test func `lines fit a screen`() throws {
        for file in try Self.files(below: "Sources") {
            for (index, line) in file.text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
                #expect(line.count <= 140, "\(file.path):\(index + 1) has \(line.count) characters")
            }
        }
    }

    @Test func `the package depends on no package`() throws {
        let manifest = try String(contentsOf: Self.root.appending(path: "Package.swift"), encoding: .utf8)
        #expect(!manifest.contains(".package("))
    }
}
