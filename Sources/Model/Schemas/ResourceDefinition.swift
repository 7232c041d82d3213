package import StoreFormat

/// A method as schema documents list it.
package enum ResourceMethod: String, Hashable, Sendable {
    case get = "GET"
    case post = "POST"
    case put = "PUT"
    case delete = "DELETE"
}

/// An action of a resource type.
package struct ActionDefinition: Hashable, Sendable {
    /// Lower-case, as in `?action=`.
    package var name: String
    /// The schema of the request body; nil for none.
    package var input: String?
    /// The schema of the answer.
    package var output: String?
    /// The process that the action starts: it is available in the start states of that process; nil for an action with a
    /// handler of its own, available in ``states``.
    package var process: String?
    /// For an action without a process.
    package var states: [String]

    package init(
        _ name: String,
        input: String? = nil,
        output: String? = nil,
        process: String? = nil,
        states: [String] = []
    ) {
        self.name = name
        self.input = input
        self.output = output
        self.process = process
        self.states = states
    }
}

/// A link from a resource to others.
package struct LinkDefinition: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// To the one resource that the field names; absent while the field is null. Answers a resource.
        case reference(field: String)
        /// To the records of `table` whose indexed `member` is this resource's number. Answers a collection.
        case children(table: Table, member: String)
        /// To the resources that the field, a reference or an array of them, names. Answers a collection.
        case named(field: String)
        /// To what nothing can be made of yet. Answers an empty collection.
        case none
    }

    /// Camel-case; lower-cased in addresses.
    package let name: String
    package let pathSegment: String
    /// The type at the other end.
    package var type: String
    package var kind: Kind

    package init(_ name: String, to type: String, _ kind: Kind) {
        self.name = name
        pathSegment = name.lowercased()
        self.type = type
        self.kind = kind
    }
}

/// A member of the contract's documents that Drover does not act on yet: a create or update that sets it is refused,
/// because dropping it in silence would run something else than what was asked for.
package struct UnsupportedMember: Hashable, Sendable {
    package var name: String
    package var reason: String

    package init(_ name: String, _ reason: String) {
        self.name = name
        self.reason = reason
    }
}

