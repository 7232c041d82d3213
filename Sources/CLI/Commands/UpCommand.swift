internal import Compose
internal import EventLoop
internal import JSON

/// Takes compose files to running containers.
enum UpCommand {
    static let command = Command(
        "up",
        summary: "deploy the services of compose files and wait until they are well",
        details: """
            Reads docker-compose.yml, docker-compose.yaml, compose.yml or compose.yaml and the rancher-compose.yml beside it.
            The stack is called like the folder. Services that run already are left running; scale and metadata are brought
            up to date. Afterwards the output of the containers is followed: ctrl-C ends that, and the stack keeps running.
            """,
        options: [
            OptionSpec("detach", short: "d", "end when the services are well"),
            OptionSpec("file", short: "f", value: "FILE", "a compose file; several add up in their order"),
            OptionSpec("stack", short: "s", value: "NAME", "the stack's name"),
            OptionSpec("plan", "print what would be done and do nothing"),
            OptionSpec("timeout", value: "SECONDS", "give up when nothing changes for so long (600)"),
        ],
        run: run
    )

    private static func run(_ invocation: Invocation) async throws -> Int32 {
        try invocation.refuseOperands()
        let timeout: Int? = try invocation.arguments.count("timeout")
        let input: ComposeInput = try .find(invocation)
        let name: String = try input.stackName(invocation)
        let wanted: [ComposeService] = try services(input, invocation)
        return try await invocation.withProject { project in
            let up = Up(invocation: invocation, project: project, name: name, wanted: wanted, timeout: timeout)
            return try await up.run()
        }
    }

    /// The services of the files; what is wrong with those is printed.
    private static func services(_ input: ComposeInput, _ invocation: Invocation) throws -> [ComposeService] {
        let read: ComposeProject = .read(input.files, variables: invocation.environment) { TextFile.read($0) }
        for diagnostic in read.diagnostics { invocation.console.note("\(diagnostic)".printable) }
        guard !read.hasErrors else {
            let count: Int = read.diagnostics.count { $0.severity == .error }
            throw CommandFailure(
                "\(count == 1 ? "one error" : "\(count) errors") in the compose files; nothing was changed"
            )
        }
        guard !read.services.isEmpty else {
            throw CommandFailure("there is no service in \(input.files.map(\.name).joined(separator: ", "))")
        }
        return read.services
    }
}

/// One run of `up`.
private struct Up {
    let invocation: Invocation
    let project: Project
    let name: String
    let wanted: [ComposeService]
    let timeout: Int?

    private var console: Console { invocation.console }

    func run() async throws -> Int32 {
        let progress = Progress(console: console, names: wanted.map(\.name))
        let patience = Patience { progress.note($0) }
        let deployment = Deployment(project: project, patience: patience)
        let plan: UpPlan = try await patience.run {
            let stack: JSONObject? = try await deployment.stack(named: name)
            let existing: [JSONObject] = try await deployment.services(of: stack)
            return UpPlan(stackName: stack?.displayName ?? name, stack: stack, existing: existing, wanted: wanted)
        }
        if invocation.arguments.has("plan") {
            show(plan)
            return 0
        }
        guard plan.obstacles.isEmpty else {
            for obstacle in plan.obstacles { console.note(obstacle) }
            throw CommandFailure("nothing was changed; remove those services first, or deploy under another --stack")
        }
        let deployed: [JSONObject]
        do {
            deployed = try await deploy(plan, deployment, progress)
        } catch is CancellationError {
            console.note("interrupted: what was begun goes on; 'drover up' again, or 'drover ps' to see how it stands")
            return 1
        }
        if !invocation.arguments.has("detach") { await followLogs(of: deployed) }
        return 0
    }

    private func show(_ plan: UpPlan) {
        switch invocation.output {
        case .table:
            console.write(plan.table.text(width: console.columns(), colour: false))
            console.note("\(plan.summary); nothing was done")
        case .json, .yaml: invocation.show(plan.document)
        }
    }

