internal import JSON

/// Finds what a person means by a name or an id.
struct Lookup {
    /// In the order in which they are looked for.
    enum Kind: String, CaseIterable {
        case service, container, stack, host

        var plural: String { "\(rawValue)s" }
    }

    let project: Project

    /// The one thing of these kinds that `word` names: an id, a name, or `stack/service`.
    func one(_ word: String, _ kinds: [Kind]) async throws -> (kind: Kind, resource: JSONObject) {
        var found: [(kind: Kind, resource: JSONObject)] = []
        for kind in kinds where Self.looksLikeID(word) {
            if let resource: JSONObject = try await project.get(kind.plural, word) { return (kind, resource) }
        }
        for kind in kinds {
            found += try await named(word, kind).map { (kind, $0) }
        }
        if found.count > 1 {
            let names: [String] = found.map { "\($0.resource.id) (\($0.kind.rawValue) \($0.resource.displayName))" }
            throw CommandFailure("'\(word)' may be \(names.joined(separator: ", ")): give the id, or --type")
        }
        guard let only = found.first else {
            let wanted: String = kinds.map(\.rawValue).joined(separator: " or ")
            throw CommandFailure("there is no \(wanted) '\(word)' in the environment \(project.name)")
        }
        return only
    }

    private func named(_ word: String, _ kind: Kind) async throws -> [JSONObject] {
        switch kind {
        case .host:
            return try await project.list("hosts").filter { $0.text("name") == word || $0.text("hostname") == word }
        case .stack, .container: return try await project.list(kind.plural, [("name", word)])
        case .service:
            let parts: [Substring] = word.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count == 2 else { return try await project.list("services", [("name", word)]) }
            guard let stack: JSONObject = try await project.list("stacks", [("name", String(parts[0]))]).first else {
                return []
            }
            return try await project.list("services", [("name", String(parts[1])), ("stackId", stack.id)])
        }
    }

    /// `1`, letters, digits: what ids look like, and some names.
    private static func looksLikeID(_ word: String) -> Bool {
        guard word.hasPrefix("1") else { return false }
        let letters: Substring = word.dropFirst().prefix { $0.isASCII && $0.isLowercase }
        let digits: Substring = word.dropFirst(1 + letters.count)
        return !letters.isEmpty && digits.first?.isNumber == true
    }
}
