internal import Compose
internal import EventLoop
internal import JSON
internal import Limits

/// Carries out a plan.
///
/// Every step may be repeated: what is to be created is looked for first.
struct Deployment {
    let project: Project
    let patience: Patience

    /// The stack of that name, whatever its case; nil when there is none, or it is being removed.
    func stack(named name: String) async throws -> JSONObject? {
        let exact: [JSONObject] = try await project.list("stacks", [("name", name)])
        let all: [JSONObject] = exact.isEmpty ? try await project.list("stacks") : exact
        return all.first { $0.displayName.lowercased() == name.lowercased() && !Self.isGoing($0) }
    }

    func services(of stack: JSONObject?) async throws -> [JSONObject] {
        guard let stack else { return [] }
        return try await project.list("services", [("stackId", stack.id)])
    }

    /// Makes the stack unless it is there.
    func makeStack(_ name: String) async throws -> JSONObject {
        try await untilNameIsFree { [self] in
            if let stack: JSONObject = try await stack(named: name) { return stack }
            return try await project.create("stacks", ["name": .string(name)])
        }
    }

    /// Does one step; returns the service as it is then.
    func carryOut(_ step: UpPlan.Step, for service: ComposeService, in stack: JSONObject) async throws -> JSONObject {
        switch step {
        case .create, .unchanged, .needsUpgrade:
            return try await untilNameIsFree { [self] in
                if let existing: JSONObject = try await existing(service.name, stack) { return existing }
                var body: JSONObject = service.service
                body["stackId"] = .string(stack.id)
                return try await project.create("services", body)
            }
        case .update(let members, let activate, _):
            return try await patience.run { [self] in
                guard var current: JSONObject = try await existing(service.name, stack) else {
                    throw CommandFailure("the service \(service.name) was removed by somebody else; run 'up' again")
                }
                if !members.isEmpty { current = try await project.update(current, members) }
                if activate, current["actions"]?["activate"] != nil {
                    current = try await project.act("activate", on: current)
                }
                return current
            }
        }
    }

    private func existing(_ name: String, _ stack: JSONObject) async throws -> JSONObject? {
        try await services(of: stack).first { $0.displayName.lowercased() == name.lowercased() && !Self.isGoing($0) }
    }

    private static func isGoing(_ resource: JSONObject) -> Bool {
        ["removing", "removed", "purging", "purged"].contains(resource.state)
    }

    /// A name stays taken until its old bearer is gone.
    private func untilNameIsFree(_ step: () async throws -> JSONObject) async throws -> JSONObject {
        let deadline: Deadline = .after(seconds: Limits.clientErrorTotalSeconds)
        while true {
            do {
                return try await patience.run(step)
            } catch APIFault.refused(let refusal) where refusal.code == "NotUnique" && !deadline.isPast {
                try await Task.sleep(for: .milliseconds(500))
            }
        }
    }
}
