import JSON
import Model
import RBAC
import Store
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
    /// What ``bindings`` say about a type, by type.
    private let policies = Mutex<[String: KnownPolicy]>([:])
    /// The fields of single objects that are not shown, by the rules that speak of the object.
    private let hidden = Mutex<[HiddenKey: Set<String>]>([:])

    private struct KnownPolicy {
        var policy: TypePolicy
        var asksForSharing: Bool
        var hasFieldsByObject: Bool
        var dependsOnObject: Bool
    }

    private struct HiddenKey: Hashable {
        var type: String
        var access: FieldAccess
    }
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

    /// The types that the caller could list in an environment that it may enter, by the parts of their addresses.
    func listable(in environment: UInt64) -> [ResourceDefinition] {
        guard subject.kind != .project || subject.accountID == environment else { return [] }
        let there: Projection = ProjectionCache.shared.projection(
            for: subject,
            in: .environment(environment),
            bindings: bindings
        )
        return there.visibleTypes.compactMap { name in
            guard there[name]?.collectionMethods.contains(.get) == true else { return nil }
            return Schemas.definition(name)
        }
    }

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
    ///
    /// - Parameter view: the state that the object is of.
    func decide(_ verb: Verb, _ resource: Resource, in view: StoreView) -> Decision {
        decide(verb, resource.definition.name, object(resource, in: view))
    }

    /// As ``decide(_:_:in:)``, without the words for a refusal: for what is done for each row of a list.
    func may(_ verb: Verb, _ resource: Resource, in view: StoreView) -> Bool {
        let name: String = resource.definition.name
        return RBAC.verdict(
            AccessRequest(subject, verb, name, in: scope, object: object(resource, in: view)),
            policy(name).policy
        ).isAllowed
    }

    /// What rules look at of a resource: with how its stack is shared, where one of them asks.
    func object(_ resource: Resource, in view: StoreView) -> AccessObject {
        var object = AccessObject(resource)
        if policy(resource.definition.name).asksForSharing { StackSharing.add(to: &object, in: view) }
        return object
    }

    private func policy(_ type: String) -> KnownPolicy {
        if let known: KnownPolicy = policies.withLock({ $0[type] }) { return known }
        let policy = TypePolicy(type, bindings, for: subject)
        let made = KnownPolicy(
            policy: policy,
            asksForSharing: policy.asksForSharing,
            hasFieldsByObject: policy.hasFieldsByObject,
            dependsOnObject: policy.dependsOnObject
        )
        policies.withLock { $0[type] = made }
        return made
    }

    /// The fields of this object that others of its type show the caller, and it does not.
    func hiddenFields(of resource: Resource, in view: StoreView) -> Set<String> {
        let definition: ResourceDefinition = resource.definition
        let known: KnownPolicy = policy(definition.name)
        guard known.hasFieldsByObject else { return [] }
        let request = AccessRequest(subject, .get, definition.name, in: scope, object: object(resource, in: view))
        let key = HiddenKey(type: definition.name, access: known.policy.fieldAccess(request, [.get, .list]))
        if let found: Set<String> = hidden.withLock({ $0[key] }) { return found }
        let made: Set<String> = Set(definition.fields.map(\.name).filter { !key.access.gives(.read, of: $0) })
        hidden.withLock { $0[key] = made }
        return made
    }

    /// Whether what the caller may do with an object of the type depends on what is in it.
    func dependsOnObject(_ type: String) -> Bool { policy(type).dependsOnObject }

    /// Whether some objects of the type show less than others.
    func hidesFieldsByObject(_ type: String) -> Bool { policy(type).hasFieldsByObject }

    /// Whether the caller may set the field of this object, which others of its type may let it set.
    func mayUpdate(_ field: FieldDefinition, of resource: Resource, in view: StoreView) -> Bool {
        let definition: ResourceDefinition = resource.definition
        guard mayUpdate(field, of: definition) else { return false }
        let known: KnownPolicy = policy(definition.name)
        guard known.hasFieldsByObject else { return true }
        let request = AccessRequest(subject, .get, definition.name, in: scope, object: object(resource, in: view))
        return known.policy.fieldAccess(request, [.update]).gives(.update, of: field.name)
    }

    /// Whether the rules that allow a request give the field, too.
    func gives(_ letter: FieldPermissions, of field: String, _ request: AccessRequest) -> Bool {
        let verbs: [Verb] = letter == .read ? [.get, .list] : [request.verb]
        return policy(request.object?.type ?? request.type).policy.fieldAccess(request, verbs).gives(letter, of: field)
    }

    /// Of objects inside others, the fields that are not shown to the caller.
    func hiddenParts(_ schema: String) -> Set<String> { projection.hiddenParts(schema) }

    /// Whether there can be an object on which the verb is allowed.
    func canEver(_ verb: Verb, _ type: String) -> Bool {
        RBAC.verdict(AccessRequest(subject, verb, type, in: scope), policy(type).policy).isAllowed
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

    /// Whether lists of accounts have everybody's (`list.all.accounts`).
    var seesAllAccounts: Bool {
        [.admin, .readAdmin, .service, .superadmin].contains(subject.kind) && scope == .cluster
    }

    /// Keys with chosen owners are for those who administer every account.
    var administersAccounts: Bool {
        RBAC.canEver(subject, .create, "account", in: .cluster, bindings: bindings)
    }

    /// Decides on something that is not stored: one that is about to be created, or a type that has no records.
    func decide(_ verb: Verb, _ type: String, _ object: AccessObject? = nil) -> Decision {
        RBAC.decide(
            AccessRequest(subject, verb, type, in: scope, object: object),
            policy(object?.type ?? type).policy,
            bindings: bindings
        )
    }

    /// The rights of these rules that the caller does not have itself.
    func missing(_ rules: [Rule], in place: Escalation.Place) -> [Escalation.Missing] {
        Escalation.missing(rules, in: place, holder: subject, bindings: bindings)
    }
}

extension AccessObject {
    /// The object that rules look at.
    init(_ resource: Resource) {
        self.init(resource.definition, number: resource.number, resource.values)
    }

    /// - Parameter number: nil for an object that is about to be created.
    init(_ definition: ResourceDefinition, number: UInt64?, _ members: JSONObject) {
        let environment: UInt64? =
            definition.isEnvironmentScoped
            ? members[definition.environmentMember]?.int.flatMap { UInt64(exactly: $0) } : nil
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
