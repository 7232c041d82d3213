import JSON
import Model
import RBAC
import Testing

/// Who asks in these tests.
///
/// Environment 5 is theirs, 6 is not.
enum Who: String, CaseIterable, Sendable {
    case superadmin, admin, readAdmin, service, owner, member, restricted, stackowner, stackuser, readonly
    case stranger, projectKey, environment, projectadmin, hostAgent, registration, token, nobody

    var subject: Subject {
        switch self {
        case .superadmin: Subject(.superadmin, accountID: 98)
        case .admin: Subject(.admin, accountID: 1)
        case .readAdmin: Subject(.readAdmin, accountID: 97)
        case .service: Subject(.service, accountID: 96)
        case .owner: Self.member(2, "owner")
        case .member: Self.member(3, "member")
        case .restricted: Self.member(10, "restricted")
        case .stackowner: Self.member(11, "stackowner")
        case .stackuser: Self.member(12, "stackuser")
        case .readonly: Self.member(13, "readonly")
        case .environment: Subject(.environment, accountID: 5)
        case .projectadmin: Subject(.projectadmin, accountID: 5)
        case .token: Subject(.token)
        // A membership in a role that does not exist grants nothing.
        case .stranger: Subject(.user, accountID: 4, memberships: [Subject.Membership(projectID: 5, role: "king")])
        case .projectKey: Subject(.project, accountID: 5)
        case .hostAgent: Subject(.hostAgent, hostID: 7)
        case .registration: Subject(.registration, accountID: 5)
        case .nobody: .anonymous
        }
    }

    private static func member(_ account: UInt64, _ role: String) -> Subject {
        Subject(.user, accountID: account, memberships: [Subject.Membership(projectID: 5, role: role)])
    }

    var bindings: [Binding] { Binding.standing(of: subject) }

    func may(_ verb: Verb, _ type: String, in scope: AccessScope, _ object: AccessObject? = nil) -> Decision {
        RBAC.decide(AccessRequest(subject, verb, type, in: scope, object: object), bindings: bindings)
    }
}

struct PolicyTests {
    static let five: AccessScope = .environment(5)
    static let service = AccessObject("service", number: 42, environment: 5)
    static let foreign = AccessObject("service", number: 43, environment: 6)
    static let project = AccessObject("project", number: 5)
    static let otherProject = AccessObject("project", number: 6)

    struct Row: Sendable {
        var verb: Verb
        var type: String
        var scope: AccessScope
        var object: AccessObject?
        var allowed: Set<Who>

        init(_ verb: Verb, _ type: String, _ scope: AccessScope, _ object: AccessObject? = nil, for allowed: Set<Who>) {
            self.verb = verb
            self.type = type
            self.scope = scope
            self.object = object
            self.allowed = allowed
        }
    }

    /// The others stand in tables of their own.
    static let asked: [Who] = [
        .admin, .owner, .member, .stranger, .projectKey, .hostAgent, .registration, .nobody,
    ]
    static let workers: Set<Who> = [.admin, .owner, .member, .projectKey]

