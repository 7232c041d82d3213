import JSON
import Testing

@testable import Compose

/// Reads one docker-compose.yml, and a rancher-compose.yml when there is one.
func project(
    _ docker: String,
    rancher: String? = nil,
    role: ComposeRole = .docker,
    variables: [String: String] = [:],
    files: [String: String] = [:]
) -> ComposeProject {
    var inputs = [ComposeFile(name: "docker-compose.yml", text: docker, folder: "/home/me/app", role: role)]
    if let rancher {
        inputs.append(ComposeFile(name: "rancher-compose.yml", text: rancher, folder: "/home/me/app", role: .rancher))
    }
    return .read(inputs, variables: variables) { files[$0] }
}

extension ComposeProject {
    /// What was found, as it is shown.
    var found: [String] { diagnostics.map(\.description) }

    /// The launch configuration of a service.
    func launch(_ name: String) throws -> JSONObject {
        let service: ComposeService = try #require(services.first { $0.name == name })
        return try #require(service.service["launchConfig"]?.object)
    }
}

/// The launch configuration of a single version 2 service with these keys, each a line.
func launch(_ keys: String, variables: [String: String] = [:], files: [String: String] = [:]) throws -> JSONObject {
    let project: ComposeProject = service(keys, variables: variables, files: files)
    #expect(project.found == [])
    return try project.launch("web")
}

func service(_ keys: String, variables: [String: String] = [:], files: [String: String] = [:]) -> ComposeProject {
    let lines: String = keys.split(separator: "\n").map { "    \($0)\n" }.joined()
    return project("version: '2'\nservices:\n  web:\n    image: a\n\(lines)", variables: variables, files: files)
}
