package import JSON

/// What the files of a project say about a file: docker-compose.yml, rancher-compose.yml, or both in one.
package enum ComposeRole: Sendable {
    /// Images, commands, ports: docker-compose.yml.
    case docker
    /// Scale, metadata, health checks: rancher-compose.yml.
    case rancher
    /// `compose.yml`: keys of both kinds.
    case combined

    /// What a file of that name holds by convention.
    package init(fileName path: String) {
        let name: String = path.split(separator: "/").last.map(String.init) ?? path
        if name.hasPrefix("rancher-compose") {
            self = .rancher
        } else if name == "compose.yml" || name == "compose.yaml" {
            self = .combined
        } else {
            self = .docker
        }
    }
}

/// A compose file as text.
package struct ComposeFile: Sendable {
    /// How diagnostics call it.
    package var name: String
    package var text: String
    /// The absolute folder that relative paths inside start from.
    package var folder: String
    package var role: ComposeRole

    package init(name: String, text: String, folder: String, role: ComposeRole) {
        self.name = name
        self.text = text
        self.folder = folder
        self.role = role
    }
}

/// A service as it is to be created.
package struct ComposeService: Sendable {
    package var name: String
    /// The body of `POST /services` without `stackId`.
    package var service: JSONObject
    /// Whether the files say how many containers there are to be; else one that exists keeps its number.
    package var saysScale: Bool
    /// Services of the same project that are created before this one.
    package var dependsOn: [String]
    package var place: SourcePlace
}

/// What a set of compose files stands for.
package struct ComposeProject: Sendable {
    /// Each after those it depends on; else in the order of the files.
    package var services: [ComposeService]
    /// In the order in which they were found.
    package var diagnostics: [ComposeDiagnostic]

    /// Whether anything is wrong; such a project must not be deployed.
    package var hasErrors: Bool { diagnostics.contains { $0.severity == .error } }

    /// Reads files of compose version 1 or 2 and rancher-compose files; later files add to and override earlier ones.
    ///
    /// `variables` are for `$NAME` and for environment keys without a value; `readFile` gives the text of an `env_file`
    /// by its absolute path, nil when it cannot be read. Nothing else is looked at: the same input gives the same project.
    package static func read(
        _ files: [ComposeFile],
        variables: [String: String],
        readFile: (String) -> String?
    ) -> ComposeProject {
        let diagnostics = Diagnostics()
        var reader = ProjectReader(variables: variables, diagnostics: diagnostics)
        for file in files { reader.add(file) }
        let services: [ComposeService] = reader.services(readFile: readFile)
        return ComposeProject(services: services, diagnostics: diagnostics.all)
    }
}
