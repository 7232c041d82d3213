import Authority
import Bytes
import Certificates
import Crypto
package import Gateway
import Glibc
import JSON
package import Logging
import Model
import RaftCore
import RaftGroup
import RaftLog
import StoreFormat

/// Founds a cluster: one explicit act, once for each data folder.
package enum ServerInit {
    /// What `server init` was told.
    package struct Options: Sendable {
        package var name: String
        package var http: ListenAddress
        /// The API over TLS; nil for not at all.
        package var https: ListenAddress?
        /// Where other nodes come in; nil for a cluster that stays alone.
        package var peer: ListenAddress?
        /// The host under which all of these are reached; nil for the one that they listen at.
        package var advertise: String?
        /// Settings that differ from their defaults from the start.
        package var settings: [(name: String, value: String)]

        package init(
            name: String,
            http: ListenAddress,
            https: ListenAddress? = nil,
            peer: ListenAddress? = nil,
            advertise: String? = nil,
            settings: [(name: String, value: String)] = []
        ) {
            self.name = name
            self.http = http
            self.https = https
            self.peer = peer
            self.advertise = advertise
            self.settings = settings
        }
    }

    /// Makes the folder's log and state, writes the first transaction, and returns the administrator's key: the only time
    /// that its secret is shown.
    ///
    /// What an interrupted founding has left in the folder is made anew.
    ///
    /// - Parameter keep: is given the key before the folder counts as founded, so that whoever keeps it cannot lose it.
    package static func found(
        _ folder: DataFolder,
        _ options: Options,
        logger: Logger,
        keep: (APIKey) throws(NodeFault) -> Void = { _ in }
    ) async throws(NodeFault) -> APIKey {
        let settings: [(name: String, value: String)] = try checked(options.settings)
        guard !folder.isFounded else { throw .alreadyFounded(folder: folder.path) }
        try folder.create()
        folder.removeUnfinished()
        guard access("\(folder.log)/member", F_OK) != 0 else {
            throw .founding(
                "\(folder.path) holds a log but no node.json: if a node ran there, put its node.json back; else remove the folder"
            )
        }
        try folder.beginFounding()
        var configuration = NodeConfiguration(
            name: options.name,
            member: MemberID(Founding.firstNode),
            group: GroupIdentity(cluster: SecureRandom.number(), incarnation: SecureRandom.number()),
            http: options.http,
            https: options.https,
            peer: options.peer,
            advertise: options.advertise
        )
        do throws(LogFault) {
            try FileLog.create(
                in: folder.log,
                member: configuration.member,
                group: configuration.group,
                configuration: Configuration(voters: [configuration.member])
            )
        } catch {
            throw .storage("\(error)")
        }
        configuration.instance = Hex.encode(SecureRandom.bytes(16))
        try folder.saveInstance(configuration.instance)
        let time: Int64 = WallClock.milliseconds
        let (credentials, authority): (DataFolder.Credentials, SealedAuthority) = try foundAuthority(
            folder,
            configuration,
            time
        )
        let node: JSONObject = NodeEntry(configuration).fields(
            state: .active,
            time: time,
            certificate: credentials.certificate
        )
        let key: APIKey = try await writeFirst(folder, configuration, authority, node, time, settings, logger)
        try keep(key)
        try folder.save(configuration)
        folder.forgetBegun()
        return key
    }

    /// The authority, its key sealed under a new key of the folder, and the first certificate that it issues.
    private static func foundAuthority(
        _ folder: DataFolder,
        _ configuration: NodeConfiguration,
        _ time: Int64
    ) throws(NodeFault) -> (DataFolder.Credentials, SealedAuthority) {
        let sealingKey: [UInt8] = SealedAuthority.newSealingKey()
        let credentials: DataFolder.Credentials
        let sealed: SealedAuthority
        do {
            let cluster: UInt64 = configuration.group.cluster
            let authority: CertificateAuthority = try Issuing.found(cluster: cluster, now: time)
            sealed = try SealedAuthority(sealing: authority, key: sealingKey, cluster: cluster)
            let key: PrivateKey = try .generate()
            credentials = DataFolder.Credentials(
                certificate: try Issuing.node(
                    try .make(key: key, commonName: configuration.name),
                    by: authority,
                    cluster: cluster,
                    member: configuration.member.number,
                    name: configuration.name,
                    hosts: configuration.hosts,
                    now: time
                ),
                key: key,
                authority: authority.certificate
            )
        } catch {
            throw .founding("\(error)")
        }
        try folder.saveSealingKey(sealingKey)
        try folder.save(credentials)
        return (credentials, sealed)
    }

    private static func writeFirst(
        _ folder: DataFolder,
        _ configuration: NodeConfiguration,
        _ authority: SealedAuthority,
        _ node: JSONObject,
        _ time: Int64,
        _ settings: [(name: String, value: String)],
        _ logger: Logger
    ) async throws(NodeFault) -> APIKey {
        let core: NodeCore = try NodeCore.open(folder, configuration, logger: logger) { reason in
            logger.error("founding failed", ["error": .string(reason)])
        }
        let key = APIKey.generate()
        let identityKey: [UInt8] = SecureRandom.bytes(SealedBox.keyBytes)
        guard let sealingKey: [UInt8] = try folder.sealingKey(),
            let sealed: String = SealedIdentityKeys.seal(
                identityKey,
                key: sealingKey,
                cluster: configuration.group.cluster
            )
        else { throw .founding("the first key of the cluster cannot be sealed") }
        let transaction: Transaction = Founding.transaction(
            time: time,
            publicValue: key.publicValue,
            secretHash: KeyHash.make(
                key.secretValue,
                of: key.publicValue,
                key: identityKey,
                id: SealedIdentityKeys.firstID
            ),
            registrationKey: Hex.encode(SecureRandom.bytes(32)),
            uuid: Hex.encode(SecureRandom.bytes(16)),
            authority: authority,
            identityKey: sealed,
            node: node,
            settings: settings
        )
        do {
            try await core.state.group.awaitLeader()
            let outcome: TransactionOutcome = try await core.state.propose(transaction)
            guard case .committed = outcome else {
                throw NodeFault.founding("\(outcome); remove \(folder.path) and try again")
            }
        } catch {
            await core.close()
            throw .founding("the first change of the cluster was not written: \(error)")
        }
        await core.checkpointAndClose()
        return key
    }

    /// Each setting once, the last word on it; by name.
    private static func checked(
        _ settings: [(name: String, value: String)]
    ) throws(NodeFault) -> [(name: String, value: String)] {
        if let wrong = settings.first(where: { !SettingCatalogue.isListed($0.name) }) {
            throw .founding("'\(wrong.name)' is no name of a setting: it must start with a lower-case letter")
        }
        for (name, value) in settings {
            if let fault: String = SettingValue.fault(name, value) {
                throw .founding("the setting \(name) cannot be founded with: it \(fault)")
            }
        }
        let last: [String: String] = Dictionary(settings.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
        return last.sorted { $0.key < $1.key }.map { (name: $0.key, value: $0.value) }
    }
}

extension SecureRandom {
    /// For ids of clusters and incarnations: never 0, which reads as "none"; 63 bits, so that it fits every number type on its
    /// way.
    static func number() -> UInt64 { bytes(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) } >> 1 | 1 }
}
