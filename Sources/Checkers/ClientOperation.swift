/// One thing that a client asked of one key, and what it heard.
///
/// Times are of one clock for the whole history, in any unit: virtual ticks, or nanoseconds of a clock that only goes forward. Two
/// operations are ordered when one was answered strictly before the other was asked.
package struct ClientOperation: Hashable, Sendable {
    /// What was asked.
    ///
    /// Values should differ from write to write: then a read tells which write it saw.
    package enum Request: Hashable, Sendable {
        case read
        /// Writes, whatever is there.
        case write(String)
        /// Writes if nothing is there.
        case create(String)
        /// Writes if what is there has this revision.
        case replace(String, revision: UInt64)
        /// Deletes what has this revision; nil: whatever is there, or nothing.
        case delete(revision: UInt64?)
    }

    /// What the client knows of it.
    package enum Outcome: Hashable, Sendable {
        /// A read saw this; nil when it was not told the revision.
        case found(String, revision: UInt64?)
        /// A read saw nothing.
        case absent
        /// A change was made, at this revision if that was told.
        case done(revision: UInt64?)
        /// The condition of a change did not hold: the revision that was found, 0 for nothing there, nil when not told.
        case refused(actual: UInt64?)
        /// It certainly had no effect and says nothing about the state.
        case failed
        /// It may take effect at any later time, or never.
        case unknown
    }

    package var client: String
    package var key: String
    package var request: Request
    package var outcome: Outcome
    package var invoked: Int64
    /// Not looked at when the outcome is unknown.
    package var returned: Int64

    package init(
        client: String,
        key: String,
        request: Request,
        outcome: Outcome,
        invoked: Int64,
        returned: Int64
    ) {
        self.client = client
        self.key = key
        self.request = request
        self.outcome = outcome
        self.invoked = invoked
        self.returned = returned
    }

    /// Whether the outcome is one that such a request can have.
    package var isWellFormed: Bool {
        switch (request, outcome) {
        case (_, .failed), (_, .unknown): true
        case (.read, .found), (.read, .absent): invoked <= returned
        case (.read, _), (_, .found), (_, .absent): false
        case (.write, .refused), (.delete(revision: nil), .refused): false
        default: invoked <= returned
        }
    }
}

extension ClientOperation: CustomStringConvertible {
    package var description: String {
        let asked: String =
            switch request {
            case .read: "read"
            case .write(let value): "write \(value)"
            case .create(let value): "create \(value)"
            case .replace(let value, let revision): "replace revision \(revision) by \(value)"
            case .delete(let revision): revision.map { "delete revision \($0)" } ?? "delete"
            }
        let heard: String =
            switch outcome {
            case .found(let value, let revision): "found \(value)" + Self.at(revision)
            case .absent: "found nothing"
            case .done(let revision): "done" + Self.at(revision)
            case .refused(nil): "refused"
            case .refused(0): "refused, nothing is there"
            case .refused(let actual?): "refused, revision \(actual) is there"
            case .failed: "failed"
            case .unknown: "no answer"
            }
        let until: String = outcome == .unknown ? "…" : "\(returned)"
        return "\(invoked)–\(until)  \(client): \(asked) → \(heard)"
    }

    private static func at(_ revision: UInt64?) -> String { revision.map { " at revision \($0)" } ?? "" }
}
