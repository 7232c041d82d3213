import HTTP
import Model

/// All the ways to write the address of a request that reach the same thing.
///
/// The API takes `/v2-beta/PROJECTS/1a5/`, `/v2-beta/project/1a5` and `/v2-beta/projects/1x5` for one thing; an interceptor
/// that is configured for one of the spellings is asked for all of them. One that is configured for `v2-beta` is asked for
/// what comes by way of `v1`, too.
struct RequestSpellings: Sendable {
    /// As it came, decoded, with single slashes: what interceptors are told.
    let path: String
    /// The method of the request line, and what it stands for.
    let methods: Set<String>
    /// What it does, whatever its request line says.
    let method: String
    private let paths: [String]

    init(path: String, method: String, methods: Set<String>, also others: [String] = []) {
        self.path = path
        self.method = method
        self.methods = methods
        var paths: [String] = [path]
        for other in others where !paths.contains(other) { paths.append(other) }
        self.paths = paths
    }

    /// - Parameter api: the request's path as the API reads it; nil when it is no path of the API.
    init(
        _ request: HTTPRequest,
        segments: [String],
        method: String,
        api: APIPath?,
        project: UInt64?
    ) {
        let joined: String = "/" + segments.joined(separator: "/")
        let isFolder: Bool = request.path.hasSuffix("/") && !segments.isEmpty
        var methods: Set<String> = [request.method, method]
        if methods.contains("HEAD") { methods.insert("GET") }
        self.init(
            path: isFolder ? "\(joined)/" : joined,
            method: method,
            methods: methods,
            also: [joined] + (api.map { Self.canonical($0, project) } ?? [])
        )
    }

    func fits(_ template: PathTemplate) -> Bool { paths.contains { template.matches($0) } }

    private static func canonical(_ path: APIPath, _ project: UInt64?) -> [String] {
        guard let word: String = path.type else { return [] }
        let definition: ResourceDefinition? = Schemas.find(word)
        var types: [String] = [word]
        if let definition {
            let names: [String: [String]] = path.id == nil ? namesOfAll : namesOfOne
            for name in names[definition.name] ?? [] where name != word { types.append(name) }
        }
        var rest: String = ""
        if let id: String = path.id {
            let prefix: String? = definition?.idLetters
            let known: ResourceID? = ResourceID(id)
            rest = "/" + (prefix.flatMap { letters in known.map { $0.rendered(letters) } } ?? id)
            if let link: String = path.link { rest += "/\(link.lowercased())" }
        }
        var prefixes: [String] = []
        // What is asked for by a name of `v1` is the same thing.
        for version in Set([path.version.rawValue, APIPath.currentVersion]).sorted() {
            if let number: UInt64 = path.project.flatMap({ ResourceID($0)?.number }) ?? project {
                prefixes.append("/\(version)/projects/\(ResourceID(number: number).rendered("a"))")
            }
            if path.project == nil { prefixes.append("/\(version)") }
        }
        return prefixes.flatMap { prefix in types.map { "\(prefix)/\($0)\(rest)" } }
    }

    /// The words that stand for a type in addresses of all its objects, by the type's name.
    private static let namesOfAll: [String: [String]] = Dictionary(
        Schemas.all.map { ($0.name, words([$0])) }
    ) { first, _ in first }

    /// The same for one of them: a container is reached as an instance, too.
    private static let namesOfOne: [String: [String]] = Dictionary(
        Schemas.all.map { type in
            let relatives: [ResourceDefinition] = Schemas.all.filter {
                ($0.baseType == type.name || $0.name == type.baseType) && $0.table == type.table
            }
            return (type.name, words([type] + relatives))
        }
    ) { first, _ in first }

    private static func words(_ types: [ResourceDefinition]) -> [String] {
        var words: [String] = []
        for word in types.flatMap({ [$0.plural, $0.plural.lowercased(), $0.name, $0.name.lowercased()] })
        where !words.contains(word) { words.append(word) }
        return words
    }
}
