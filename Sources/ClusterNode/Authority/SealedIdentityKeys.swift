internal import Bytes
internal import Crypto
package import JSON

/// The keys under which logins are known and stored secrets are sealed, as they are replicated: each sealed under the sealing
/// key, like the authority's.
///
/// Shape: the member ``member`` of the record of the cluster's keys, an array of objects with `id`, `created` and `sealed`,
/// the newest first.
package enum SealedIdentityKeys {
    package static let member: String = "identityKeys"

    /// Base64 of what ``SealedBox`` makes of a key.
    package static func seal(_ plain: [UInt8], key: [UInt8], cluster: UInt64) -> String? {
        (try? SealedBox.seal(plain, key: key, binding: binding(cluster))).map { Base64.encode($0) }
    }

    /// The id of a cluster's first key.
    package static let firstID: Int64 = 1

    /// Makes the key the only one of a record.
    ///
    /// - Parameter time: milliseconds since 1970.
    package static func put(first sealed: String, at time: Int64, _ fields: inout JSONObject) {
        fields[member] = [["id": .int(firstID), "created": .int(time), "sealed": .string(sealed)]]
    }

    /// nil when none of this node's sealing keys opens it.
    package static func open(_ sealed: String, keys: [[UInt8]], cluster: UInt64) -> [UInt8]? {
        guard let box: [UInt8] = Base64.decode(sealed) else { return nil }
        for key in keys {
            if let plain: [UInt8] = try? SealedBox.open(box, key: key, binding: binding(cluster)) { return plain }
        }
        return nil
    }

    /// Seals all of a record's under `next`; those that do not open are of no use to anybody and stay as they are.
    package static func reseal(_ fields: inout JSONObject, keys: [[UInt8]], under next: [UInt8], cluster: UInt64) {
        guard let stored: [JSONValue] = fields[member]?.array else { return }
        fields[member] = .array(
            stored.map { entry in
                guard var object: JSONObject = entry.object, let sealed: String = object["sealed"]?.string,
                    let plain: [UInt8] = open(sealed, keys: keys, cluster: cluster),
                    let again: String = seal(plain, key: next, cluster: cluster)
                else { return entry }
                object["sealed"] = .string(again)
                return .object(object)
            }
        )
    }

    private static func binding(_ cluster: UInt64) -> [UInt8] {
        Array("drover identity key \(ClusterID.text(cluster))".utf8)
    }
}
