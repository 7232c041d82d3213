/// What somebody wants to do.
package enum Verb: Hashable, Sendable, CustomStringConvertible {
    case list, get, create, update, delete
    /// To be told of changes, or to hold a stream.
    case subscribe
    /// A resource action, by name.
    case action(String)

    /// To write roles that allow more than one may oneself.
    package static let escalate = Verb.action("escalate")
    /// To give roles that allow more than one may oneself.
    package static let bind = Verb.action("bind")

    var isBeyondOwnRights: Bool { self == .escalate || self == .bind }

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
///
/// The verbs ``Verb/escalate`` and ``Verb/bind`` are in no wildcard.
package enum VerbPattern: Hashable, Sendable, CustomStringConvertible {
    /// `*`
    case any
    /// `action:*`
    case anyAction
    /// Every action but one, for built-in roles.
    case anyActionBut(String)
    case only(Verb)

    package func matches(_ verb: Verb) -> Bool {
        switch self {
        // The rights to go beyond one's own must be given by name.
        case .any: return !verb.isBeyondOwnRights
        case .anyAction:
            if case .action = verb { return !verb.isBeyondOwnRights }
            return false
        case .anyActionBut(let name):
            if case .action(let action) = verb { return action != name && !verb.isBeyondOwnRights }
            return false
        case .only(let only): return only == verb
        }
    }

    package var description: String {
        switch self {
        case .any: "*"
        case .anyAction: "action:*"
        case .anyActionBut(let name): "action:* but \(name)"
        case .only(let verb): verb.description
        }
    }

    /// Parses `*`, `action:*` and every verb; nil for anything else.
    package init?(_ text: String) {
        switch text {
        case "*": self = .any
        case "action:*": self = .anyAction
        default:
            guard let verb = Verb(text) else { return nil }
            self = .only(verb)
        }
    }
}
