internal import RaftCore

/// The messages of one turn, without those that a later one to the same member makes superfluous.
///
/// A turn takes several acknowledgements and proposals at once, and each may lead to a message that says how far the
/// log is committed, or how far it is on the disk. The last of them says it all; leaving out the others is to their receiver as if
/// they had been lost, which any message may be.
struct Outbox {
    private var messages: [Message] = []

    mutating func add(_ message: Message) {
        if let last: Int = messages.lastIndex(where: { $0.to == message.to }),
            Self.covers(message, messages[last])
        {
            messages.remove(at: last)
        }
        messages.append(message)
    }

    mutating func take() -> [Message] {
        defer { messages = [] }
        return messages
    }

    /// Whether `later` says all that `earlier` does.
    static func covers(_ later: Message, _ earlier: Message) -> Bool {
        guard later.term == earlier.term, later.group == earlier.group else { return false }
        switch (later.body, earlier.body) {
        case (.append(let later), .append(let earlier)):
            return earlier.entries.isEmpty && later.previous.index >= earlier.previous.index
                && later.commit >= earlier.commit
        case (.appendAccepted(let later), .appendAccepted(let earlier)): return later >= earlier
        default: return false
        }
    }
}