    static let table: [Row] = [
        // Work in an environment.
        Row(.list, "service", five, for: workers),
        Row(.get, "service", five, service, for: workers),
        Row(.create, "service", five, AccessObject("service", environment: 5), for: workers),
        Row(.update, "service", five, service, for: workers),
        Row(.delete, "service", five, service, for: workers),
        Row(.action("activate"), "service", five, service, for: workers),
        Row(.action("logs"), "instance", five, AccessObject("container", number: 9, environment: 5), for: workers),
        Row(.update, "instance", five, AccessObject("instance", number: 9, environment: 5), for: []),
        Row(.update, "host", five, AccessObject("host", number: 7, environment: 5), for: workers),
        Row(.create, "host", five, AccessObject("host", environment: 5), for: []),
        Row(.subscribe, "subscribe", five, for: workers),
        Row(.create, "registrationToken", five, AccessObject("registrationToken", environment: 5), for: workers),
        Row(
            .delete,
            "registrationToken",
            five,
            AccessObject("registrationToken", number: 8, environment: 5),
            for: [.admin, .owner]
        ),
        // An object of another environment is not here, whoever asks.
        Row(.get, "service", five, foreign, for: []),
        // Another environment altogether.
        Row(.list, "service", .environment(6), for: [.admin]),
        Row(.delete, "service", .environment(6), foreign, for: [.admin]),
        // At the root, only administrators see into environments.
        Row(.list, "service", .cluster, for: [.admin]),
        Row(.get, "service", .cluster, service, for: [.admin]),
        // Environments themselves.
        Row(.list, "project", .cluster, for: [.admin, .owner, .member, .stranger, .projectKey]),
        Row(.create, "project", .cluster, AccessObject("project"), for: [.admin, .owner, .member, .stranger]),
        Row(.create, "project", five, AccessObject("project"), for: []),
        Row(.get, "project", .cluster, project, for: workers),
        Row(.get, "project", .cluster, otherProject, for: [.admin]),
        Row(.get, "project", five, project, for: workers),
        Row(.get, "project", five, otherProject, for: []),
        Row(.update, "project", .cluster, project, for: [.admin, .owner]),
        Row(.delete, "project", .cluster, project, for: [.admin, .owner]),
        Row(.action("deactivate"), "project", .cluster, project, for: [.admin, .owner]),
        Row(.update, "project", .cluster, otherProject, for: [.admin]),
        Row(
            .get,
            "projectMember",
            .cluster,
            AccessObject("projectMember", number: 3, environment: 5, members: ["projectId": 5]),
            for: workers
        ),
        // Keys: one's own at the root, the environment's inside.
        Row(
            .create,
            "apiKey",
            .cluster,
            AccessObject("apiKey", members: ["accountId": 2]),
            for: [.admin, .owner]
        ),
        Row(
            .get,
            "apiKey",
            .cluster,
            AccessObject("apiKey", number: 3, members: ["accountId": 3]),
            for: [.admin, .member]
        ),
        Row(.delete, "apiKey", five, AccessObject("apiKey", number: 3, members: ["accountId": 5]), for: workers),
        Row(.delete, "apiKey", five, AccessObject("apiKey", number: 3, members: ["accountId": 2]), for: []),
        // Accounts and settings.
        Row(.get, "account", .cluster, AccessObject("account", number: 2), for: [.admin, .owner]),
        Row(.create, "account", .cluster, AccessObject("account"), for: [.admin]),
        Row(.update, "account", .cluster, AccessObject("account", number: 2), for: [.admin]),
        Row(
            .get,
            "setting",
            .cluster,
            AccessObject("activeSetting", members: ["isPublic": true]),
            for: [.admin, .owner, .member, .stranger]
        ),
        Row(.get, "setting", five, AccessObject("activeSetting", members: ["isPublic": true]), for: workers),
        Row(
            .get,
            "setting",
            .cluster,
            AccessObject("activeSetting", members: ["isPublic": false]),
            for: [.admin]
        ),
        Row(.update, "setting", .cluster, AccessObject("setting", members: ["name": "api.host"]), for: [.admin]),
        // Machines.
        Row(.create, "register", .cluster, for: [.registration]),
        Row(.create, "register", five, for: []),
        Row(.create, "hostCertificate", .cluster, for: [.hostAgent]),
        Row(.create, "hostCertificate", five, for: []),
        Row(
            .subscribe,
            StaticRoles.hostStream,
            .cluster,
            AccessObject(StaticRoles.hostStream, members: ["hostId": 7]),
            for: [.hostAgent]
        ),
        Row(
            .subscribe,
            StaticRoles.hostStream,
            .cluster,
            AccessObject(StaticRoles.hostStream, members: ["hostId": 8]),
            for: []
        ),
        // Subscriptions are per environment, also for administrators.
        Row(.subscribe, "subscribe", .cluster, for: []),
        Row(.get, "schema", .cluster, for: [.admin, .owner, .member, .stranger]),
    ]

