package import HostProtocol
package import JSON
import Limits

/// What a host is to keep, as it last heard: survives the agent, so that a host needs no server to restart.
package struct DesiredSet: Sendable, Hashable {
    /// One instance that the host was told to keep.
    package struct Held: Sendable, Hashable {
        package var spec: InstanceSpec
        /// False once a full sync, or a server of another incarnation, did not name it: then its container is
        /// kept as it is and told about as an orphan.
        package var isListed: Bool

        package init(spec: InstanceSpec, isListed: Bool) {
            self.spec = spec
            self.isListed = isListed
        }
    }

    /// nil before the first welcome.
    package var incarnation: String?
    /// Incarnations that this host has left, oldest first: it never goes back to one.
    package var left: [String]
    /// The highest that was seen.
    package var epoch: UInt64
    /// Of the last sync that was carried out.
    package var revision: UInt64
    /// By uuid.
    package var instances: [String: Held]
    /// Orders to remove that are not carried out yet, by uuid.
    package var tombstones: [String: Tombstone]
    /// Those that are: reported as gone, and never revived.
    package var done: [String: Tombstone]

    package init() {
        incarnation = nil
        left = []
        epoch = 0
        revision = 0
        instances = [:]
        tombstones = [:]
        done = [:]
    }

    /// Whether `other` differs in more than how far it has heard: if not, it needs no writing.
    func hasSameOrders(as other: DesiredSet) -> Bool {
        var moved: DesiredSet = other
        moved.revision = revision
        return self == moved
    }

    mutating func rememberDone(_ tombstone: Tombstone) {
        done[tombstone.uuid] = tombstone
        guard done.count > Limits.hostTombstones else { return }
        let oldest: Tombstone? = done.values.min { ($0.revision, $0.uuid) < ($1.revision, $1.uuid) }
        if let oldest { done[oldest.uuid] = nil }
    }
}

/// The form on disk.
extension DesiredSet {
    static let version: UInt64 = 1

    package var json: JSONValue {
        let held: [Held] = instances.values.sorted { ($0.spec.number, $0.spec.uuid) < ($1.spec.number, $1.spec.uuid) }
        var object: JSONObject = [
            "version": JSONValue(Self.version), "incarnation": JSONValue(incarnation), "epoch": JSONValue(epoch),
            "revision": JSONValue(revision),
            "instances": .array(held.filter(\.isListed).map(\.spec.json)),
            "unlisted": .array(held.filter { !$0.isListed }.map(\.spec.json)),
            "tombstones": Self.json(tombstones), "done": Self.json(done),
        ]
        if !left.isEmpty { object["left"] = .array(left.map { .string($0) }) }
        return .object(object)
    }

    private static func json(_ tombstones: [String: Tombstone]) -> JSONValue {
        .array(tombstones.values.sorted { ($0.number, $0.uuid) < ($1.number, $1.uuid) }.map(\.json))
    }

    /// - Throws: ``FrameError`` naming the member that is wrong, or a version that this build does not know.
    package init(_ value: JSONValue) throws(FrameError) {
        let members: FrameMembers = try FrameMembers(value, at: "desired set")
        let version: UInt64 = try members.count("version")
        guard version == Self.version else {
            throw FrameError("desired set: version \(version) is not known, this build reads \(Self.version)")
        }
        self.init()
        incarnation = try members.optionalText("incarnation")
        left = value["left"]?.array?.compactMap(\.string) ?? []
        epoch = try members.count("epoch")
        revision = try members.count("revision")
        let read = { (each: FrameMembers) throws(FrameError) -> InstanceSpec in try InstanceSpec(each) }
        for spec in try members.list("instances", read) { instances[spec.uuid] = Held(spec: spec, isListed: true) }
        for spec in try members.list("unlisted", read) { instances[spec.uuid] = Held(spec: spec, isListed: false) }
        let readTombstone = { (each: FrameMembers) throws(FrameError) -> Tombstone in try Tombstone(each) }
        for each in try members.list("tombstones", readTombstone) { tombstones[each.uuid] = each }
        for each in try members.list("done", readTombstone) { done[each.uuid] = each }
    }
}
