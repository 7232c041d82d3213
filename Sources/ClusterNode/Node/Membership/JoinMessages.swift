import Authority
import Bytes
import Crypto
import JSON
import Model
import RaftCore

/// What a machine sends to become a node: `POST /join` on the peer address of any node.
///
/// Shape: `{"version":1,"token","name","certificateRequest","peer","http","https","advertise","instance",
/// "level"}`; the request as PEM, addresses as `host:port`, `level` absent from nodes of the first one. The key never leaves the machine.
struct JoinRequest: Hashable, Sendable {
    static let version: Int64 = 1
    static let path: String = "/join"

    var token: String
    var entry: NodeEntry
    /// PEM.
    var certificateRequest: String

    init(token: String, entry: NodeEntry, certificateRequest: String) {
        self.token = token
        self.entry = entry
        self.certificateRequest = certificateRequest
    }

    var json: JSONValue {
        [
            "version": .int(Self.version), "token": .string(token), "name": .string(entry.name),
            "certificateRequest": .string(certificateRequest), "peer": JSONValue(entry.peer),
            "http": .string(entry.http), "https": JSONValue(entry.https), "advertise": .string(entry.advertise),
            "instance": .string(entry.instance), "level": JSONValue(entry.level),
        ]
    }

    /// Reads and checks everything but the token and the certificate request.
    ///
    /// - Throws: ``JoinMessageFault`` naming the member.
    init(_ value: JSONValue) throws(JoinMessageFault) {
        guard let object: JSONObject = value.object else { throw JoinMessageFault("the body is no object") }
        guard object["version"]?.int == Self.version else {
            throw JoinMessageFault("'version' is not \(Self.version): run the same version of drover on both machines")
        }
        func text(_ key: String) throws(JoinMessageFault) -> String {
            guard let text: String = object[key]?.string, !text.isEmpty else {
                throw JoinMessageFault("'\(key)' is missing")
            }
            return text
        }
        func place(_ key: String) throws(JoinMessageFault) -> String {
            let text: String = try text(key)
            guard let place = NetworkPlace(text) else { throw JoinMessageFault("'\(key)' is no host with a port") }
            return place.description
        }
        let name: String = try text("name")
        guard NodeName.isValid(name) else { throw JoinMessageFault("'name' is no node name: use a-z, 0-9 and -") }
        let advertise: String = try text("advertise")
        guard NetworkPlace.isAddress(advertise) || NetworkPlace.isName(advertise) else {
            throw JoinMessageFault("'advertise' is neither an address nor a host name")
        }
        let instance: String = try text("instance")
        guard let drawn: [UInt8] = Hex.decode(instance), drawn.count == 16 else {
            throw JoinMessageFault("'instance' is not 32 hexadecimal digits")
        }
        let hasHTTPS: Bool = object["https"].map { !$0.isNull } ?? false
        var entry = NodeEntry(
            name: name,
            peer: try place("peer"),
            http: try place("http"),
            https: hasHTTPS ? try place("https") : nil,
            advertise: advertise,
            instance: Hex.encode(drawn)
        )
        entry.level = object["level"]?.int.map { Int(clamping: $0) } ?? FeatureGate.firstLevel
        self.init(
            token: object["token"]?.string ?? "",
            entry: entry,
            certificateRequest: try text("certificateRequest")
        )
    }
}

/// What makes a machine a node.
///
/// Shape: `{"version":1,"certificate","authority","sealingKey","cluster","incarnation","member","voters","members"}`:
/// certificates as PEM, the key as base64, numbers of cluster and incarnation in hexadecimal, `voters` with which the log
/// began, `members` as `{"member","name","peer"}`.
struct JoinAnswer: Hashable, Sendable {
    struct Member: Hashable, Sendable {
        var member: MemberID
        var name: String
        var peer: String

        init(member: MemberID, name: String, peer: String) {
            self.member = member
            self.name = name
            self.peer = peer
        }
    }

    var certificate: String
    var authority: String
    var sealingKey: [UInt8]
    var group: GroupIdentity
    var member: MemberID
    /// The configuration in which the log begins.
    var voters: [MemberID]
    /// Where the others are.
    var members: [Member]

    init(
        certificate: String,
        authority: String,
        sealingKey: [UInt8],
        group: GroupIdentity,
        member: MemberID,
        voters: [MemberID],
        members: [Member]
    ) {
        self.certificate = certificate
        self.authority = authority
        self.sealingKey = sealingKey
        self.group = group
        self.member = member
        self.voters = voters
        self.members = members
    }

    var json: JSONValue {
        [
            "version": .int(JoinRequest.version), "certificate": .string(certificate), "authority": .string(authority),
            "sealingKey": .string(Base64.encode(sealingKey)), "cluster": .string(ClusterID.text(group.cluster)),
            "incarnation": .string(ClusterID.text(group.incarnation)), "member": JSONValue(member.number),
            "voters": .array(voters.map { JSONValue($0.number) }),
            "members": .array(
                members.map {
                    ["member": JSONValue($0.member.number), "name": .string($0.name), "peer": .string($0.peer)]
                }
            ),
        ]
    }

    /// - Throws: ``JoinMessageFault`` naming the member.
    init(_ value: JSONValue) throws(JoinMessageFault) {
        func text(_ key: String) throws(JoinMessageFault) -> String {
            guard let text: String = value[key]?.string else { throw JoinMessageFault("'\(key)' is missing") }
            return text
        }
        func member(_ value: JSONValue?) throws(JoinMessageFault) -> MemberID {
            guard let number: UInt64 = value?.int.flatMap({ UInt64(exactly: $0) }), number > 0 else {
                throw JoinMessageFault("a member id is missing or malformed")
            }
            return MemberID(number)
        }
        guard value["version"]?.int == JoinRequest.version else {
            throw JoinMessageFault(
                "'version' is not \(JoinRequest.version): run the same version of drover on both machines"
            )
        }
        guard let cluster = UInt64(try text("cluster"), radix: 16),
            let incarnation = UInt64(try text("incarnation"), radix: 16), cluster != 0, incarnation != 0
        else { throw JoinMessageFault("'cluster' or 'incarnation' is malformed") }
        guard let key: [UInt8] = Base64.decode(try text("sealingKey")), key.count == SealedAuthority.sealingKeyBytes
        else {
            throw JoinMessageFault("'sealingKey' is malformed")
        }
        var voters: [MemberID] = []
        for voter in value["voters"]?.array ?? [] { voters.append(try member(voter)) }
        guard !voters.isEmpty else { throw JoinMessageFault("'voters' is empty") }
        var members: [Member] = []
        for entry in value["members"]?.array ?? [] {
            guard let peer: String = entry["peer"]?.string, NetworkPlace(peer) != nil else { continue }
            members.append(
                Member(member: try member(entry["member"]), name: entry["name"]?.string ?? "", peer: peer)
            )
        }
        self.init(
            certificate: try text("certificate"),
            authority: try text("authority"),
            sealingKey: key,
            group: GroupIdentity(cluster: cluster, incarnation: incarnation),
            member: try member(value["member"]),
            voters: voters,
            members: members
        )
    }
}

/// A message about joining that makes no sense; the text names the member.
struct JoinMessageFault: Error, Hashable, Sendable, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}