    @Test(arguments: table)
    func `decides as the table says`(_ row: Row) {
        for who in Self.asked {
            let decision: Decision = who.may(row.verb, row.type, in: row.scope, row.object)
            #expect(
                decision.isAllowed == row.allowed.contains(who),
                "\(who) \(row.verb) \(row.type) in \(row.scope): \(decision)"
            )
        }
    }

    @Test func `what is ever possible is possible early`() {
        for row in Self.table {
            for who in Self.asked where row.allowed.contains(who) {
                #expect(RBAC.canEver(who.subject, row.verb, row.type, in: row.scope, bindings: who.bindings))
            }
        }
    }

    @Test func `a denial beats every permission`() {
        let deny = Role("no deletes", rules: [Rule(.deny, [.only(.delete)], on: ["service"])])
        let bindings: [Binding] = Who.owner.bindings + [Binding(deny, to: .account(2), in: .environment(5))]
        func decide(_ verb: Verb) -> Decision {
            RBAC.decide(
                AccessRequest(Who.owner.subject, verb, "service", in: Self.five, object: Self.service),
                bindings: bindings
            )
        }
        #expect(!decide(.delete).isAllowed)
        #expect(decide(.update).isAllowed)
        #expect(decide(.delete).description.contains("denied by no deletes in environment 1a5"))
    }

    @Test func `a denial of some objects leaves the others, and lists are looked through`() {
        let deny = Role(
            "hidden",
            rules: [Rule(.deny, [.any], on: ["service"], where: [Condition("name", .prefix("secret-"))])]
        )
        let bindings: [Binding] = Who.owner.bindings + [Binding(deny, to: .account(2), in: .environment(5))]
        func get(_ name: String) -> Bool {
            let object = AccessObject("service", number: 1, environment: 5, members: ["name": .string(name)])
            return RBAC.decide(
                AccessRequest(Who.owner.subject, .get, "service", in: Self.five, object: object),
                bindings: bindings
            ).isAllowed
        }
        #expect(get("web") && !get("secret-web"))
    }

    @Test func `a role for one object, a credential or fixed numbers covers no more`() {
        let scaler = Role("scaler", rules: [Rule(.allow, [.only(.update)], on: ["service"], numbers: [42])])
        let subject = Subject(.user, accountID: 9, credentialID: 70)
        func allowed(_ binding: Binding, _ object: AccessObject?) -> Bool {
            RBAC.decide(AccessRequest(subject, .update, "service", in: Self.five, object: object), bindings: [binding])
                .isAllowed
        }
        let other = AccessObject("service", number: 41, environment: 5)
        let byNumber = Binding(scaler, to: .credential(70), in: .environment(5))
        #expect(allowed(byNumber, Self.service) && !allowed(byNumber, other))
        #expect(!allowed(byNumber, AccessObject("service", environment: 5)))
        #expect(!allowed(Binding(scaler, to: .credential(71), in: .environment(5)), Self.service))
        let whole = Role("whole", rules: [Rule(.allow, [.any], on: ["*"])])
        let byObject = Binding(whole, to: .account(9), in: .object(type: "service", number: 41))
        #expect(allowed(byObject, other) && !allowed(byObject, Self.service))
        #expect(allowed(byObject, nil))
        // The same number of another type is another object.
        #expect(!allowed(byObject, AccessObject("stack", number: 41, environment: 5)))
    }

    @Test func `a refusal names what came nearest`() {
        let decision: Decision = Who.member.may(.update, "project", in: .cluster, Self.project)
        guard case .noRule(let nearest) = decision.reason else {
            Issue.record("\(decision)")
            return
        }
        #expect(nearest.first?.lack == .verb)
        #expect(decision.description.contains("member in environment 1a5"))
        let elsewhere: Decision = Who.member.may(.list, "service", in: .environment(6))
        guard case .noRule(let misses) = elsewhere.reason else {
            Issue.record("\(elsewhere)")
            return
        }
        #expect(misses.first?.lack == .scope)
        #expect(Who.nobody.may(.list, "service", in: Self.five).description == "denied: no rule allows it")
    }

    @Test func `a verb is parsed and spelt alike`() {
        for text in ["list", "get", "create", "update", "delete", "subscribe", "action:restart"] {
            #expect(Verb(text)?.description == text)
        }
        for text in ["", "List", "action:", "action:*", "*"] { #expect(Verb(text) == nil) }
    }
}
