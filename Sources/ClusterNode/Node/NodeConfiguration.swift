package import JSON
package import RaftCore

/// What a node was told when it was founded or joined, kept in `node.json` of its data folder.
///
/// Shape, version 2: `{"version":2,"name","member","cluster","incarnation","instance","http","https","peer","advertise",
/// "peers":[{"member","address"}]}`; cluster and incarnation in hexadecimal; `https` and `peer` may be absent. Version 1
/// has name, member, cluster, incarnation and http only, and is still read. Unknown members are refused: a node must not
/// run with a setting that it does not understand.
package struct NodeConfiguration: Hashable, Sendable {
    /// Where a member was found when this node joined: until the node has the log, nobody else can tell it.
    package struct Peer: Hashable, Sendable {
        package var member: MemberID
        /// `host:port`.
        package var address: String

        package init(member: MemberID, address: String) {
            self.member = member
            self.address = address
        }
    }

    /// A DNS label, unique in the cluster.
    package var name: String
    package var member: MemberID
    package var group: GroupIdentity
    /// Drawn when the log was made, and kept beside it, too; empty for a node of version 1.
    package var instance: String
    /// Where the API listens: a numeric address and a port.
    package var http: ListenAddress
    /// The same over TLS; nil for not at all.
    package var https: ListenAddress?
    /// Where the other nodes come in; nil for a node that nobody can join.
    package var peer: ListenAddress?
    /// The host under which others reach the addresses above: a name or a numeric address.
    package var advertise: String
    /// Where to begin; the node records say more once there are any.
    package var peers: [Peer]

    package init(
        name: String,
        member: MemberID,
        group: GroupIdentity,
        instance: String = "",
        http: ListenAddress,
        https: ListenAddress? = nil,
        peer: ListenAddress? = nil,
        advertise: String? = nil,
        peers: [Peer] = []
    ) {
        self.name = name
        self.member = member
        self.group = group
        self.instance = instance
        self.http = http
        self.https = https
        self.peer = peer
        self.advertise = advertise ?? Self.advertised([peer, https, http])
        self.peers = peers
    }

    /// The first address that says a place; one that means "everywhere" does not.
    package static func advertised(_ addresses: [ListenAddress?]) -> String {
        addresses.compactMap { $0?.host }.first { $0 != "0.0.0.0" && $0 != "::" } ?? "127.0.0.1"
    }

    /// Where the node may be found: what its certificate is good for.
    package var hosts: [String] { [advertise] + [http, https, peer].compactMap { $0?.host } }

    /// How others reach what listens at `address`.
    package func place(of address: ListenAddress) -> String {
        ListenAddress(host: advertise, port: address.port).description
    }

    package var json: JSONValue {
        var object: JSONObject = [
            "version": 2, "name": .string(name), "member": JSONValue(member.number),
            "cluster": .string(String(group.cluster, radix: 16)),
            "incarnation": .string(String(group.incarnation, radix: 16)), "instance": .string(instance),
            "http": .string(http.description),
        ]
        if let https { object["https"] = .string(https.description) }
        if let peer { object["peer"] = .string(peer.description) }
        object["advertise"] = .string(advertise)
        object["peers"] = .array(
            peers.map { ["member": JSONValue($0.member.number), "address": .string($0.address)] }
        )
        return .object(object)
    }

    private static let knownMembers: [Int64: Set<String>] = [
        1: ["version", "name", "member", "cluster", "incarnation", "http"],
        2: [
            "version", "name", "member", "cluster", "incarnation", "instance", "http", "https", "peer", "advertise",
            "peers",
        ],
    ]

    /// - Throws: ``NodeFault/badConfiguration(_:)`` naming the member.
    package init(_ value: JSONValue) throws(NodeFault) {
        guard let object: JSONObject = value.object else { throw .badConfiguration("node.json is not an object") }
        guard let version: Int64 = object["version"]?.int, let known: Set<String> = Self.knownMembers[version] else {
            throw .badConfiguration("node.json has a version other than 1 and 2: run the program that wrote it")
        }
        if let other: String = object.keys.first(where: { !known.contains($0) }) {
            throw .badConfiguration("node.json has a member '\(other)' that this version does not know")
        }
        func text(_ key: String) throws(NodeFault) -> String {
            guard let text: String = object[key]?.string else { throw .badConfiguration("node.json needs '\(key)'") }
            return text
        }
        func address(_ key: String) throws(NodeFault) -> ListenAddress? {
            guard let value: JSONValue = object[key], !value.isNull else { return nil }
            guard let address: ListenAddress = value.string.flatMap({ ListenAddress($0) }) else {
                throw .badConfiguration("node.json: '\(key)' is no address with a port")
            }
            return address
        }
        guard let member: UInt64 = object["member"]?.int.flatMap({ UInt64(exactly: $0) }), member > 0,
            let cluster = UInt64(try text("cluster"), radix: 16),
            let incarnation = UInt64(try text("incarnation"), radix: 16),
            let http: ListenAddress = try address("http")
        else { throw .badConfiguration("node.json: member, cluster, incarnation or http is malformed") }
        var peers: [Peer] = []
        for entry in object["peers"]?.array ?? [] {
            guard let number: UInt64 = entry["member"]?.int.flatMap({ UInt64(exactly: $0) }), number > 0,
                let place: String = entry["address"]?.string
            else { throw .badConfiguration("node.json: an element of 'peers' is malformed") }
            peers.append(Peer(member: MemberID(number), address: place))
        }
        self.init(
            name: try text("name"),
            member: MemberID(member),
            group: GroupIdentity(cluster: cluster, incarnation: incarnation),
            instance: version == 1 ? "" : try text("instance"),
            http: http,
            https: try address("https"),
            peer: try address("peer"),
            advertise: version == 1 ? nil : try text("advertise"),
            peers: peers
        )
    }
}

