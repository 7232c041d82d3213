internal import JSON

/// Changes how many containers services have.
enum ScaleCommand {
    static let command = Command(
        "scale",
        operands: "SERVICE=N…",
        summary: "change how many containers services have, and wait for them",
        options: [
            OptionSpec("detach", short: "d", "do not wait"),
            OptionSpec("timeout", value: "SECONDS", "give up when nothing changes for so long (600)"),
        ],
        run: run
    )

    private static func run(_ invocation: Invocation) async throws -> Int32 {
        let wanted: [(name: String, scale: Int64)] = try invocation.arguments.operands.map(parse)
        guard !wanted.isEmpty else { throw CommandFailure.usage("say which service: SERVICE=N") }
        let timeout: Int? = try invocation.arguments.count("timeout")
        return try await invocation.withProject { project in
            let progress = Progress(console: invocation.console, names: [])
            let patience = Patience { progress.note($0) }
            // All are found before any is changed.
            var services: [(service: JSONObject, scale: Int64)] = []
            for (name, scale) in wanted {
                let service: JSONObject = try await Lookup(project: project).one(name, [.service]).resource
                if service.isGlobal {
                    throw CommandFailure(
                        "\(name) is global: it has a container on each host, and no scale; nothing was changed"
                    )
                }
                services.append((service, scale))
            }
            var changed: [JSONObject] = []
            for (service, scale) in services {
                let updated: JSONObject = try await patience.run {
                    try await project.update(service, ["scale": .int(scale)])
                }
                changed.append(updated)
                progress.update(updated.displayName, ServiceWait.text(updated))
            }
            // A service that is stopped gets its containers when it is started.
            let running: [JSONObject] = changed.filter { !$0.state.hasSuffix("inactive") }
            if invocation.arguments.has("detach") || running.isEmpty { return 0 }
            var wait = ServiceWait(project: project, patience: patience, progress: progress)
            if let timeout { wait.idleSeconds = timeout }
            let outcome: ServiceWait.Outcome = try await wait.run(running)
            for (service, reason) in outcome.failures {
                invocation.console.fail("\(service.displayName) (\(service.id)): \(reason)")
            }
            return outcome.failures.isEmpty ? 0 : 1
        }
    }

    private static func parse(_ word: String) throws -> (name: String, scale: Int64) {
        guard let equals = word.lastIndex(of: "="), let scale = Int64(word[word.index(after: equals)...]), scale >= 0,
            equals > word.startIndex
        else { throw CommandFailure.usage("'\(word)' must be SERVICE=N, such as web=3") }
        return (String(word[..<equals]), scale)
    }
}
