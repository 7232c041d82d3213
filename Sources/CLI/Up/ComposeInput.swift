internal import Compose

/// The compose files that a command line names, or those that stand in the folder.
struct ComposeInput {
    var files: [ComposeFile]
    /// The folder of the first file.
    var folder: String

    private static let standard: [String] = [
        "docker-compose.yml", "docker-compose.yaml", "compose.yml", "compose.yaml",
    ]
    private static let rancher: [String] = ["rancher-compose.yml", "rancher-compose.yaml"]

    /// Reads what `-f` names, else the first standard file; a rancher-compose file beside the first one is read, too,
    /// unless one was named.
    static func find(_ invocation: Invocation) throws(CommandFailure) -> ComposeInput {
        var names: [String] = invocation.arguments.values("file")
        if names.isEmpty {
            guard let found = standard.first(where: { TextFile.exists(invocation.path($0)) }) else {
                throw CommandFailure(
                    "there is no \(standard.joined(separator: ", ")) in \(invocation.directory); name a file with -f"
                )
            }
            names = [found]
        }
        let isNamed: Bool = names.contains {
            if case .rancher = ComposeRole(fileName: $0) { true } else { false }
        }
        if !isNamed, let first: String = names.first {
            let folder: String = first.lastIndex(of: "/").map { String(first[...$0]) } ?? ""
            if let beside = rancher.first(where: { TextFile.exists(invocation.path(folder + $0)) }) {
                names.append(folder + beside)
            }
        }
        var files: [ComposeFile] = []
        for name in names {
            let path: String = absolute(invocation.path(name))
            guard let text: String = TextFile.read(path) else {
                throw CommandFailure(
                    TextFile.exists(path) ? "cannot read \(name) as text" : "there is no file \(name)"
                )
            }
            let folder: String = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
            files.append(
                ComposeFile(name: name, text: text, folder: folder, role: ComposeRole(fileName: name))
            )
        }
        return ComposeInput(files: files, folder: files.first?.folder ?? invocation.directory)
    }

    private static func absolute(_ path: String) -> String {
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }

    /// `--stack`, else the folder's name.
    func stackName(_ invocation: Invocation) throws(CommandFailure) -> String {
        let given: String? = invocation.arguments.value("stack")
        if let given, StackName.isValid(given) { return given }
        let text: String = given ?? folder.split(separator: "/").last.map(String.init) ?? ""
        guard let name: String = StackName.normalized(text) else {
            throw .usage("'\(text)' cannot be made the name of a stack; give one with --stack")
        }
        return name
    }
}
