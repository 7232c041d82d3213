package import JSON

/// Where a request acts: at the root of the API or under an environment's path.
package enum AccessScope: Hashable, Sendable, CustomStringConvertible {
    case cluster
    case environment(UInt64)

    package var description: String {
        switch self {
        case .cluster: "the cluster"
        case .environment(let number): "environment 1a\(number)"
        }
    }
}

/// What is acted on, as far as rules look at it.
package struct AccessObject: Hashable, Sendable {
    /// The most specific type.
    package var type: String
    /// nil for one that is being created, or whose id is a name.
    package var number: UInt64?
    /// The environment that it belongs to; nil for what belongs to the cluster (an environment itself included).
    package var environment: UInt64?
    /// The stored members, references as numbers; for a creation, those that would be stored.
    package var members: JSONObject

    package init(_ type: String, number: UInt64? = nil, environment: UInt64? = nil, members: JSONObject = [:]) {
        self.type = type
        self.number = number
        self.environment = environment
        self.members = members
    }

    /// A member as conditions name it.
    func value(of member: String) -> JSONValue? {
        if member == "id" { return number.map { JSONValue($0) } }
        if let value: JSONValue = members[member] { return value }
        guard let dot: String.Index = member.firstIndex(of: ".") else { return nil }
        return members[String(member[..<dot])]?[String(member[member.index(after: dot)...])]
    }

    /// The stack that it is, or is a part of.
    var stack: UInt64? {
        type == "stack" ? number : members["stackId"]?.int.flatMap { UInt64(exactly: $0) }
    }
}

/// The question that RBAC answers.
package struct AccessRequest: Hashable, Sendable {
    package var subject: Subject
    package var verb: Verb
    /// The type that the path names.
    package var type: String
    package var scope: AccessScope
    /// nil asks whether any object at all could be meant: for lists, and before anything has been read.
    package var object: AccessObject?

    package init(
        _ subject: Subject,
        _ verb: Verb,
        _ type: String,
        in scope: AccessScope,
        object: AccessObject? = nil
    ) {
        self.subject = subject
        self.verb = verb
        self.type = type
        self.scope = scope
        self.object = object
    }

    /// The type that rules are compared with.
    var effectiveType: String { object?.type ?? type }
}
