import JSON

/// What a host is to keep: everything, or what has changed.
///
/// The parts of one sync follow each other and are carried out together, when the last has come. An instance that
/// a full sync does not name is kept by its host as an orphan; only a tombstone removes.
package struct Sync: Sendable, Hashable {
    package var isFull: Bool
    /// In a delta, the revision that it builds on: that of the sync before it on this stream, or the hello's.
    ///
    /// A host that holds an older one has missed something and asks again by opening a new stream.
    package var since: UInt64
    /// From 0.
    package var part: Int
    package var isLast: Bool
    package var instances: [InstanceSpec]
    package var tombstones: [Tombstone]

    package init(
        isFull: Bool,
        since: UInt64 = 0,
        part: Int = 0,
        isLast: Bool = true,
        instances: [InstanceSpec],
        tombstones: [Tombstone] = []
    ) {
        self.isFull = isFull
        self.since = since
        self.part = part
        self.isLast = isLast
        self.instances = instances
        self.tombstones = tombstones
    }

    init(_ members: FrameMembers) throws(FrameError) {
        self.init(
            isFull: try members.flag("full"),
            since: try members.optionalCount("since") ?? 0,
            part: Int(clamping: try members.optionalCount("part") ?? 0),
            isLast: try members.flag("last", absent: true),
            instances: try members.list("instances") { (each) throws(FrameError) in try InstanceSpec(each) },
            tombstones: try members.list("tombstones") { (each) throws(FrameError) in try Tombstone(each) }
        )
    }

    func append(to object: inout JSONObject) {
        object.append("full", .bool(isFull))
        object.append("since", JSONValue(since))
        object.append("part", JSONValue(part))
        object.append("last", .bool(isLast))
        object.append("instances", .array(instances.map(\.json)))
        object.append("tombstones", .array(tombstones.map(\.json)))
    }
}
