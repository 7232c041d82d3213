internal import EventLoop
internal import JSON
internal import Limits

/// Removes things, and waits until they are gone.
enum RemoveCommand {
    static let command = Command(
        "rm",
        operands: "NAME…",
        summary: "remove stacks, services, containers or hosts, and wait until they are gone",
        details: "A host that is active is deactivated first. 'drover hosts evacuate' empties one without removing it.",
        options: [
            OptionSpec("type", value: "TYPE", "what the names are: stack, service, container or host")
        ],
        run: run
    )

    private static func run(_ invocation: Invocation) async throws -> Int32 {
        let names: [String] = invocation.arguments.operands
        guard !names.isEmpty else { throw CommandFailure.usage("say what to remove") }
        let kinds: [Lookup.Kind] = try kinds(invocation.arguments.value("type"))
        return try await invocation.withProject { project in
            let progress = Progress(console: invocation.console, names: [])
            let removal = Removal(project: project, patience: Patience { progress.note($0) }, progress: progress)
            // All are found before any is removed.
            var found: [(kind: Lookup.Kind, resource: JSONObject)] = []
            for name in names {
                let one: (kind: Lookup.Kind, resource: JSONObject) = try await Lookup(project: project).one(name, kinds)
                if !found.contains(where: { $0.resource.id == one.resource.id }) { found.append(one) }
            }
            do {
                for (kind, resource) in found { try await removal.begin(kind, resource) }
                return try await removal.finish(found) ? 0 : 1
            } catch is CancellationError {
                invocation.console.note("interrupted: what was begun goes on")
                return 1
            }
        }
    }

    private static func kinds(_ type: String?) throws(CommandFailure) -> [Lookup.Kind] {
        guard let type else { return Lookup.Kind.allCases }
        guard let kind: Lookup.Kind = Lookup.Kind.allCases.first(where: { type == $0.rawValue || type == $0.plural })
        else {
            throw .usage("--type is stack, service, container or host, not '\(type)'")
        }
        return [kind]
    }
}

/// One run of `rm`.
private struct Removal {
    let project: Project
    let patience: Patience
    let progress: Progress

    func begin(_ kind: Lookup.Kind, _ resource: JSONObject) async throws {
        let name: String = label(kind, resource)
        var current: JSONObject = resource
        if kind == .host, resource["actions"]?["deactivate"] != nil {
            progress.update(name, "is active: deactivating first")
            current = try await patience.run {
                guard let host: JSONObject = try await project.get("hosts", resource.id) else { return current }
                return host["actions"]?["deactivate"] == nil ? host : try await project.act("deactivate", on: host)
            }
            current = try await inactive(current)
        }
        let link: String = try current.link("self")
        let removed: JSONObject = try await patience.run {
            do {
                return try await project.client.send("DELETE", link)
            } catch let fault as APIFault where fault.status == 404 {
                return ["state": "removed"]
            }
        }
        progress.update(name, removed.state.isEmpty ? "removing" : removed.state)
    }

    private func inactive(_ host: JSONObject) async throws -> JSONObject {
        let deadline: Deadline = .after(seconds: Limits.clientErrorTotalSeconds)
        var current: JSONObject = host
        while ["deactivating", "active", "updating-active"].contains(current.state) {
            guard !deadline.isPast else { throw CommandFailure("the host \(host.displayName) stays \(current.state)") }
            try await Task.sleep(for: .milliseconds(200))
            current = try await patience.run { try await project.get("hosts", host.id) } ?? current
        }
        return current
    }

    /// Waits until none is left; false when some could not be removed.
    func finish(_ all: [(kind: Lookup.Kind, resource: JSONObject)]) async throws -> Bool {
        var left = all
        var isWell: Bool = true
        var nextCheck: Deadline = .after(seconds: 0)
        var lastChange: UInt64 = MonotonicClock.now
        for await change in project.changes() {
            switch change {
            case .resource(let resource):
                // Its own removal, or a sign that something of it went.
                if left.contains(where: { $0.resource.id == resource.id }) { nextCheck = .after(seconds: 0) }
            case .connected: nextCheck = .after(seconds: 0)
            case .tick: break
            }
            guard nextCheck.isPast else { continue }
            nextCheck = .after(seconds: min(2, Limits.clientRecheckSeconds))
            var still: [(kind: Lookup.Kind, resource: JSONObject)] = []
            for (kind, resource) in left {
                let current: JSONObject? = try await patience.run { try await project.get(kind.plural, resource.id) }
                let state: String = current?.state ?? "removed"
                progress.update(
                    label(kind, resource),
                    current?.message.isEmpty == false ? "\(state) (\(current?.message ?? ""))" : state
                )
                if ["removed", "purging", "purged"].contains(state) {
                    lastChange = MonotonicClock.now
                } else {
                    still.append((kind, current ?? resource))
                }
            }
            left = still
            if left.isEmpty { return isWell }
            if MonotonicClock.now - lastChange > UInt64(Limits.clientWaitSeconds) * 1_000_000_000 {
                for (kind, resource) in left {
                    progress.note("\(label(kind, resource)) is still \(resource.state); the server goes on removing it")
                }
                isWell = false
                return isWell
            }
        }
        throw CancellationError()
    }

    private func label(_ kind: Lookup.Kind, _ resource: JSONObject) -> String {
        "\(kind.rawValue) \(resource.displayName) (\(resource.id))"
    }
}
