internal import RaftCore

/// The connections between two members: what is large on one does not keep what is urgent on another waiting.
///
/// Shape: the raw values are part of the wire format.
package enum Lane: UInt8, CaseIterable, Hashable, Sendable {
    /// Votes, heartbeats and reads.
    case control = 1
    /// Entries and their acknowledgements, which must not overtake each other.
    case log = 2
    case snapshot = 3
    /// Requests between nodes, and their answers.
    case calls = 4

    /// The lane that a message of the core takes.
    init(for body: Message.Body) {
        switch body {
        case .append, .appendAccepted, .appendRejected: self = .log
        default: self = .control
        }
    }
}
