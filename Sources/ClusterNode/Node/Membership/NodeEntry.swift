import Certificates
import JSON
import Model

/// What a node says of itself, as its record keeps it.
struct NodeEntry: Hashable, Sendable {
    var name: String
    /// `host:port`, as others dial it; so are the following.
    var peer: String?
    var http: String
    var https: String?
    var advertise: String
    /// See ``NodeConfiguration/instance``.
    var instance: String
    /// See ``FeatureGate``.
    var level: Int = FeatureGate.ownLevel

    init(name: String, peer: String?, http: String, https: String?, advertise: String, instance: String) {
        self.name = name
        self.peer = peer
        self.http = http
        self.https = https
        self.advertise = advertise
        self.instance = instance
    }

    init(_ configuration: NodeConfiguration) {
        self.init(
            name: configuration.name,
            peer: configuration.peer.map { configuration.place(of: $0) },
            http: configuration.place(of: configuration.http),
            https: configuration.https.map { configuration.place(of: $0) },
            advertise: configuration.advertise,
            instance: configuration.instance
        )
    }

    /// A new record.
    ///
    /// - Parameter request: SHA-256 of the request for its first certificate, in hexadecimal.
    func fields(
        state: NodeRecord.State,
        time: Int64,
        request: String? = nil,
        certificate: Certificate? = nil
    ) -> JSONObject {
        var fields: JSONObject = [
            "name": .string(name), "kind": "node", "state": .string(state.rawValue), "created": .int(time),
            "removed": nil,
        ]
        write(to: &fields)
        fields["logInstance"] = .string(instance)
        fields["level"] = JSONValue(level)
        fields["request"] = JSONValue(request)
        fields["certificateSerial"] = JSONValue(certificate?.serial)
        fields["certificateNotAfter"] = JSONValue(certificate?.notAfter)
        return fields
    }

    /// The addresses: what may change while the node stays the same.
    func write(to fields: inout JSONObject) {
        fields["peer"] = JSONValue(peer)
        fields["http"] = .string(http)
        fields["https"] = JSONValue(https)
        fields["advertise"] = .string(advertise)
    }
}
