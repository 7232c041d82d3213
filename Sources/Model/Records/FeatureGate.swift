import JSON
package import StoreFormat

/// A form of data that a cluster writes only when every one of its nodes reads it.
///
/// A node's *level* grows with each version that can read something new; nodes announce theirs. The *cluster's level* is the
/// lowest of them, once it was committed; it never falls. So nodes of two versions run side by side while a cluster is
/// upgraded, and until the last of them runs the new one, all of them can go back.
package struct FeatureGate: Hashable, Sendable {
    package let name: String
    /// Which level of the cluster opens it.
    package let level: Int

    package init(name: String, level: Int) {
        self.name = name
        self.level = level
    }

    package func isOpen(at clusterLevel: Int) -> Bool { clusterLevel >= level }
}

extension FeatureGate {
    /// The level of this build.
    ///
    /// It grows when a gate is added below.
    package static let ownLevel: Int = 3
    /// Of every node that announces none, and of a cluster where nothing was committed yet.
    package static let firstLevel: Int = 1

    /// The write that forgets when the rights of a subject last changed (kind 8).
    package static let forgetPolicy = FeatureGate(name: "forgetPolicy", level: 2)

    /// Secrets of keys that are kept as an HMAC under a key of the cluster's.
    package static let keyedSecrets = FeatureGate(name: "keyedSecrets", level: 3)

    /// Every gate of this build.
    package static let all: [FeatureGate] = [forgetPolicy, keyedSecrets]

    /// The record of the cluster's level.
    package static let record = RecordKey(.clusterKeys, 7)

    /// The level that the document of ``record`` names; the first where there is none.
    package static func level(of document: [UInt8]?) -> Int {
        guard let document, let fields: JSONObject = try? JSONReader.parse(document).object,
            let level: Int64 = fields["level"]?.int
        else { return firstLevel }
        return Int(level)
    }
}
