import Model
import RBAC
import Testing

struct ProjectionTests {
    private func projection(_ who: Who, in scope: AccessScope) -> Projection {
        RBAC.projection(for: who.subject, in: scope, bindings: who.bindings)
    }

    @Test func `owners may make system stacks, others may not`() {
        let five: AccessScope = .environment(5)
        for who in [Who.admin, .owner] {
            #expect(projection(who, in: five).creatableFields("stack").contains("system"))
            #expect(projection(who, in: five).updatableFields("stack").contains("system"))
        }
        for who in [Who.member, .projectKey] {
            #expect(!projection(who, in: five).creatableFields("stack").contains("system"))
            #expect(!projection(who, in: five).updatableFields("stack").contains("system"))
            #expect(projection(who, in: five).readableFields("stack").contains("system"))
            #expect(projection(who, in: five).creatableFields("stack").contains("name"))
        }
    }

    @Test func `only administrators choose the halves and the owner of a key`() {
        let chosen: Set<String> = ["publicValue", "secretValue", "accountId"]
        #expect(projection(.admin, in: .cluster).creatableFields("apiKey").isSuperset(of: chosen))
        for (who, scope) in [(Who.owner, AccessScope.cluster), (.owner, .environment(5)), (.admin, .environment(5))] {
            let fields: Set<String> = projection(who, in: scope).creatableFields("apiKey")
            #expect(fields.isDisjoint(with: chosen))
            #expect(fields.contains("name"))
            #expect(projection(who, in: scope).readableFields("apiKey").isSuperset(of: chosen))
        }
    }

    @Test func `the parts of visible types are visible, and no others`() {
        let member: Projection = projection(.member, in: .environment(5))
        for name in [
            "launchConfig", "instanceHealthCheck", "ulimit", "hostAccess", "containerLogs", "instanceStop", "error",
        ] {
            #expect(member[name] != nil, "\(name)")
        }
        for name in ["register", "identity"] { #expect(member[name] == nil, "\(name)") }
        #expect(member["account"]?.collectionMethods == [.get] && member.actions("account").isEmpty)
        let stranger: Projection = projection(.stranger, in: .cluster)
        for name in ["service", "launchConfig", "host", "register", "subscribe"] {
            #expect(stranger[name] == nil, "\(name)")
        }
        #expect(stranger["project"]?.collectionMethods == [.get, .post])
        // Clients read this before they make their first environment, and not again after it.
        #expect(stranger["project"]?.resourceMethods == [.get, .put, .delete])
        #expect(stranger.actions("project").isSuperset(of: ["activate", "deactivate", "remove", "setmembers"]))
        #expect(stranger["projectMember"]?.resourceMethods == [.get])
        #expect(stranger.updatableFields("project").isSuperset(of: ["name", "description"]))
        #expect(projection(.projectKey, in: .cluster)["project"]?.resourceMethods == [.get])
        #expect(projection(.readAdmin, in: .cluster)["project"]?.resourceMethods == [.get])
        #expect(projection(.nobody, in: .cluster).visibleTypes.isEmpty)
        #expect(projection(.registration, in: .cluster).visibleTypes == ["register"])
    }

    @Test func `methods and actions follow the rules`() {
        let member: Projection = projection(.member, in: .environment(5))
        #expect(member["service"]?.collectionMethods == [.get, .post])
        #expect(member["service"]?.resourceMethods == [.get, .put, .delete])
        #expect(
            member.actions("service") == ["activate", "deactivate", "remove", "restart", "setservicelinks", "update"]
        )
        #expect(member["account"]?.collectionMethods == [.get] && member["account"]?.resourceMethods == [.get])
        #expect(member["project"]?.resourceMethods == [.get])
        #expect(member.actions("project").isEmpty)
        #expect(member["registrationToken"]?.resourceMethods == [.get])
        #expect(member["subscribe"]?.collectionMethods == [.get])
        #expect(projection(.owner, in: .environment(5))["project"]?.resourceMethods == [.get, .put, .delete])
        #expect(projection(.admin, in: .cluster)["subscribe"] == nil)
    }

    @Test func `equal rights are one class, and have one projection`() {
        var byClass: [String: [String]] = [:]
        for who in Who.allCases {
            for scope in [AccessScope.cluster, .environment(5), .environment(6)] {
                let name: String = RBAC.rightsClass(of: who.subject, in: scope, bindings: who.bindings)
                let projection: Projection = projection(who, in: scope)
                let text: [String] = projection.visibleTypes.map { type in
                    let access: TypeAccess? = projection[type]
                    return "\(type) \(access?.collectionMethods ?? []) \(access?.resourceMethods ?? []) "
                        + "\(access?.readable.sorted() ?? []) \(access?.creatable.sorted() ?? []) "
                        + "\(access?.updatable.sorted() ?? []) \(access?.actions.sorted() ?? [])"
                }
                if let known: [String] = byClass[name] { #expect(known == text, "\(name)") }
                byClass[name] = text
            }
        }
        #expect(byClass.count > 6)
    }

    @Test func `a denying rule with fields takes only those`() {
        let role = Role(
            "blind",
            rules: [
                Rule(.deny, [.any], on: ["service"], fields: ["metadata": .all, "scale": [.update]])
            ]
        )
        let bindings: [Binding] = Who.owner.bindings + [Binding(role, to: .account(2), in: .environment(5))]
        let projection: Projection = RBAC.projection(for: Who.owner.subject, in: .environment(5), bindings: bindings)
        #expect(!projection.readableFields("service").contains("metadata"))
        #expect(projection.readableFields("service").contains("scale"))
        #expect(projection.creatableFields("service").contains("scale"))
        #expect(!projection.updatableFields("service").contains("scale"))
        #expect(projection["service"]?.resourceMethods == [.get, .put, .delete])
    }
}
