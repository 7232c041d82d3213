import Model

/// Addresses in documents: absolute, and lower-case behind the host (contract A2).
struct Links: Hashable, Sendable {
    /// `http://host:port/v2-beta`, with the project's path behind it where the request came in under one.
    let root: String

    init(base: BaseURL, project: String?) {
        let version: String = "\(base.text)/\(APIPath.currentVersion)"
        root = project.map { "\(version)/projects/\($0.lowercased())" } ?? version
    }

    var schemas: String { "\(root)/schemas" }

    func schema(_ definition: ResourceDefinition) -> String { "\(root)/schemas/\(definition.name.lowercased())" }
    func collection(_ definition: ResourceDefinition) -> String { "\(root)/\(definition.pathSegment)" }

    /// Ids keep their spelling where they are names, such as a setting's.
    func item(_ definition: ResourceDefinition, _ id: String) -> String { "\(collection(definition))/\(id)" }

    func link(_ definition: ResourceDefinition, _ id: String, _ name: String) -> String {
        "\(item(definition, id))/\(name.lowercased())"
    }

    func action(_ definition: ResourceDefinition, _ id: String, _ name: String) -> String {
        "\(item(definition, id))/?action=\(name.lowercased())"
    }
}
