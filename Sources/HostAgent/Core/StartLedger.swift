package import HostProtocol
package import JSON

/// Which order each container was last started for: survives the agent, so that no order starts one twice.
///
/// An entry is on disk before its container starts.
package struct StartLedger: Sendable, Hashable {
    package struct Entry: Sendable, Hashable {
        /// 0 when a server of another incarnation gave it: its numbers say nothing now.
        package var generation: UInt64
        /// How often the agent has started the container.
        package var count: UInt64
        /// The run was seen to end: a start of the agent does not start it again.
        package var hasExited: Bool

        package init(generation: UInt64, count: UInt64, hasExited: Bool) {
            self.generation = generation
            self.count = count
            self.hasExited = hasExited
        }
    }

    /// By uuid.
    package var entries: [String: Entry]

    package init(entries: [String: Entry] = [:]) { self.entries = entries }

    package var json: JSONValue {
        var starts = JSONObject()
        for (uuid, entry) in entries.sorted(by: { $0.key < $1.key }) {
            starts.append(
                uuid,
                [
                    "generation": JSONValue(entry.generation), "count": JSONValue(entry.count),
                    "exited": .bool(entry.hasExited),
                ]
            )
        }
        return ["version": 1, "starts": .object(starts)]
    }

    /// - Throws: ``FrameError`` naming the member that is wrong, or a version that this build does not know.
    package init(_ value: JSONValue) throws(FrameError) {
        let members: FrameMembers = try FrameMembers(value, at: "start ledger")
        let version: UInt64 = try members.count("version")
        guard version == 1 else {
            throw FrameError("start ledger: version \(version) is not known, this build reads 1")
        }
        var entries: [String: Entry] = [:]
        for (uuid, each) in try members.object("starts") {
            let entry: FrameMembers = try FrameMembers(each, at: "start ledger.starts.\(uuid)")
            entries[uuid] = Entry(
                generation: try entry.count("generation"),
                count: try entry.count("count"),
                hasExited: try entry.flag("exited")
            )
        }
        self.init(entries: entries)
    }
}
