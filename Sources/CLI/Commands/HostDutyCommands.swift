internal import EventLoop
internal import JSON
internal import Limits

/// Takes hosts out of use and into it again.
enum HostDutyCommands {
    static let evacuate = command(
        "evacuate",
        summary: "take hosts out of use and have their containers made elsewhere; wait until they are empty",
        details: """
            Before maintenance of a machine. Its containers, but those of the system, are removed, and services make others on the
            hosts that are left. A container that no service made is not made again. 'drover hosts activate' takes the host into
            use again.
            """,
        done: "inactive",
        isEmpty: true
    )

    static let deactivate = command(
        "deactivate",
        summary: "let hosts get no new containers; those that they have run on",
        done: "inactive"
    )

    static let activate = command("activate", summary: "let hosts get containers again", done: "active")

    private static func command(
        _ action: String,
        summary: String,
        details: String = "",
        done: String,
        isEmpty: Bool = false
    ) -> Command {
        Command(
            "hosts \(action)",
            operands: "HOST…",
            summary: summary,
            details: details,
            options: [OptionSpec("detach", short: "d", "do not wait")]
        ) { invocation in
            try await run(invocation, action) { host in
                host.state == done && (!isEmpty || host["instanceIds"]?.array?.isEmpty ?? true)
            }
        }
    }

    private static func run(
        _ invocation: Invocation,
        _ action: String,
        until isDone: (JSONObject) -> Bool
    ) async throws -> Int32 {
        let names: [String] = invocation.arguments.operands
        guard !names.isEmpty else { throw CommandFailure.usage("say which host: 'drover hosts' lists them") }
        return try await invocation.withProject { project in
            let progress = Progress(console: invocation.console, names: [])
            let patience = Patience { progress.note($0) }
            // All are found before any is changed.
            var hosts: [JSONObject] = []
            for name in names {
                let host: JSONObject = try await Lookup(project: project).one(name, [.host]).resource
                if !hosts.contains(where: { $0.id == host.id }) { hosts.append(host) }
            }
            for host in hosts where !isDone(host) {
                let changed: JSONObject = try await patience.run {
                    guard let current: JSONObject = try await project.get("hosts", host.id) else { return host }
                    // It may have come through, though nobody heard so.
                    return current["actions"]?[action] == nil && current.state != host.state
                        ? current : try await project.act(action, on: current)
                }
                progress.update(host.displayName, text(changed))
            }
            if invocation.arguments.has("detach") { return 0 }
            do {
                return try await wait(for: hosts, project, patience, progress, isDone) ? 0 : 1
            } catch is CancellationError {
                invocation.console.note("interrupted: what was begun goes on")
                return 1
            }
        }
    }

    /// False when nothing changed for too long.
    private static func wait(
        for hosts: [JSONObject],
        _ project: Project,
        _ patience: Patience,
        _ progress: Progress,
        _ isDone: (JSONObject) -> Bool
    ) async throws -> Bool {
        var left: [JSONObject] = hosts
        var seen: [String: String] = [:]
        var deadline: Deadline = .after(seconds: Limits.clientWaitSeconds)
        while true {
            var still: [JSONObject] = []
            for host in left {
                let current: JSONObject = try await patience.run { try await project.get("hosts", host.id) } ?? host
                let said: String = text(current)
                progress.update(host.displayName, said)
                if seen.updateValue(said, forKey: host.id) != said {
                    deadline = .after(seconds: Limits.clientWaitSeconds)
                }
                if !isDone(current) { still.append(current) }
            }
            left = still
            if left.isEmpty { return true }
            guard !deadline.isPast else {
                for host in left {
                    progress.note("\(host.displayName) is still \(text(host)): 'drover explain \(host.id)' says why")
                }
                return false
            }
            try await Task.sleep(for: .milliseconds(200))
        }
    }

    private static func text(_ host: JSONObject) -> String {
        let count: Int = host["instanceIds"]?.array?.count ?? 0
        return "\(host.state), \(count) container\(count == 1 ? "" : "s")"
    }
}
