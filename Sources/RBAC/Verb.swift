/// What somebody wants to do.
package enum Verb: Hashable, Sendable, CustomStringConvertible {
    case list, get, create, update, delete
    /// To be told of changes, or to hold a stream.
    case subscribe
    /// A resource action, by name.
    case action(String)

    /// Shape: `list`, `get`, `create`, `update`, `delete`, `subscribe`, or `action:<name>`.
    package init?(_ text: String) {
        switch text {
        case "list": self = .list
        case "get": self = .get
        case "create": self = .create
        case "update": self = .update
        case "delete": self = .delete
        case "subscribe": self = .subscribe
        default:
            guard text.hasPrefix("action:"), text != "action:", text != "action:*" else { return nil }
            self = .action(String(text.dropFirst("action:".count)))
        }
    }

    package var description: String {
        switch self {
        case .list: "list"
        case .get: "get"
        case .create: "create"
        case .update: "update"
        case .delete: "delete"
        case .subscribe: "subscribe"
        case .action(let name): "action:\(name)"
        }
    }
}

/// The verbs that a rule speaks of.
package enum VerbPattern: Hashable, Sendable, CustomStringConvertible {
    /// `*`
    case any
    /// `action:*`
    case anyAction
    case only(Verb)

    package func matches(_ verb: Verb) -> Bool {
        switch self {
        case .any: return true
        case .anyAction:
            if case .action = verb { return true }
            return false
        case .only(let only): return only == verb
        }
    }

    package var description: String {
        switch self {
        case .any: "*"
        case .anyAction: "action:*"
        case .only(let verb): verb.description
        }
    }
}