/// A numeric address and a port: `127.0.0.1:8080`, `[::1]:8080`; a port alone means 127.0.0.1.
package struct ListenAddress: Hashable, Sendable, CustomStringConvertible {
    package var host: String
    package var port: Int

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    package init?(_ text: String) {
        if let port = Int(text), (0...65_535).contains(port) {
            self.init(host: "127.0.0.1", port: port)
            return
        }
        guard let colon: String.Index = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65_535).contains(port)
        else { return nil }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        guard !host.isEmpty else { return nil }
        self.init(host: host, port: port)
    }

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// Why a node does not start, or stops.
package enum NodeFault: Error, Equatable, Sendable, CustomStringConvertible {
    case notFounded(folder: String)
    case alreadyFounded(folder: String)
    case badConfiguration(String)
    /// A file or folder could not be used; the text names it, the cause and what to do.
    case storage(String)
    case network(String)
    case founding(String)
    case joining(String)
    /// What made this node a member is gone from its folder; the text says what.
    case memberLost(name: String, what: String)
    /// Its state is not that of the others; the folder is kept for study.
    case quarantined(name: String, folder: String, what: String)
    /// A backup cannot be used; the text names the file, and whether it is truncated, altered or too new.
    case backup(String)
    /// A cluster cannot be restored or recovered; the text says what stands in the way.
    case recovery(String)

    package var description: String {
        switch self {
        case .notFounded(let folder):
            "\(folder) holds no node: found a cluster with `drover server init --data \(folder) --name NODE`"
        case .alreadyFounded(let folder):
            "\(folder) holds a node already: start it with `drover server run --data \(folder)`, or choose another folder"
        case .badConfiguration(let reason), .storage(let reason), .network(let reason), .founding(let reason),
            .joining(let reason), .backup(let reason), .recovery(let reason):
            reason
        case .quarantined(let name, let folder, let what):
            """
            \(what), so this node must not go on as \(name): what it would serve may be wrong. Keep \(folder) for study. On \
            another node run `drover cluster remove \(name)` and make a token with `drover cluster token`; then join with \
            `drover server join` and another, empty folder
            """
        case .memberLost(let name, let what):
            """
            \(what), so this node must not go on as \(name): it could have forgotten a vote or an acknowledged change. \
            On another node run `drover cluster remove \(name)` and make a token with `drover cluster token`; then empty \
            this folder and join with `drover server join`
            """
        }
    }
}
