package import JSON

/// A server node of the cluster.
///
/// Its number is the id of the Raft member for ever: numbers are never given again, so neither are ids. Addresses are those
/// that others dial, `host:port`.
package struct NodeRecord: ResourceRecord {
    /// The way of a node through the cluster.
    package enum State: String, Sendable {
        /// Let in; it gets the log and becomes a voter when it has it.
        case joining
        case active
        /// An operator took it out; it is a member until the others can do without it.
        case removing
        case removed
    }

    package var fields: JSONObject
    package init(fields: JSONObject) { self.fields = fields }

    /// A state that this version does not know counts as `active`: nothing is begun because of it.
    package var membership: State {
        get { State(rawValue: state) ?? .active }
        set { state = newValue.rawValue }
    }
    /// Where other nodes reach it; nil for a node that was founded without such an address.
    package var peer: String? { text("peer") }
    package var http: String? { text("http") }
    package var https: String? { text("https") }
    /// The host under which all of these are reached.
    package var advertise: String? { text("advertise") }
    /// Its scopes are to move to other nodes.
    package var isDraining: Bool { flag("draining") }
    /// Drawn when the node's log was made: a disk that was wiped has another one.
    package var logInstance: String? { text("logInstance") }
    /// SHA-256 of the request for its first certificate, in hexadecimal: who repeats that request is the same node.
    package var request: String? { text("request") }
    package var certificateSerial: String? { text("certificateSerial") }
    /// Milliseconds since 1970.
    package var certificateNotAfter: Int64? { number("certificateNotAfter") }
    /// The program that it runs.
    package var version: String? { text("version") }

    /// What it can read: see ``FeatureGate``.
    package var level: Int { number("level").map { Int($0) } ?? FeatureGate.firstLevel }
    /// What is wrong on it, as it said itself: see ``Alarm``.
    package var alarms: [Alarm] { (fields["alarms"]?.array ?? []).compactMap { Alarm($0) } }

    /// The key under which no other node that is not removed may have this name.
    package static func uniqueKey(_ name: String) -> [UInt8] { Array("node/\(name)".utf8) }
}

/// What lets one node or one host in: stored without its secret.
package struct JoinTokenRecord: ResourceRecord {
    package var fields: JSONObject
    package init(fields: JSONObject) { self.fields = fields }

    /// The part that is no secret.
    package var token: String { text("token") ?? "" }
    /// `node` or `host`.
    package var role: String { text("role") ?? "" }
    /// SHA-256 of the secret, in hexadecimal: it has 256 bits, so that nothing slower is needed.
    package var secretHash: String { text("secretHash") ?? "" }
    /// Milliseconds since 1970.
    package var expires: Int64 { number("expires") ?? 0 }
    /// Milliseconds since 1970 when it let somebody in; nil while it has not.
    package var used: Int64? { number("used") }
    /// Whom: the number of the node or host.
    package var usedBy: UInt64? { reference("usedBy") }

    package static func uniqueKey(_ token: String) -> [UInt8] { Array("joinToken/\(token)".utf8) }
}
