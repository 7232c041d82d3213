internal import JSON

/// Prints what containers write.
enum LogsCommand {
    static let command = Command(
        "logs",
        operands: "CONTAINER|SERVICE…",
        summary: "print the output of containers",
        details: "Output of several containers has the container's name before each line.",
        options: [
            OptionSpec("follow", short: "f", "keep printing what comes"),
            OptionSpec("tail", value: "N", "begin with the last N lines (100)"),
            OptionSpec("timestamps", short: "t", "print the time of each line"),
        ],
        run: run
    )

    private static func run(_ invocation: Invocation) async throws -> Int32 {
        guard !invocation.arguments.operands.isEmpty else {
            throw CommandFailure.usage("name a container or a service")
        }
        var options = LogFollower.Options(follow: invocation.arguments.has("follow"))
        options.timestamps = invocation.arguments.has("timestamps")
        if let tail: Int = try invocation.arguments.count("tail") { options.lines = tail }
        return try await invocation.withProject { project in
            let containers: [JSONObject] = try await containers(invocation.arguments.operands, project)
            let follower = LogFollower(project: project, console: invocation.console, options: options)
            do {
                try await follower.run(containers)
            } catch is CancellationError where options.follow {
                // How following ends.
            }
            return 0
        }
    }

    private static func containers(_ names: [String], _ project: Project) async throws -> [JSONObject] {
        let lookup = Lookup(project: project)
        var containers: [JSONObject] = []
        var all: [JSONObject]?
        for name in names {
            let (kind, resource): (Lookup.Kind, JSONObject) = try await lookup.one(name, [.container, .service])
            if kind == .container {
                containers.append(resource)
                continue
            }
            let known: [JSONObject]
            if let all { known = all } else { known = try await project.list("containers") }
            all = known
            let own: [JSONObject] = known.filter { $0.serviceIDs.contains(resource.id) }
            if own.isEmpty { throw CommandFailure("the service \(name) has no containers") }
            // One that never was on a host has no output; it must not hide that of the others.
            let printing: [JSONObject] = own.filter { $0["actions"]?["logs"] != nil }
            containers += printing.isEmpty ? own : printing
        }
        var seen: Set<String> = []
        return containers.filter { seen.insert($0.id).inserted }
    }
}
