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
            case (.cluster, .cluster), (.anyEnvironment, .environment): return binding.role.name
            case (.environment(let number), .environment(let asked)):
                return number == asked ? binding.role.name : nil
            case (.environment, .cluster): return "\(binding.role.name)@"
            case (.object(let type, _), _): return "\(binding.role.name)@\(type)"
            default: return nil
            }
        }
        return "\(place):\(Set(held).sorted().joined(separator: "+"))"
    }

    package static func projection(for subject: Subject, in scope: AccessScope, bindings: [Binding]) -> Projection {
        var types: [String: TypeAccess] = [:]
        for definition in Schemas.all {
            let access: TypeAccess = self.access(to: definition, for: subject, in: scope, bindings: bindings)
            if isVisible(definition, access, for: subject, in: scope, bindings: bindings) {
                types[definition.name] = access
            }
        }
        addParts(to: &types)
        return Projection(types: types)
    }

    private static func isVisible(
        _ definition: ResourceDefinition,
        _ access: TypeAccess,
        for subject: Subject,
        in scope: AccessScope,
        bindings: [Binding]
    ) -> Bool {
        if !access.collectionMethods.isEmpty || !access.resourceMethods.isEmpty { return true }
        // A part of others exists by itself only where a rule names it, as it does the error.
        return definition.isSchemaOnly && canEver(subject, .get, definition.name, in: scope, bindings: bindings)
    }

    private static func access(
        to definition: ResourceDefinition,
        for subject: Subject,
        in scope: AccessScope,
        bindings: [Binding]
    ) -> TypeAccess {
        let name: String = definition.name
        func can(_ verb: Verb) -> Bool { canEver(subject, verb, name, in: scope, bindings: bindings) }
        let fields = FieldAccess(subject: subject, type: name, scope: scope, bindings: bindings)
        return TypeAccess(
            collectionMethods: definition.collectionMethods.filter { can($0 == .post ? .create : .list) },
            resourceMethods: definition.resourceMethods.filter {
                switch $0 {
                case .put: can(.update)
                case .delete: can(.delete)
                default: can(.get)
                }
            },
            readable: fields.names(definition.fields, letter: .read, verbs: [.get, .list, .create]),
            creatable: fields.names(definition.fields.filter(\.isCreatable), letter: .create, verbs: [.create]),
            updatable: fields.names(definition.fields.filter(\.isUpdatable), letter: .update, verbs: [.update]),
            actions: Set(definition.actions.map(\.name).filter { can(.action($0)) })
        )
    }

    /// Objects inside visible types, and what visible actions take and give, are visible whole.
    private static func addParts(to types: inout [String: TypeAccess]) {
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
                types[part] = TypeAccess(
                    collectionMethods: [],
                    resourceMethods: [],
                    readable: Set(inner.fields.map(\.name)),
                    creatable: Set(inner.fields.filter(\.isCreatable).map(\.name)),
                    updatable: Set(inner.fields.filter(\.isUpdatable).map(\.name)),
                    actions: []
                )
                open.append(part)
            }
        }
    }
}

/// What the rules that reach a type leave of its fields: the union of what allowing rules give, less what denying rules take.
private struct FieldAccess {
    private var allowing: [Rule] = []
    private var denying: [Rule] = []

    init(subject: Subject, type: String, scope: AccessScope, bindings: [Binding]) {
        let request = AccessRequest(subject, .get, type, in: scope)
        for binding in bindings where binding.subject.matches(subject) && binding.reaches(request) {
            for rule in binding.role.rules where rule.covers(type: type) {
                switch rule.effect {
                case .allow: allowing.append(rule)
                case .deny where !rule.fields.isEmpty && !rule.isSelective && !binding.isSelective(in: scope):
                    denying.append(rule)
                case .deny: break
                }
            }
        }
    }

    func names(_ fields: [FieldDefinition], letter: FieldPermissions, verbs: [Verb]) -> Set<String> {
        let giving: [Rule] = allowing.filter { rule in verbs.contains { rule.covers($0) } }
        let taking: [Rule] = denying.filter { rule in verbs.contains { rule.covers($0) } }
        var names: Set<String> = []
        for field in fields {
            let isGiven: Bool = giving.contains { ($0.fields[field.name] ?? .all).contains(letter) }
            let isTaken: Bool = taking.contains { ($0.fields[field.name] ?? []).contains(letter) }
            if isGiven, !isTaken { names.insert(field.name) }
        }
        return names
    }
}
