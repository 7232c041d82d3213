package import JSON
internal import Limits
internal import Model

/// A cluster's place in its federation, as an operator has written it down: which host name belongs to all, which number this
/// cluster has, and how to reach the others.
///
/// Trust that is made by hand: each link has the other cluster's authority, and a key that the other cluster has given. What
/// comes over a link has the rights of that key there, whoever asks here; so each link names who may use it.
///
/// Shape (`federation.json` in a node's data folder; docs/guides/two-clusters.md):
///
///     {"host": "all.example.org", "cluster": 1, "links": [
///         {"cluster": 2, "name": "west", "urls": ["https://10.2.0.1:8443"], "authority": "-----BEGIN CERTIFICATE…",
///          "accessKey": "…", "secretKey": "…", "accounts": ["1a7"]}]}
package struct FederationPlace: Sendable, Equatable {
    /// Lower case, without a port.
    package let host: String
    /// From 1 on; 0 is what belongs to the federation as a whole.
    package let cluster: UInt32
    package let links: [ClusterLink]

    package init(host: String, cluster: UInt32, links: [ClusterLink]) {
        self.host = host
        self.cluster = cluster
        self.links = links
    }

    /// Whether an authority (`name` or `name:port`) is the federation's host name.
    package func isNamed(by authority: String) -> Bool {
        let name: Substring = authority.prefix { $0 != ":" }
        return name.lowercased() == host
    }

    package func link(to cluster: UInt32) -> ClusterLink? { links.first { $0.cluster == cluster } }
}

/// The way to another cluster.
package struct ClusterLink: Sendable, Equatable {
    package let cluster: UInt32
    /// For people.
    package let name: String
    /// Where its gateways listen; the first that answers is taken.
    package let urls: [String]
    /// Certificates in PEM that its gateways may come from.
    package let authority: String
    package let accessKey: String
    package let secretKey: String
    /// Accounts of this cluster that may use the link, beside its administrators.
    package let accounts: Set<UInt64>

    package init(
        cluster: UInt32,
        name: String,
        urls: [String],
        authority: String,
        accessKey: String,
        secretKey: String,
        accounts: Set<UInt64> = []
    ) {
        self.cluster = cluster
        self.name = name
        self.urls = urls
        self.authority = authority
        self.accessKey = accessKey
        self.secretKey = secretKey
        self.accounts = accounts
    }
}

extension FederationPlace {
    /// - Throws: which member is wrong, and what it should be.
    package init(_ document: JSONValue) throws(FederationFault) {
        guard let object: JSONObject = document.object else { throw FederationFault("it must be an object") }
        try Self.refuseOthers(object, ["host", "cluster", "links"], "")
        let host: String = try Self.text(object, "host", "").lowercased()
        guard host.utf8.allSatisfy(Self.isHostByte), host.utf8.count <= 253 else {
            throw FederationFault("host must be a name without a port, such as all.example.org")
        }
        let own: UInt32 = try Self.number(object, "")
        var links: [ClusterLink] = []
        for (place, value) in (object["links"]?.array ?? []).enumerated() {
            let link = try ClusterLink(value, "links[\(place)].")
            guard link.cluster != own, !links.contains(where: { $0.cluster == link.cluster }) else {
                throw FederationFault("links[\(place)].cluster is \(link.cluster): each number belongs to one cluster")
            }
            links.append(link)
        }
        guard links.count <= Limits.federationLinks else {
            throw FederationFault("there are more than \(Limits.federationLinks) links")
        }
        self.init(host: host, cluster: own, links: links)
    }

    fileprivate static func text(_ object: JSONObject, _ name: String, _ prefix: String) throws(FederationFault)
        -> String
    {
        guard let text: String = object[name]?.string, !text.isEmpty else {
            throw FederationFault("\(prefix)\(name) must be a text")
        }
        return text
    }

    fileprivate static func number(_ object: JSONObject, _ prefix: String) throws(FederationFault) -> UInt32 {
        guard let number = object["cluster"]?.int.flatMap({ UInt32(exactly: $0) }), number > 0 else {
            throw FederationFault("\(prefix)cluster must be a number from 1 on")
        }
        return number
    }

    /// A misspelt member would be a rule that nobody follows.
    fileprivate static func refuseOthers(
        _ object: JSONObject,
        _ known: Set<String>,
        _ prefix: String
    ) throws(FederationFault) {
        for (name, _) in object where !known.contains(name) {
            throw FederationFault("\(prefix)\(name) is not known; known are \(known.sorted().joined(separator: ", "))")
        }
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."),
            UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}

extension ClusterLink {
    fileprivate init(_ value: JSONValue, _ prefix: String) throws(FederationFault) {
        guard let object: JSONObject = value.object else {
            throw FederationFault("\(prefix.dropLast()) must be an object")
        }
        let known: Set<String> = ["cluster", "name", "urls", "authority", "accessKey", "secretKey", "accounts"]
        try FederationPlace.refuseOthers(object, known, prefix)
        let cluster: UInt32 = try FederationPlace.number(object, prefix)
        let urls: [String] = object["urls"]?.array?.compactMap(\.string) ?? []
        // Over plain HTTP the key would be anybody's.
        guard !urls.isEmpty, urls.allSatisfy({ $0.hasPrefix("https://") }) else {
            throw FederationFault("\(prefix)urls must be a list of https:// addresses")
        }
        var accounts: Set<UInt64> = []
        for account in object["accounts"]?.array ?? [] {
            guard let id: ResourceID = account.string.flatMap({ ResourceID($0) }), id.cluster == nil else {
                throw FederationFault("\(prefix)accounts must be ids of accounts of this cluster, such as 1a7")
            }
            accounts.insert(id.number)
        }
        self.init(
            cluster: cluster,
            name: object["name"]?.string ?? "cluster \(cluster)",
            urls: urls,
            authority: try FederationPlace.text(object, "authority", prefix),
            accessKey: try FederationPlace.text(object, "accessKey", prefix),
            secretKey: try FederationPlace.text(object, "secretKey", prefix),
            accounts: accounts
        )
    }
}