    private func deploy(
        _ plan: UpPlan,
        _ deployment: Deployment,
        _ progress: Progress
    ) async throws -> [JSONObject] {
        let stack: JSONObject
        if let existing: JSONObject = plan.stack {
            stack = existing
        } else {
            stack = try await deployment.makeStack(plan.stackName)
            progress.note("created the stack \(stack.displayName) (\(stack.id))")
        }
        if plan.changesNothing { progress.note("nothing to change in the stack \(stack.displayName)") }
        var services: [JSONObject] = []
        for (service, step) in plan.steps {
            do {
                services.append(try await deployment.carryOut(step, for: service, in: stack))
            } catch let fault as APIFault where !fault.isTransient {
                throw CommandFailure("\(service.place.file):\(service.place.line): \(service.name): \(fault)")
            }
            progress.update(service.name, ServiceWait.text(services[services.count - 1]))
        }
        var wait = ServiceWait(project: project, patience: deployment.patience, progress: progress)
        if let timeout { wait.idleSeconds = timeout }
        let outcome: ServiceWait.Outcome = try await wait.run(services)
        guard outcome.failures.isEmpty else {
            try await tellFailures(outcome)
            throw CommandFailure("the stack \(stack.displayName) is not well; what runs keeps running")
        }
        let settled: [JSONObject] = try await withEndpoints(outcome.services)
        tellSuccess(settled, stack)
        return settled
    }

    /// Says which services failed and why, with the containers that are in trouble.
    private func tellFailures(_ outcome: ServiceWait.Outcome) async throws {
        for (service, reason) in outcome.failures {
            console.note("\(service.displayName) (\(service.id)) failed: \(reason)")
            let containers: [JSONObject] =
                (try? await project.list("containers", [("stackId", service.text("stackId") ?? "")])) ?? []
            for container in containers where container.serviceIDs.contains(service.id) {
                let isWell: Bool = container.transitioning != "error" && container.shownState == "running"
                guard !isWell else { continue }
                let message: String = container.message.isEmpty ? "" : ": \(container.message)"
                console.note("  \(container.displayName) (\(container.id)) is \(container.shownState)\(message)")
            }
            console.note("  'drover explain \(service.id)' says more")
        }
    }

    /// Addresses are known a moment after the containers run.
    private func withEndpoints(_ services: [JSONObject]) async throws -> [JSONObject] {
        var services: [JSONObject] = services
        let deadline: Deadline = .after(seconds: 2)
        func isIncomplete(_ service: JSONObject) -> Bool {
            service["launchConfig"]?["ports"]?.array?.isEmpty == false && service.endpoints.isEmpty
                && service["currentScale"]?.int != 0
        }
        while services.contains(where: isIncomplete), !deadline.isPast {
            try await Task.sleep(for: .milliseconds(200))
            for index in services.indices where isIncomplete(services[index]) {
                if let current: JSONObject = try? await project.get("services", services[index].id) {
                    services[index] = current
                }
            }
        }
        return services
    }

    private func tellSuccess(_ services: [JSONObject], _ stack: JSONObject) {
        guard invocation.output == .table else {
            return invocation.show(.array(services.map { .object($0.withoutLinks) }))
        }
        for service in services {
            let answers: String =
                service.endpoints.isEmpty ? "" : ", answers at \(service.endpoints.joined(separator: ", "))"
            console.line("\(stack.displayName)/\(service.displayName): \(ServiceWait.text(service))\(answers)")
        }
    }

    private func followLogs(of services: [JSONObject]) async {
        do {
            let ids: Set<String> = Set(services.map(\.id))
            let containers: [JSONObject] = try await project.list("containers").filter {
                !ids.isDisjoint(with: $0.serviceIDs) && $0["actions"]?["logs"] != nil
            }
            console.note("following the output of \(containers.count) containers; ctrl-C leaves the stack running")
            let follower = LogFollower(project: project, console: console, options: LogFollower.Options(follow: true))
            try await follower.run(containers)
        } catch is CancellationError {
        } catch {
            console.fail("\(error)")
        }
        console.note("\nthe stack \(name) keeps running; 'drover rm --type stack \(name)' removes it")
    }
}
