package import RaftCore

/// A disk in memory that can crash: what was not flushed is lost, or a part of it stays.
package final class MemoryLog: LogStorage {
    private var durable: LogContents
    private var pending: [DiskWrite] = []
    private var compacted: LogIndex = 0

    package init(member: MemberID, group: GroupIdentity, configuration: Configuration) {
        durable = LogContents(member: member, group: group, baseConfiguration: configuration)
    }

    package func contents() -> LogContents { durable }

    package func write(_ change: DiskWrite) throws(LogFault) {
        if case .ballot(let ballot) = change { durable.ballot = ballot } else { pending.append(change) }
    }

    package func flush() throws(LogFault) {
        for change in pending { perform(change) }
        pending = []
        dropCompacted()
    }

    package func compact(through index: LogIndex) throws(LogFault) {
        compacted = max(compacted, index)
        dropCompacted()
    }

    package func close() throws(LogFault) { try flush() }

    /// The power goes.
    ///
    /// Of the changes that were not flushed the first `kept` entries reached the disk.
    package func crash(keeping kept: Int) {
        var left: Int = kept
        for change in pending where left > 0 {
            if case .append(let entries, let write) = change {
                perform(.append(Array(entries.prefix(left)), write: write))
                left -= entries.count
            } else {
                perform(change)
                left -= 1
            }
        }
        pending = []
    }

    private func perform(_ change: DiskWrite) {
        switch change {
        case .ballot(let ballot): durable.ballot = ballot
        case .append(let entries, _): durable.append(entries)
        case .truncate(let position, let configuration): durable.truncate(to: position, configuration)
        case .reset(let position, let configuration): durable.reset(to: position, configuration)
        }
    }

    private func dropCompacted() {
        guard compacted > durable.base.index else { return }
        let count: Int = min(Int(compacted - durable.base.index), durable.entries.count)
        for entry in durable.entries[..<count] where entry.kind == .configuration {
            if let configuration = Configuration(encoded: entry.payload) { durable.baseConfiguration = configuration }
        }
        if count > 0 { durable.base = durable.entries[count - 1].position }
        durable.entries.removeFirst(count)
    }
}
