/// What the path of an API request names.
///
/// Shape (contract A1): `/<version>[/projects/<project>]/<type>[/<id>[/<link>]]`. Repeated and trailing slashes do not
/// count, a fourth segment is ignored. The project prefix is taken off when something follows it, except
/// `projectmembers`, which is a link of the project itself.
struct APIPath: Hashable, Sendable {
    var version: APIVersion
    /// The project as written in the path, or nil at the root.
    var project: String?
    var type: String?
    var id: String?
    var link: String?

    /// The version that addresses in messages and scripts name.
    static let currentVersion: String = APIVersion.two.rawValue

    /// Reads decoded path segments; nil when the first is no API version.
    init?(segments: [String]) {
        var rest: ArraySlice<String> = segments.filter { !$0.isEmpty }[...]
        guard let version: APIVersion = rest.popFirst().flatMap({ APIVersion(rawValue: $0) }) else { return nil }
        self.version = version
        if rest.count >= 3, let first: String = rest.first?.lowercased(), first == "projects" || first == "project",
            rest[rest.startIndex + 2].lowercased() != "projectmembers"
        {
            project = rest[rest.startIndex + 1]
            rest = rest.dropFirst(2)
        }
        type = rest.popFirst()
        id = rest.popFirst()
        link = rest.popFirst()
        guard version == .one else { return }
        let word: String? = type
        type = word.map { VersionOne.own(word: $0) }
        // Schemas are named by types.
        if let word, word.lowercased().hasPrefix("schema") { id = id.map { VersionOne.own(word: $0) } }
        link = link.map { VersionOne.own(word: $0) }
    }
}
