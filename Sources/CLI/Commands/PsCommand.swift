internal import JSON

/// Lists containers.
enum PsCommand {
    static let command = Command(
        "ps",
        operands: "[STACK|SERVICE…]",
        summary: "list containers",
        options: [OptionSpec("all", short: "a", "also those that are stopped")],
        run: run
    )

    private static func run(_ invocation: Invocation) async throws -> Int32 {
        try await invocation.withProject { project in
            let containers: [JSONObject] = try await project.list("containers")
            let names: Names = try await .load(project)
            let wanted: [String] = invocation.arguments.operands
            if let unknown = wanted.first(where: { !names.knows($0) }) {
                throw CommandFailure("there is no stack or service '\(unknown)' in the environment \(project.name)")
            }
            let shown: [JSONObject] = containers.filter { container in
                let isGone: Bool = ["stopped", "removing", "removed", "purging", "purged"].contains(container.state)
                guard invocation.arguments.has("all") || !isGone || container.transitioning == "error" else {
                    return false
                }
                return wanted.isEmpty || wanted.contains { names.belongs(container, to: $0) }
            }
            invocation.show(shown) {
                var table = Table("ID", "NAME", "SERVICE", "IMAGE", "STATE", "HOST", "PORTS", "MESSAGE")
                for container in shown {
                    table.rows.append([
                        Table.Cell(container.id), Table.Cell(container.displayName),
                        Table.Cell(names.service(of: container)),
                        Table.Cell(container.image), .state(container), Table.Cell(names.host(of: container)),
                        Table.Cell(container.portList), Table.Cell(container.message),
                    ])
                }
                return table
            }
            return 0
        }
    }
}

/// The names behind the ids that containers and services refer to.
struct Names {
    private var stacks: [String: String] = [:]
    private var services: [String: (name: String, stack: String)] = [:]
    private var hosts: [String: String] = [:]

    static func load(_ project: Project) async throws -> Names {
        var names = Names()
        for stack in try await project.list("stacks") { names.stacks[stack.id] = stack.displayName }
        for service in try await project.list("services") {
            names.services[service.id] = (service.displayName, service.text("stackId") ?? "")
        }
        for host in try await project.list("hosts") { names.hosts[host.id] = host.displayName }
        return names
    }

    /// `stack/service`, of all it belongs to.
    func service(of container: JSONObject) -> String {
        container.serviceIDs.map { fullName($0) }.joined(separator: ",")
    }

    func stack(of service: JSONObject) -> String { service.text("stackId").map { stacks[$0] ?? $0 } ?? "" }

    func host(of container: JSONObject) -> String { container.text("hostId").map { hosts[$0] ?? $0 } ?? "" }

    func knows(_ word: String) -> Bool {
        stacks.contains { $0.key == word || $0.value == word } || services.contains { isCalled($0.key, word) }
    }

    func belongs(_ container: JSONObject, to word: String) -> Bool {
        if let stack: String = container.text("stackId"), stack == word || stacks[stack] == word { return true }
        return container.serviceIDs.contains { id in
            isCalled(id, word) || services[id].map { $0.stack == word || stacks[$0.stack] == word } == true
        }
    }

    private func isCalled(_ id: String, _ word: String) -> Bool {
        id == word || services[id]?.name == word || fullName(id) == word
    }

    private func fullName(_ id: String) -> String {
        guard let service = services[id] else { return id }
        return stacks[service.stack].map { "\($0)/\(service.name)" } ?? service.name
    }
}

extension Table.Cell {
    /// The state as people read it, in its colour.
    static func state(_ resource: JSONObject) -> Table.Cell {
        let state: String = resource.shownState
        return Table.Cell(state, Colour.of(state: state, transitioning: resource.transitioning))
    }
}

extension JSONObject {
    var serviceIDs: [String] {
        let several: [String] = self["serviceIds"]?.array?.compactMap(\.string) ?? []
        return several.isEmpty ? text("serviceId").map { [$0] } ?? [] : several
    }

    /// Of a container.
    var image: String { Self.withoutScheme(text("imageUuid") ?? "") }

    /// Of a service.
    var launchImage: String { Self.withoutScheme(self["launchConfig"]?["imageUuid"]?.string ?? "") }

    private static func withoutScheme(_ image: String) -> String {
        image.hasPrefix("docker:") ? String(image.dropFirst(7)) : image
    }

    /// What a container publishes: where it answers when that is known, else what was asked for.
    var portList: String {
        let endpoints: [String] = endpoints
        return (endpoints.isEmpty ? self["ports"]?.array?.compactMap(\.string) ?? [] : endpoints).joined(
            separator: ", "
        )
    }
}
