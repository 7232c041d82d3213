import Model

/// Addresses in documents: absolute, and lower-case behind the host (contract A2).
struct Links: Hashable, Sendable {
    /// `http://host:port/<version>`, with the project's path behind it where the request came in under one.
    let root: String
    /// The same without a path of an environment.
    private let outside: String

    private let version: APIVersion
    /// Whether they lead through an environment.
    let isScoped: Bool

    init(base: BaseURL, project: String?, version spoken: APIVersion = .two) {
        self.version = spoken
        isScoped = project != nil
        let version: String = "\(base.text)/\(spoken.rawValue)"
        outside = version
        root = project.map { "\(version)/projects/\($0.lowercased())" } ?? version
    }

    /// A collection within an environment, wherever the request came in.
    func collection(_ definition: ResourceDefinition, in environment: String) -> String {
        "\(outside)/projects/\(environment.lowercased())/\(spelled(definition.pathSegment))"
    }

    var schemas: String { "\(root)/schemas" }

    func schema(_ definition: ResourceDefinition) -> String {
        "\(root)/schemas/\(spelled(definition.name.lowercased()))"
    }

    func collection(_ definition: ResourceDefinition) -> String { "\(root)/\(spelled(definition.pathSegment))" }

    /// Ids keep their spelling where they are names, such as a setting's.
    func item(_ definition: ResourceDefinition, _ id: String) -> String { "\(collection(definition))/\(id)" }

    func link(_ definition: ResourceDefinition, _ id: String, _ name: String) -> String {
        "\(item(definition, id))/\(spelled(name.lowercased()))"
    }

    func action(_ definition: ResourceDefinition, _ id: String, _ name: String) -> String {
        "\(item(definition, id))/?action=\(name.lowercased())"
    }

    /// A lower-case word of an address, as this version has it.
    private func spelled(_ word: String) -> String { version == .one ? VersionOne.theirs(word: word) : word }
}
