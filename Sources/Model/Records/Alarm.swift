package import JSON

/// Something that a person must see to, as a node says it of itself in its record.
///
/// Shape: `{"kind","message","command","since"}`. `message` says what is wrong and what helps, `command` is what to type next.
package struct Alarm: Hashable, Sendable {
    /// What an alarm is about; further kinds of later versions are shown as they are.
    package enum Kind {
        /// The disk is nearly full, and the node read-only.
        package static let diskLow: String = "diskLow"
        /// The log cannot be written until there is space.
        package static let logStalled: String = "logStalled"
        /// A part of the log was lost; it is fetched from the others, and the node does not vote until it has it.
        package static let logDamaged: String = "logDamaged"
        /// Members that should hold the same state do not.
        package static let stateDiffers: String = "stateDiffers"
        /// Whether they do could not be found out.
        package static let stateNotCompared: String = "stateNotCompared"
    }

    package var kind: String
    package var message: String
    package var command: String
    /// Milliseconds since 1970.
    package var since: Int64

    package init(kind: String, message: String, command: String, since: Int64) {
        self.kind = kind
        self.message = message
        self.command = command
        self.since = since
    }

    /// nil for what has no kind.
    package init?(_ value: JSONValue) {
        guard let object: JSONObject = value.object, let kind: String = object["kind"]?.string else { return nil }
        self.kind = kind
        message = object["message"]?.string ?? ""
        command = object["command"]?.string ?? ""
        since = object["since"]?.int ?? 0
    }

    package var json: JSONValue {
        ["kind": .string(kind), "message": .string(message), "command": .string(command), "since": .int(since)]
    }
}
