package import Model

/// What a subject can do with a type in a scope: its schema is rendered from this.
package struct TypeAccess: Hashable, Sendable {
    /// Subsets of the definition's, in its order.
    package var collectionMethods: [ResourceMethod]
    package var resourceMethods: [ResourceMethod]
    package var readable: Set<String>
    package var creatable: Set<String>
    package var updatable: Set<String>
    package var actions: Set<String>
}

/// The types, fields and actions that exist for a subject in a scope.
///
/// Conditions of rules on single objects are not in it: what an object itself allows is for ``RBAC/decide(_:bindings:)``.
/// Subjects with the same ``RBAC/rightsClass(of:in:bindings:)`` have the same projection, so it can be kept by that.
package struct Projection: Sendable {
    private let types: [String: TypeAccess]
    /// Alphabetically.
    package let visibleTypes: [String]

    init(types: [String: TypeAccess]) {
        self.types = types
        self.visibleTypes = types.keys.sorted()
    }

    /// nil when the type does not exist for the subject.
    package subscript(type: String) -> TypeAccess? { types[type] }

    package func creatableFields(_ type: String) -> Set<String> { types[type]?.creatable ?? [] }
    package func updatableFields(_ type: String) -> Set<String> { types[type]?.updatable ?? [] }
    package func readableFields(_ type: String) -> Set<String> { types[type]?.readable ?? [] }

    /// Of the objects inside others, the fields that are not shown.
    package func hiddenParts(_ type: String) -> Set<String> {
        guard let definition: ResourceDefinition = Schemas.definition(type), let access: TypeAccess = types[type] else {
            return []
        }
        return Set(definition.fields.map(\.name)).subtracting(access.readable)
    }
    package func actions(_ type: String) -> Set<String> { types[type]?.actions ?? [] }
}

extension RBAC {
    /// A text that is equal for subjects with equal projections.
    package static func rightsClass(of subject: Subject, in scope: AccessScope, bindings: [Binding]) -> String {
        let place: String =
            switch scope {
            case .cluster: "cluster"
            case .environment: "environment"
            }
        let held: [String] = bindings.filter { $0.subject.matches(subject) }.compactMap { binding -> String? in
            switch (binding.scope, scope) {
            case (.cluster, .cluster), (.anyEnvironment, .environment), (.everywhere, _): return binding.role.id
            case (.environment(let number), .environment(let asked)):
                return number == asked ? binding.role.id : nil
            case (.environment, .cluster): return "\(binding.role.id)@"
            case (.stack(_, let number), .environment(let asked)):
                return number == asked ? "\(binding.role.id)@stack" : nil
            case (.stack, .cluster): return "\(binding.role.id)@stack"
            case (.object(let type, _, let number), .environment(let asked)):
                return number == nil || number == asked ? "\(binding.role.id)@\(type)" : nil
            case (.object(let type, _, _), .cluster): return "\(binding.role.id)@\(type)"
            default: return nil
            }
        }
        return "\(place):\(Set(held).sorted().joined(separator: "+"))"
    }

    package static func projection(for subject: Subject, in scope: AccessScope, bindings: [Binding]) -> Projection {
        var types: [String: TypeAccess] = [:]
        for definition in Schemas.all {
            let policy = TypePolicy(definition.name, bindings, for: subject)
            let access: TypeAccess = self.access(to: definition, for: subject, in: scope, policy)
            if isVisible(definition, access, for: subject, in: scope, policy) { types[definition.name] = access }
        }
        addParts(to: &types) { part in
            TypePolicy(part, bindings, for: subject).fieldAccess(AccessRequest(subject, .get, part, in: scope), [.get])
        }
        return Projection(types: types)
    }

    private static func isVisible(
        _ definition: ResourceDefinition,
        _ access: TypeAccess,
        for subject: Subject,
        in scope: AccessScope,
        _ policy: TypePolicy
    ) -> Bool {
        if !access.collectionMethods.isEmpty || !access.resourceMethods.isEmpty { return true }
        // A part of others exists by itself only where a rule names it, as it does the error.
        return definition.isSchemaOnly
            && verdict(AccessRequest(subject, .get, definition.name, in: scope), policy).isAllowed
    }

    private static func access(
        to definition: ResourceDefinition,
        for subject: Subject,
        in scope: AccessScope,
        _ policy: TypePolicy
    ) -> TypeAccess {
        let name: String = definition.name
        let isForMembers: Bool = comesWithMembership(name, subject, scope)
        func can(_ verb: Verb) -> Bool {
            switch verdict(AccessRequest(subject, verb, name, in: scope), policy) {
            case .allowed: true
            case .noRule: isForMembers
            case .denied, .outOfScope: false
            }
        }
        func names(_ fields: [FieldDefinition], _ letter: FieldPermissions, _ verbs: [Verb]) -> Set<String> {
            let access: FieldAccess = policy.fieldAccess(AccessRequest(subject, .get, name, in: scope), verbs)
            return Set(fields.map(\.name).filter { access.gives(letter, of: $0) })
        }
        return TypeAccess(
            collectionMethods: definition.collectionMethods.filter { can($0 == .post ? .create : .list) },
            resourceMethods: definition.resourceMethods.filter {
                switch $0 {
                case .put: can(.update)
                case .delete: can(.delete)
                default: can(.get)
                }
            },
            readable: names(definition.fields, .read, [.get, .list, .create]),
            creatable: names(definition.fields.filter(\.isCreatable), .create, [.create]),
            updatable: names(
                definition.fields.filter(\.isUpdatable),
                .update,
                isForMembers ? [.update, .create] : [.update]
            ),
            actions: Set(definition.actions.map(\.name).filter { can(.action($0)) })
        )
    }

    /// Whether anybody with an account can come to have one of them at any moment, by making it or by being made a member.
    ///
    /// Clients read their schemas once: what these left out could not be done to the first environment that somebody makes.
    /// Decisions know nothing of this: what may be done with which environment is theirs to say.
    private static func comesWithMembership(_ type: String, _ subject: Subject, _ scope: AccessScope) -> Bool {
        subject.kind == .user && scope == .cluster && (type == "project" || type == "projectMember")
    }

    /// Objects inside visible types, and what visible actions take and give, are visible but for what a rule takes of
    /// their fields.
    private static func addParts(to types: inout [String: TypeAccess], _ rules: (_ part: String) -> FieldAccess) {
        var open: [String] = Array(types.keys)
        while let name: String = open.popLast() {
            guard let definition: ResourceDefinition = Schemas.definition(name), let access: TypeAccess = types[name]
            else { continue }
            var parts: [String] = []
            for field in definition.fields
            where access.readable.contains(field.name) || access.creatable.contains(field.name) {
                if case .embedded(let schema) = field.type.innermost { parts.append(schema) }
            }
            for action in definition.actions where access.actions.contains(action.name) {
                parts += [action.input, action.output].compactMap(\.self)
            }
            for part in parts where types[part] == nil {
                guard let inner: ResourceDefinition = Schemas.definition(part) else { continue }
                let rules: FieldAccess = rules(part)
                func left(_ fields: [FieldDefinition], _ letter: FieldPermissions) -> Set<String> {
                    Set(fields.map(\.name).filter { !rules.takes(letter, of: $0) })
                }
                types[part] = TypeAccess(
                    collectionMethods: [],
                    resourceMethods: [],
                    readable: left(inner.fields, .read),
                    creatable: left(inner.fields.filter(\.isCreatable), .create),
                    updatable: left(inner.fields.filter(\.isUpdatable), .update),
                    actions: []
                )
                open.append(part)
            }
        }
    }
}
