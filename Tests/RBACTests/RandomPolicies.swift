import JSON
import RBAC
import TestSupport

/// Policies and requests that meet each other often.
enum RandomPolicies {
    static let verbs: [Verb] = [
        .list, .get, .create, .update, .delete, .subscribe, .action("remove"), .action("logs"), .escalate,
    ]
    static let types: [String] = [
        "service", "stack", "instance", "container", "project", "projectMember", "apiKey", "accessRole", "host",
    ]
    private static let patterns: [VerbPattern] =
        [.any, .any, .any, .any, .anyAction, .anyActionBut("logs")] + verbs.map { .only($0) }
    private static let typePatterns: [String] = types + ["*", "*", "*", "*", "*public", "credential", "=instance"]
    private static let conditions: [[Condition]] = [
        [], [], [], [], [Condition("name", .equals("a"))], [Condition("id", .isAccount)],
        [Condition("id", .isEnvironment)], [Condition("name", .prefix("a"))],
        [Condition("labels.tier", .equals("front"))],
        [Condition("name", .oneOf(["a", "b"])), Condition("accountId", .isAccount)],
        [Condition("creatorId", .isAccount)],
        [Condition("sharedWith", .namesCaller)], [Condition("accountId", .exists)], [Condition("creatorId", .isNull)],
        [Condition("capAdd", .isNotEmpty)],
    ]
    private static let constraints: [[Constraint]] = [
        [], [], [], [], [Constraint("privileged", "false")].compactMap(\.self),
        [Constraint("imagePrefix", "reg/"), Constraint("capAdd", "false")].compactMap(\.self),
    ]
    private static let numbers: [Set<UInt64>?] = [nil, nil, nil, nil, [1, 2]]
    private static let fields: [[String: FieldPermissions]] = [
        [:], [:], [:], [:], ["name": .read], ["*": [], "name": .all],
    ]
    private static let scopes: [BindingScope] = [
        .cluster, .environment(5), .environment(6), .anyEnvironment, .everywhere(federation: false),
        .object(type: "service", number: 1), .object(type: "instance", number: 2, environment: 5),
        .stack(1, environment: 5), .stack(2, environment: 6),
    ]
    private static let subjects: [SubjectPattern] = [
        .account(2), .account(2), .account(3), .kind(.user), .credential(8), .outside("team:a"),
    ]

    static func rule(_ random: inout Seeded) -> Rule {
        func pick<T>(_ list: [T]) -> T { list[Int.random(in: 0..<list.count, using: &random)] }
        let effect: Rule.Effect = pick([.allow, .allow, .allow, .allow, .deny])
        return Rule(
            effect,
            [pick(patterns), pick(patterns)],
            on: [pick(typePatterns)],
            where: pick(conditions),
            numbers: pick(numbers),
            fields: pick(fields),
            constraints: effect == .allow ? pick(constraints) : []
        )
    }

    static func bindings(_ random: inout Seeded) -> [Binding] {
        var roles: [Role] = []
        return (0..<Int.random(in: 1...5, using: &random)).map { index in
            // Some bindings give a role that another one gives, too.
            if roles.isEmpty || Int.random(in: 0..<4, using: &random) > 0 {
                let rules: [Rule] = (0..<Int.random(in: 1...4, using: &random)).map { _ in rule(&random) }
                roles.append(Role("r\(roles.count)", rules: rules))
            }
            return Binding(
                roles[Int.random(in: 0..<roles.count, using: &random)],
                to: subjects[Int.random(in: 0..<subjects.count, using: &random)],
                in: scopes[Int.random(in: 0..<scopes.count, using: &random)],
                number: Bool.random(using: &random) ? UInt64(index) : nil
            )
        }
    }

    static func request(_ random: inout Seeded) -> AccessRequest {
        func pick<T>(_ list: [T]) -> T { list[Int.random(in: 0..<list.count, using: &random)] }
        let type: String = pick(types)
        var object: AccessObject?
        if Int.random(in: 0..<4, using: &random) > 0 {
            var members: JSONObject = ["name": .string(pick(["a", "b", "c"])), "accountId": pick([2, 3, 5, nil])]
            members["creatorId"] = pick([2, 3, nil])
            members["stackId"] = pick([1, 2, nil])
            members["labels"] = ["tier": .string(pick(["front", "back"]))]
            members["sharedWith"] = pick([
                nil, [["externalIdType": "rancher_id", "externalId": "1a2"]],
                [["externalIdType": "team", "externalId": "a"]], [["credentialId": 8]],
            ])
            members["capAdd"] = pick([nil, [], ["NET_ADMIN"]])
            members["launchConfig"] = pick([
                nil, ["privileged": true], ["imageUuid": "docker:reg/x"], ["imageUuid": "y"],
            ])
            object = AccessObject(
                pick([type, type, "container"]),
                number: pick([nil, 1, 2, 5, 6]),
                environment: pick([nil, 5, 5, 5, 5, 6]),
                members: members
            )
        }
        var subject = Subject(.user, accountID: pick([2, 3]), credentialID: pick([nil, 8]))
        subject.identities = pick([[], ["team:a"]])
        return AccessRequest(
            subject,
            pick(verbs),
            type,
            in: pick([.cluster, .environment(5), .environment(5), .environment(5), .environment(6)]),
            object: object
        )
    }
}
