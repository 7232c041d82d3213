package import JSON
package import RaftCore

/// What a node was told when it was founded, kept in `node.json` of its data folder.
///
/// Shape: `{"version":1,"name","member","cluster","incarnation","http"}`; cluster and incarnation in hexadecimal.
/// Unknown members are refused: a node must not run with a setting that it does not understand.
package struct NodeConfiguration: Hashable, Sendable {
    /// A DNS label, unique in the cluster.
    package var name: String
    package var member: MemberID
    package var group: GroupIdentity
    /// Where the API listens: a numeric address and a port.
    package var http: ListenAddress

    package init(name: String, member: MemberID, group: GroupIdentity, http: ListenAddress) {
        self.name = name
        self.member = member
        self.group = group
        self.http = http
    }

    package var json: JSONValue {
        [
            "version": 1, "name": .string(name), "member": JSONValue(member.number),
            "cluster": .string(String(group.cluster, radix: 16)),
            "incarnation": .string(String(group.incarnation, radix: 16)), "http": .string(http.description),
        ]
    }

    /// - Throws: ``NodeFault/badConfiguration(_:)`` naming the member.
    package init(_ value: JSONValue) throws(NodeFault) {
        guard let object: JSONObject = value.object else { throw .badConfiguration("node.json is not an object") }
        let known: Set<String> = ["version", "name", "member", "cluster", "incarnation", "http"]
        if let other: String = object.keys.first(where: { !known.contains($0) }) {
            throw .badConfiguration("node.json has a member '\(other)' that this version does not know")
        }
        func text(_ key: String) throws(NodeFault) -> String {
            guard let text: String = object[key]?.string else { throw .badConfiguration("node.json needs '\(key)'") }
            return text
        }
        guard object["version"]?.int == 1 else { throw .badConfiguration("node.json has a version other than 1") }
        guard let member: UInt64 = object["member"]?.int.flatMap({ UInt64(exactly: $0) }), member > 0,
            let cluster = UInt64(try text("cluster"), radix: 16),
            let incarnation = UInt64(try text("incarnation"), radix: 16),
            let http = ListenAddress(try text("http"))
        else { throw .badConfiguration("node.json: member, cluster, incarnation or http is malformed") }
        self.init(
            name: try text("name"),
            member: MemberID(member),
            group: GroupIdentity(cluster: cluster, incarnation: incarnation),
            http: http
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

    package var description: String {
        switch self {
        case .notFounded(let folder):
            "\(folder) holds no node: found a cluster with `drover server init --data \(folder) --name NODE`"
        case .alreadyFounded(let folder):
            "\(folder) holds a node already: start it with `drover server run --data \(folder)`, or choose another folder"
        case .badConfiguration(let reason), .storage(let reason), .network(let reason), .founding(let reason): reason
        }
    }
}