/// Everything there is to say about a resource type: the only source for validation, documents, schema documents,
/// filters and permission tables.
///
/// A class only because definitions are many fields wide and shared by everyone; nothing in one ever changes.
package final class ResourceDefinition: Sendable {
    /// Singular, camel-case: the schema id.
    package let name: String
    package let plural: String
    /// The supertype's name, such as `credential` for `apiKey`.
    package let base: String?
    /// The letters of its rendered ids, such as `st`; nil for a type whose ids are names or that has none.
    package let idLetters: String?
    /// nil for a type without records: embedded objects, inputs, pseudo-types.
    package let table: Table?
    package let observedTable: Table?
    /// The record's `kind` if the table holds several types; nil when all of its records are of this type.
    package let kind: String?
    /// Whether each of its objects belongs to an environment.
    package let isEnvironmentScoped: Bool
    /// The indexed member that names the environment.
    package let environmentMember: String
    /// GET (list) and POST (create).
    package let collectionMethods: [ResourceMethod]
    /// GET, PUT, DELETE.
    package let resourceMethods: [ResourceMethod]
    /// In document order: `name`, `state`, then alphabetically.
    package let fields: [FieldDefinition]
    package let states: StateMachine?
    package let actions: [ActionDefinition]
    package let links: [LinkDefinition]
    package let unsupported: [UnsupportedMember]
    /// Whether members without a definition are kept as they came (launch configurations) instead of dropped.
    package let keepsUnknownMembers: Bool
    /// The plural as it stands in addresses: lower-case.
    package let pathSegment: String
    /// Those of ``fields`` that a PUT may change, whoever sends it.
    package let updatableFields: [FieldDefinition]

    private let fieldIndex: [String: Int]

    package init(
        _ name: String,
        plural: String? = nil,
        base: String? = nil,
        hasTextID: Bool = false,
        isNumbered: Bool = false,
        table: Table? = nil,
        observedTable: Table? = nil,
        kind: String? = nil,
        isEnvironmentScoped: Bool = false,
        environmentMember: String = "accountId",
        collectionMethods: [ResourceMethod] = [],
        resourceMethods: [ResourceMethod] = [],
        fields: [FieldDefinition],
        states: StateMachine? = nil,
        actions: [ActionDefinition] = [],
        links: [LinkDefinition] = [],
        unsupported: [UnsupportedMember] = [],
        keepsUnknownMembers: Bool = false
    ) {
        self.name = name
        let plural: String = plural ?? Self.guessedPlural(of: name)
        self.plural = plural
        pathSegment = plural.lowercased()
        self.base = base
        self.idLetters = (table == nil && !isNumbered) || hasTextID ? nil : IDLetters.letters(of: base ?? name)
        self.table = table
        self.observedTable = observedTable
        self.kind = kind
        self.isEnvironmentScoped = isEnvironmentScoped
        self.environmentMember = environmentMember
        self.collectionMethods = collectionMethods
        self.resourceMethods = resourceMethods
        self.states = states
        self.actions = actions
        self.links = links
        self.unsupported = unsupported
        self.keepsUnknownMembers = keepsUnknownMembers
        let ordered: [FieldDefinition] = fields.sorted { Self.orderKey($0.name) < Self.orderKey($1.name) }
        self.fields = ordered
        updatableFields = ordered.filter(\.isUpdatable)
        var index: [String: Int] = [:]
        for (position, field) in ordered.enumerated() {
            precondition(index.updateValue(position, forKey: field.name) == nil, "\(name).\(field.name) stands twice")
        }
        self.fieldIndex = index
    }

    package func field(_ name: String) -> FieldDefinition? { fieldIndex[name].map { fields[$0] } }
    package func action(_ name: String) -> ActionDefinition? { actions.first { $0.name == name } }

    /// A link by its name in any case.
    package func link(_ name: String) -> LinkDefinition? {
        links.first { $0.name == name } ?? links.first { $0.name.lowercased() == name.lowercased() }
    }

    /// One of it, at the beginning of a sentence: `A stack`, `An apiKey`.
    package var nameInProse: String { "\("aeio".contains(name.prefix(1)) ? "An" : "A") \(name)" }

    /// The concrete type's parent as documents show it: itself when it has none.
    package var baseType: String { base ?? name }
    /// Whether it has a collection that can be listed: the schema then has a `collection` link.
    package var isListable: Bool { collectionMethods.contains(.get) }
    package var isCreatable: Bool { collectionMethods.contains(.post) }
    /// Whether it is only ever a part, an input or an output of other types.
    package var isSchemaOnly: Bool { collectionMethods.isEmpty && resourceMethods.isEmpty }
    /// Whether it is one of the stack tree's types, whose objects carry an immutable `creatorId`.
    package var hasCreator: Bool { fieldIndex["creatorId"] != nil }

    /// The actions that a resource in `state` offers (before roles narrow them).
    package func availableActions(in state: String) -> [ActionDefinition] {
        actions.filter { isAvailable($0, in: state) }
    }

    package func isAvailable(_ action: ActionDefinition, in state: String) -> Bool {
        if let process: String = action.process {
            return states?.process(named: process, from: state) != nil
        }
        return action.states.contains(state)
    }

    /// The rule for plurals that are not declared (contract A5).
    package static func guessedPlural(of name: String) -> String {
        name.hasSuffix("s") || name.hasSuffix("ch") || name.hasSuffix("x") ? name + "es" : name + "s"
    }

    private static func orderKey(_ name: String) -> String {
        switch name {
        case "name": " 1"
        case "state": " 2"
        default: name
        }
    }
}

/// The letters between the constant 1 and the number of a rendered id.
package enum IDLetters {
    /// The first letter of the base type and its capitals, lower-cased; `stack` and `secret` have letters of their own
    /// (contract A6).
    package static func letters(of baseType: String) -> String {
        switch baseType {
        case "stack": return "st"
        case "secret": return "se"
        default:
            let capitals: String = String(baseType.dropFirst().filter { $0.isASCII && $0.isUppercase })
            return (baseType.prefix(1) + capitals).lowercased()
        }
    }
}
