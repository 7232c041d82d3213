import Authority
import Bytes
import Crypto
package import JSON
import Model
import RaftCore

/// What a backup says of itself, before its content.
///
/// Shape: a JSON object, see docs/reference/formats.md; the product's version is for people, nothing is decided by it.
package struct BackupHeader: Hashable, Sendable {
    /// Of the file as a whole; another one is refused.
    package static let formatVersion: UInt8 = 1

    var group: GroupIdentity
    /// Of the program that wrote it.
    package var product: String
    /// The entry up to which the state goes, and the term in which that was.
    package var index: UInt64
    package var term: UInt64
    /// Milliseconds since 1970.
    package var time: Int64
    /// Bytes of the content.
    package var size: Int
    /// SHA-256 of the content.
    package var digest: [UInt8]
    /// SHA-256 of the authority's certificate; nil in a cluster without one.
    package var authority: [UInt8]?
    /// Names the sealing key that opens the authority, and does not help to find it; nil without an authority.
    package var sealingKeyID: String?

    /// When it was made, for people.
    package var made: String { StoredDate.text(time) }
    package var clusterID: String { ClusterID.text(group.cluster) }

    package var json: JSONObject {
        [
            "cluster": .string(ClusterID.text(group.cluster)),
            "incarnation": .string(ClusterID.text(group.incarnation)), "product": .string(product),
            "index": JSONValue(index), "term": JSONValue(term), "time": .int(time), "size": JSONValue(size),
            "sha256": .string(Hex.encode(digest)), "authority": JSONValue(authority.map { Hex.encode($0) }),
            "sealingKey": JSONValue(sealingKeyID),
        ]
    }

    init(
        group: GroupIdentity,
        product: String,
        index: UInt64,
        term: UInt64,
        time: Int64,
        size: Int,
        digest: [UInt8],
        authority: [UInt8]?,
        sealingKeyID: String?
    ) {
        self.group = group
        self.product = product
        self.index = index
        self.term = term
        self.time = time
        self.size = size
        self.digest = digest
        self.authority = authority
        self.sealingKeyID = sealingKeyID
    }

    /// nil when a member is missing or makes no sense.
    package init?(_ value: JSONValue) {
        func number(_ key: String) -> UInt64? { value[key]?.int.flatMap { UInt64(exactly: $0) } }
        func id(_ key: String) -> UInt64? {
            value[key]?.string.flatMap { UInt64($0, radix: 16) }.flatMap { $0 == 0 ? nil : $0 }
        }
        guard let cluster: UInt64 = id("cluster"), let incarnation: UInt64 = id("incarnation"),
            let product: String = value["product"]?.string, let index: UInt64 = number("index"), index < 1 << 62,
            let term: UInt64 = number("term"), term < 1 << 62, let time: Int64 = value["time"]?.int,
            let size: Int = number("size").flatMap({ Int(exactly: $0) }),
            let digest: [UInt8] = value["sha256"]?.string.flatMap({ Hex.decode($0) }), digest.count == SHA256.byteCount
        else { return nil }
        self.init(
            group: GroupIdentity(cluster: cluster, incarnation: incarnation),
            product: product,
            index: index,
            term: term,
            time: time,
            size: size,
            digest: digest,
            authority: value["authority"]?.string.flatMap { Hex.decode($0) },
            sealingKeyID: value["sealingKey"]?.string
        )
    }

    /// The name of a sealing key: a hash of it, which nobody can turn round.
    static func name(of sealingKey: [UInt8]) -> String {
        Hex.encode(Array(SHA256.hash(Array("drover sealing key ".utf8) + sealingKey).prefix(8)))
    }
}
