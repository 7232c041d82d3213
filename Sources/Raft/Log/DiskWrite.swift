package import RaftCore

/// One change to what a member keeps on its disk.
///
/// Order matters.
package enum DiskWrite: Hashable, Sendable {
    case ballot(Ballot)
    case append([LogEntry], write: UInt64)
    /// Everything after the position goes.
    case truncate(to: LogPosition, Configuration)
    /// The whole log goes; a snapshot up to the position took its place.
    case reset(LogPosition, Configuration)

    /// The disk's part of a core's effects; nil for the others.
    package init?(_ effect: Effect) {
        switch effect {
        case .persist(let ballot): self = .ballot(ballot)
        case .append(let entries, let write): self = .append(entries, write: write)
        case .truncate(let position, let configuration): self = .truncate(to: position, configuration)
        case .reset(let position, let configuration): self = .reset(position, configuration)
        default: return nil
        }
    }
}

/// What a member remembers when it starts.
package struct LogContents: Hashable, Sendable {
    package var member: MemberID
    package var group: GroupIdentity
    package var ballot: Ballot
    /// The entry before the first of `entries`, and the configuration in force there.
    package var base: LogPosition
    package var baseConfiguration: Configuration
    package var entries: [LogEntry]
    /// A part of the log was lost; entries up to here may have been acknowledged.
    package var mending: LogIndex?

    package init(
        member: MemberID,
        group: GroupIdentity,
        ballot: Ballot = Ballot(),
        base: LogPosition = .start,
        baseConfiguration: Configuration,
        entries: [LogEntry] = [],
        mending: LogIndex? = nil
    ) {
        self.member = member
        self.group = group
        self.ballot = ballot
        self.base = base
        self.baseConfiguration = baseConfiguration
        self.entries = entries
        self.mending = mending
    }

    package var last: LogPosition { entries.last?.position ?? base }

    /// Whether the log has this entry, or had it before it was cut behind it.
    func holds(_ position: LogPosition) -> Bool {
        if position.index <= base.index { return position.index < base.index || position.term == base.term }
        guard position.index <= last.index else { return false }
        return entries[Int(position.index - base.index) - 1].term == position.term
    }

    mutating func append(_ added: [LogEntry]) {
        for entry in added {
            precondition(entry.index == last.index + 1, "entry \(entry.index) does not follow \(last.index)")
            entries.append(entry)
        }
    }

    mutating func truncate(to position: LogPosition, _ configuration: Configuration) {
        if position.index <= base.index {
            reset(to: position, configuration)
        } else if position.index < last.index {
            entries.removeLast(Int(last.index - position.index))
        }
    }

    mutating func reset(to position: LogPosition, _ configuration: Configuration) {
        base = position
        baseConfiguration = configuration
        entries = []
    }
}
