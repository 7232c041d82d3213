package import Authority
package import JSON
import Model
package import StoreFormat

/// The first transaction of a cluster: the accounts, the environment and the key without which nobody could ask for anything.
///
/// Clients know the numbers (contract A6): the administrator is `1a1`, the environment Default `1a5`.
package enum Founding {
    package static let administrator: UInt64 = 1
    package static let system: UInt64 = 2
    package static let superAdministrator: UInt64 = 3
    package static let administratorKey: UInt64 = 4
    package static let defaultProject: UInt64 = 5
    package static let clusterKeys: UInt64 = 6
    /// The first node: its number is its member id in the Raft group.
    package static let firstNode: UInt64 = 7

    /// - Parameters:
    ///   - time: milliseconds since 1970.
    ///   - publicValue: the administrator's access key.
    ///   - secretHash: its secret, hashed.
    ///   - registrationKey: signs registration tokens; hexadecimal.
    ///   - authority: the cluster's, its key sealed.
    ///   - identityKey: the first key under which logins are known and secrets are kept, sealed.
    ///   - node: the members of the first node's record.
    ///   - settings: values that differ from their defaults, such as `api.security.enabled`.
    package static func transaction(
        time: Int64,
        publicValue: String,
        secretHash: String,
        registrationKey: String,
        uuid: String,
        authority: SealedAuthority,
        identityKey: String? = nil,
        node: JSONObject,
        settings: [(name: String, value: String)]
    ) -> Transaction {
        var writes: [Write] = []
        func account(_ number: UInt64, _ kind: String, _ name: String, uuid: String) {
            writes.append(
                RecordWriting.put(
                    .account,
                    .known(number),
                    [
                        "name": .string(name), "kind": .string(kind), "uuid": .string(uuid), "state": "active",
                        "created": .int(time), "description": nil, "removed": nil,
                    ],
                    scope: .known(0)
                )
            )
        }
        account(administrator, "admin", "admin", uuid: "admin")
        account(system, "system", "system", uuid: "system")
        account(superAdministrator, "superadmin", "superadmin", uuid: "superadmin")
        account(defaultProject, "project", "Default", uuid: "adminProject")
        writes.append(
            RecordWriting.put(
                .credential,
                .known(administratorKey),
                [
                    "name": "administrator", "kind": "apiKey", "uuid": .string(uuid), "state": "active",
                    "created": .int(time), "description": "Made when the cluster was founded", "removed": nil,
                    "accountId": JSONValue(administrator), "publicValue": .string(publicValue),
                    "secretHash": .string(secretHash),
                ],
                scope: .known(0)
            )
        )
        var keys: JSONObject = [
            "registrationKey": .string(registrationKey), "authority": .string(authority.certificate),
            "authorityKey": .string(authority.sealedKey),
        ]
        if let identityKey { SealedIdentityKeys.put(first: identityKey, at: time, &keys) }
        writes.append(RecordWriting.put(.clusterKeys, .known(clusterKeys), keys, scope: .known(0)))
        // All nodes read what this one reads, as there is no other: an older one is refused from the beginning.
        writes.append(
            RecordWriting.put(
                ClusterLevel.key.table,
                .known(ClusterLevel.key.number),
                ["kind": "clusterLevel", "level": JSONValue(FeatureGate.ownLevel)],
                scope: .known(0)
            )
        )
        writes.append(RecordWriting.put(.node, .known(firstNode), node, scope: .known(0)))
        for (index, setting) in settings.enumerated() {
            writes.append(
                RecordWriting.put(
                    .setting,
                    .created(index),
                    [
                        "name": .string(setting.name), "value": .string(setting.value), "kind": "setting",
                        "state": "active", "created": .int(time), "removed": nil,
                    ],
                    scope: .known(0)
                )
            )
        }
        return Transaction(
            time: time,
            actor: "system",
            requestID: "founding",
            preconditions: [.absent(RecordKey(.account, administrator))],
            writes: writes,
            created: settings.count
        )
    }
}
