import JSON
import Model
import RBAC
import StoreFormat
import Synchronization

/// What the caller may do in the scope of the request: every question about rights goes through here to RBAC.
///
/// A class only because it is many fields wide and kept with the caller; nothing in one ever changes but what it has
/// worked out.
final class Rights: Sendable {
    let subject: Subject
    let scope: AccessScope
    private let bindings: [Binding]
    private let projection: Projection
    /// ``bindings`` with the rules that speak of a type, by type.
    private let narrowed = Mutex<[String: [Binding]]>([:])
    /// By type; see ``visibleFields(of:)``.
    private let visible = Mutex<[String: [FieldDefinition]]>([:])

    /// Nobody's, at the root.
    static let none = Rights(caller: .nobody, project: nil)

    init(caller: Caller, project: UInt64?) {
        subject = caller.subject
        scope = project.map { .environment($0) } ?? .cluster
        bindings = Binding.standing(of: caller.subject)
        projection = ProjectionCache.shared.projection(for: caller.subject, in: scope, bindings: bindings)
    }

    // MARK: What exists for the caller

    func sees(_ definition: ResourceDefinition) -> Bool { projection[definition.name] != nil }

    var visibleTypes: [ResourceDefinition] { projection.visibleTypes.compactMap { Schemas.definition($0) } }

    func visibleFields(of definition: ResourceDefinition) -> [FieldDefinition] {
        if let known: [FieldDefinition] = visible.withLock({ $0[definition.name] }) { return known }
        guard let access: TypeAccess = projection[definition.name] else { return [] }
        let fields: [FieldDefinition] = definition.fields.filter { access.readable.contains($0.name) }
        visible.withLock { $0[definition.name] = fields }
        return fields
    }

    func collectionMethods(of definition: ResourceDefinition) -> [ResourceMethod] {
        projection[definition.name]?.collectionMethods ?? []
    }

    func resourceMethods(of definition: ResourceDefinition) -> [ResourceMethod] {
        projection[definition.name]?.resourceMethods ?? []
    }

    func mayCreate(_ field: FieldDefinition, of definition: ResourceDefinition) -> Bool {
        projection[definition.name]?.creatable.contains(field.name) ?? false
    }

    func mayUpdate(_ field: FieldDefinition, of definition: ResourceDefinition) -> Bool {
        projection[definition.name]?.updatable.contains(field.name) ?? false
    }

    func mayAct(_ action: String, on definition: ResourceDefinition) -> Bool {
        projection[definition.name]?.actions.contains(action) ?? false
    }

    // MARK: Single objects

    /// Decides on an object as it is stored.
    func decide(_ verb: Verb, _ resource: Resource) -> Decision {
        RBAC.decide(
            AccessRequest(subject, verb, resource.definition.name, in: scope, object: AccessObject(resource)),
            bindings: bindings(about: resource.definition.name)
        )
    }

    /// Those of the bindings that matter for a decision about the type, with no other rules: the decision is the same.
    private func bindings(about type: String) -> [Binding] {
        if let known: [Binding] = narrowed.withLock({ $0[type] }) { return known }
        let made: [Binding] = RBAC.narrowed(bindings, to: subject, type)
        narrowed.withLock { $0[type] = made }
        return made
    }

    func may(_ verb: Verb, _ resource: Resource) -> Bool { decide(verb, resource).isAllowed }

    /// Whether there can be an object on which the verb is allowed.
    func canEver(_ verb: Verb, _ type: String) -> Bool {
        RBAC.canEver(subject, verb, type, in: scope, bindings: bindings)
    }

    /// Decides about a host's own stream.
    func mayStream(host: UInt64) -> Bool {
        RBAC.decide(
            AccessRequest(
                subject,
                .subscribe,
                StaticRoles.hostStream,
                in: .cluster,
                object: AccessObject(StaticRoles.hostStream, members: ["hostId": JSONValue(host)])
            ),
            bindings: bindings
        ).isAllowed
    }

    /// Whether the caller may act in the environment of this scope at all.
    var mayEnterProject: Bool {
        if case .environment(let number) = scope, subject.kind == .project { return subject.accountID == number }
        return canEver(.list, "schema")
    }

    /// Keys with chosen owners are for those who administer every account.
    var administersAccounts: Bool {
        RBAC.canEver(subject, .create, "account", in: .cluster, bindings: bindings)
    }

    /// Decides on something that is not stored: one that is about to be created, or a type that has no records.
    func decide(_ verb: Verb, _ type: String, _ object: AccessObject? = nil) -> Decision {
        RBAC.decide(AccessRequest(subject, verb, type, in: scope, object: object), bindings: bindings)
    }
}

extension AccessObject {
    /// The object that rules look at.
    init(_ resource: Resource) {
        self.init(resource.definition, number: resource.number, resource.values)
    }

    /// - Parameter number: nil for an object that is about to be created.
    init(_ definition: ResourceDefinition, number: UInt64?, _ members: JSONObject) {
        let owner: String = definition.table == .projectMember ? "projectId" : "accountId"
        let environment: UInt64? =
            definition.isEnvironmentScoped ? members[owner]?.int.flatMap { UInt64(exactly: $0) } : nil
        self.init(definition.name, number: number, environment: environment, members: members)
    }
}

/// Projections by class of rights: few classes, many requests.
private final class ProjectionCache: Sendable {
    static let shared = ProjectionCache()
    private let known = Mutex<[String: Projection]>([:])
    /// Classes are made of role names, so there are few; if not, it starts over.
    private static let limit: Int = 256

    func projection(for subject: Subject, in scope: AccessScope, bindings: [Binding]) -> Projection {
        let key: String = RBAC.rightsClass(of: subject, in: scope, bindings: bindings)
        if let found: Projection = known.withLock({ $0[key] }) { return found }
        let made: Projection = RBAC.projection(for: subject, in: scope, bindings: bindings)
        known.withLock { known in
            if known.count >= Self.limit { known.removeAll() }
            known[key] = made
        }
        return made
    }
}
