/// One record of the replicated log.
package struct LogEntry: Hashable, Sendable, CustomStringConvertible {
    /// What the payload is; the raw values are part of the disk and wire format.
    package enum Kind: UInt8, Sendable {
        /// Empty: a new leader writes one, so that it can commit what earlier leaders left.
        case noop = 1
        /// A command for the state machine.
        case data = 2
        /// A ``Configuration``, encoded.
        case configuration = 3
    }

    package let index: LogIndex
    package let term: Term
    package let kind: Kind
    /// The version of the payload's format.
    package let version: UInt8
    package let payload: [UInt8]

    package init(index: LogIndex, term: Term, kind: Kind, version: UInt8 = 1, payload: [UInt8] = []) {
        self.index = index
        self.term = term
        self.kind = kind
        self.version = version
        self.payload = payload
    }

    package var position: LogPosition { LogPosition(index: index, term: term) }

    /// What the entry counts for in windows and limits: the payload and a flat share for the rest.
    package var cost: Int { payload.count + 32 }

    package var description: String {
        switch kind {
        case .noop: "noop@\(position)"
        case .data: "data@\(position)"
        case .configuration: "configuration@\(position)"
        }
    }
}
