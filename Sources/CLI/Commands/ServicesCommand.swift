internal import JSON

/// Lists services.
enum ServicesCommand {
    static let command = Command("services", operands: "[STACK…]", summary: "list services", run: run)

    private static func run(_ invocation: Invocation) async throws -> Int32 {
        try await invocation.withProject { project in
            let names: Names = try await .load(project)
            let wanted: [String] = invocation.arguments.operands
            if let unknown = wanted.first(where: { !names.knows($0) }) {
                throw CommandFailure("there is no stack '\(unknown)' in the environment \(project.name)")
            }
            let services: [JSONObject] = try await project.list("services").filter { service in
                wanted.isEmpty || wanted.contains(names.stack(of: service))
                    || wanted.contains(service.text("stackId") ?? "")
            }
            invocation.show(services) {
                var table = Table("ID", "NAME", "IMAGE", "STATE", "SCALE", "ENDPOINTS", "MESSAGE")
                for service in services {
                    table.rows.append([
                        Table.Cell(service.id), Table.Cell("\(names.stack(of: service))/\(service.displayName)"),
                        Table.Cell(service.launchImage), .state(service), Table.Cell(scale(service)),
                        Table.Cell(service.endpoints.joined(separator: ", ")), Table.Cell(service.message),
                    ])
                }
                return table
            }
            return 0
        }
    }

    private static func scale(_ service: JSONObject) -> String {
        let current: String = service["currentScale"]?.int.map { "\($0)" } ?? "?"
        return service.isGlobal ? "\(current) global" : "\(current)/\(service["scale"]?.int ?? 1)"
    }
}
