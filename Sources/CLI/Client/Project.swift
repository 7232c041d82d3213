internal import Compose
internal import HTTP
internal import JSON

/// An environment, and what is in it.
struct Project: Sendable {
    let client: APIClient
    let id: String
    let name: String

    /// The path that everything in it begins with: `/v2-beta/projects/1a5`.
    var base: String { "/v2-beta/projects/\(id)" }

    /// The environment that was asked for by name or id; else the only one; else the one called Default.
    static func find(_ client: APIClient) async throws -> Project {
        let all: [JSONObject] = try await client.list("/v2-beta/projects?limit=-1")
        let names: [String] = all.map(\.displayName)
        func made(_ project: JSONObject) -> Project {
            Project(client: client, id: project.id, name: project.displayName)
        }
        if let wanted: String = client.connection.environmentName {
            return made(try choose(wanted, from: all))
        }
        if all.count == 1, let only: JSONObject = all.first { return made(only) }
        guard let standard: JSONObject = all.first(where: { $0.displayName == "Default" }) else {
            throw CommandFailure(
                all.isEmpty
                    ? "there is no environment that you may see"
                    : "there are several environments: choose one with --env: \(names.joined(separator: ", "))"
            )
        }
        return made(standard)
    }

    /// The one of these environments that has this name or id.
    static func choose(_ wanted: String, from all: [JSONObject]) throws(CommandFailure) -> JSONObject {
        let found: [JSONObject] = all.filter { $0.id == wanted || $0.displayName.lowercased() == wanted.lowercased() }
        if found.count > 1 {
            let ids: String = found.map(\.id).joined(separator: ", ")
            throw CommandFailure("several environments are called '\(wanted)': give one by id: \(ids)")
        }
        guard let one: JSONObject = found.first else {
            let hint: String = Spelling.hint(for: wanted, among: all.map(\.displayName))
            throw CommandFailure("there is no environment '\(wanted)'\(hint); 'drover env' lists them")
        }
        return one
    }

    /// What of a type there is and was not removed.
    func list(_ type: String, _ filters: [(String, String)] = []) async throws -> [JSONObject] {
        let items: [QueryItems.Item] =
            filters.map { QueryItems.Item($0.0, $0.1) } + [
                QueryItems.Item("removed_null", "1"), QueryItems.Item("limit", "-1"),
            ]
        return try await client.list("\(base)/\(type)?\(QueryItems(items: items).encoded)")
    }

    /// One by id; nil when there is none with exactly that id.
    func get(_ type: String, _ id: String) async throws -> JSONObject? {
        do {
            let resource: JSONObject = try await client.send("GET", "\(base)/\(type)/\(PercentCoding.encode(id))")
            // Only the number of an id counts for the API: `/hosts/1s3` is host 3.
            return resource.id == id ? resource : nil
        } catch let fault as APIFault where fault.status == 404 {
            return nil
        }
    }

    func create(_ type: String, _ body: JSONObject) async throws -> JSONObject {
        try await client.send("POST", "\(base)/\(type)", .object(body))
    }

    func update(_ resource: JSONObject, _ body: JSONObject) async throws -> JSONObject {
        try await client.send("PUT", try resource.link("self"), .object(body))
    }

    /// Runs an action that the resource offers now.
    func act(_ action: String, on resource: JSONObject, _ body: JSONObject = JSONObject()) async throws -> JSONObject {
        guard let link: String = resource["actions"]?[action]?.string else {
            throw CommandFailure(
                "\(resource.type) \(resource.displayName) cannot do '\(action)' while it is \(resource.state)"
            )
        }
        return try await client.send("POST", link, .object(body))
    }
}

/// What every resource of the API has.
extension JSONObject {
    func text(_ key: String) -> String? {
        guard let text: String = self[key]?.string, !text.isEmpty else { return nil }
        return text
    }

    var id: String { text("id") ?? "" }
    var type: String { text("type") ?? "" }
    var state: String { text("state") ?? "" }
    var transitioning: String { text("transitioning") ?? "no" }

    /// Its name, for hosts the host name, or its id.
    var displayName: String { text("name") ?? text("hostname") ?? id }

    /// What the server says about a change that is under way or failed.
    var message: String {
        guard transitioning != "no", let text: String = text("transitioningMessage") else { return "" }
        return text.printable
    }

    func link(_ name: String) throws(CommandFailure) -> String {
        guard let link: String = self["links"]?[name]?.string else {
            throw CommandFailure("\(type) \(displayName) has no link '\(name)'")
        }
        return link
    }

    /// What counts for a reader: while it is active, how well it is.
    var shownState: String {
        guard state == "active" || state == "running" else { return state }
        guard let health: String = text("healthState"), health != "healthy" else { return state }
        return health
    }

    /// `address:port` of all that it publishes.
    var endpoints: [String] {
        var endpoints: [String] = []
        for endpoint in self["publicEndpoints"]?.array ?? [] {
            guard let address: String = endpoint["ipAddress"]?.string, let port: Int64 = endpoint["port"]?.int else {
                continue
            }
            let text: String = address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)"
            if !endpoints.contains(text) { endpoints.append(text) }
        }
        return endpoints
    }
}
