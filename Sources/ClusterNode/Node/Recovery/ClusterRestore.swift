import Authority
import Bytes
import Certificates
import Crypto
package import Gateway
import Glibc
package import JSON
package import Logging
import RaftCore
import Store
import StoreFormat

/// Makes the first node of a cluster out of a backup: `drover cluster restore`.
///
/// Offline, into a folder that holds no node. The cluster keeps its id and gets another incarnation, so that nodes of its past
/// are refused and hosts void what they were ordered before.
package enum ClusterRestore {
    package struct Options: Sendable {
        /// As `server init` takes them; settings come with the backup.
        package var node: ServerInit.Options
        package var backup: String
        /// Of the cluster that the backup is of; nil to found a new authority.
        package var sealingKey: [UInt8]?

        package init(node: ServerInit.Options, backup: String, sealingKey: [UInt8]?) {
            self.node = node
            self.backup = backup
            self.sealingKey = sealingKey
        }
    }

    package struct Report: Sendable {
        package var header: BackupHeader
        package var name: String
        package var member: UInt64
        package var incarnation: String
        package var firstRevision: UInt64
        /// Hosts and clients have to be told of a new authority.
        package var hasNewAuthority: Bool
        /// An administrator's key, shown only now; nil when the old keys go on.
        package var administrator: APIKey?

        package var json: JSONValue {
            var json: JSONObject = [
                "name": .string(name), "member": JSONValue(member), "cluster": .string(header.clusterID),
                "incarnation": .string(incarnation), "restoredEntry": JSONValue(header.index),
                "firstRevision": JSONValue(firstRevision), "newAuthority": .bool(hasNewAuthority),
            ]
            if let administrator {
                json["accessKey"] = .string(administrator.publicValue)
                json["secretKey"] = .string(administrator.secretValue)
            }
            return .object(json)
        }
    }

    /// Reads a sealing key as it stands in `sealing.key`.
    package static func sealingKey(at path: String) throws(NodeFault) -> [UInt8] {
        let text = String(decoding: try DataFolder.read(path), as: UTF8.self)
        let digits: Substring = text.last == "\n" ? text.dropLast() : text[...]
        guard let key: [UInt8] = Hex.decode(String(digits)), key.count == SealedAuthority.sealingKeyBytes else {
            throw .recovery("\(path) is no sealing key: it is the file sealing.key in the data folder of any node")
        }
        return key
    }

    /// - Throws: ``NodeFault``; what is wrong with the backup is found out before the folder is touched.
    package static func restore(
        _ folder: DataFolder,
        _ options: Options,
        logger: Logger
    ) async throws(NodeFault) -> Report {
        guard !folder.isFounded else { throw .alreadyFounded(folder: folder.path) }
        guard NodeName.isValid(options.node.name) else {
            throw .recovery("'\(options.node.name)' is no node name: use a-z, 0-9 and -, at most 63 characters")
        }
        let verified: BackupFile.Verified = try BackupFile.verify(options.backup)
        let (header, view): (BackupHeader, StoreView) = (verified.header, verified.view)
        let time: Int64 = WallClock.milliseconds
        let opened: CertificateAuthority? = try authority(options, header, view)
        try folder.create()
        folder.removeUnfinished()
        guard !RawFile.exists("\(folder.log)/member") else {
            throw .recovery("\(folder.path) holds a log but no node.json: take an empty folder")
        }
        try folder.beginFounding()
        let configuration = NodeConfiguration(
            name: options.node.name,
            // The next number that the cluster would give: it was never a member's.
            member: MemberID(view.nextNumber),
            group: GroupIdentity(cluster: header.group.cluster, incarnation: SecureRandom.number()),
            instance: Hex.encode(SecureRandom.bytes(16)),
            http: options.node.http,
            https: options.node.https,
            peer: options.node.peer,
            advertise: options.node.advertise
        )
        let identity: Identity? = try Identity.make(
            header.authority == nil ? nil : (opened, options.sealingKey),
            configuration,
            time
        )
        if let identity {
            try folder.saveSealingKey(identity.sealingKey)
            try folder.save(identity.credentials)
        }
        let rebirth = Rebirth(
            view: view,
            position: LogPosition(index: header.index, term: header.term),
            configuration: configuration,
            certificate: identity?.credentials.certificate,
            authority: identity?.new,
            // Secrets are kept under keys that only the old sealing key opens.
            administrator: identity?.new == nil ? nil : .generate(),
            audit: AuditRecord(
                eventType: "cluster.restore",
                resourceType: "cluster",
                description:
                    "restored from a backup of entry \(header.index), made by drover \(header.product); what came later is lost",
                decision: "the command line on this machine"
            ),
            time: time
        )
        try await rebirth.write(in: folder, logger: logger)
        try folder.save(configuration)
        folder.forgetBegun()
        logger.notice("cluster restored", ["node.name": .string(configuration.name)])
        return Report(
            header: header,
            name: configuration.name,
            member: configuration.member.number,
            incarnation: ClusterID.text(configuration.group.incarnation),
            firstRevision: rebirth.base.index + 1,
            hasNewAuthority: identity?.new != nil,
            administrator: rebirth.administrator
        )
    }

    /// The backup's authority, opened; nil when no sealing key was given, or there is no authority.
    private static func authority(
        _ options: Options,
        _ header: BackupHeader,
        _ view: StoreView
    ) throws(NodeFault) -> CertificateAuthority? {
        guard let key: [UInt8] = options.sealingKey else { return nil }
        guard header.authority != nil else {
            throw .recovery("the backup is of a cluster without an authority, so no sealing key belongs to it")
        }
        let name: String = BackupHeader.name(of: key)
        guard header.sealingKeyID == nil || header.sealingKeyID == name else {
            throw .recovery(
                "this sealing key (\(name)) is not the one of the backup (\(header.sealingKeyID ?? "none")): take sealing.key of a "
                    + "node of cluster \(header.clusterID). Nothing was changed"
            )
        }
        do throws(AuthorityFault) {
            return try ClusterAuthority(cluster: header.group.cluster, sealingKey: key).open(in: view)
        } catch {
            throw .recovery("\(error). Nothing was changed")
        }
    }

    /// What the new node shows, and how the authority is kept.
    private struct Identity {
        var credentials: DataFolder.Credentials
        var sealingKey: [UInt8]
        /// An authority that takes the place of the old one; nil when that one could be opened.
        var new: SealedAuthority?

        static func make(
            _ old: (authority: CertificateAuthority?, sealingKey: [UInt8]?)?,
            _ configuration: NodeConfiguration,
            _ time: Int64
        ) throws(NodeFault) -> Identity? {
            guard let old else { return nil }
            let cluster: UInt64 = configuration.group.cluster
            do {
                let authority: CertificateAuthority
                let sealingKey: [UInt8]
                var new: SealedAuthority?
                if let opened: CertificateAuthority = old.authority, let key: [UInt8] = old.sealingKey {
                    (authority, sealingKey) = (opened, key)
                } else {
                    authority = try Issuing.found(cluster: cluster, now: time)
                    sealingKey = SealedAuthority.newSealingKey()
                    new = try SealedAuthority(sealing: authority, key: sealingKey, cluster: cluster)
                }
                let key: PrivateKey = try .generate()
                let certificate: Certificate = try Issuing.node(
                    try .make(key: key, commonName: configuration.name),
                    by: authority,
                    cluster: cluster,
                    member: configuration.member.number,
                    name: configuration.name,
                    hosts: configuration.hosts,
                    now: time
                )
                return Identity(
                    credentials: DataFolder.Credentials(
                        certificate: certificate,
                        key: key,
                        authority: authority.certificate
                    ),
                    sealingKey: sealingKey,
                    new: new
                )
            } catch {
                throw .recovery("no certificate can be issued: \(error)")
            }
        }
    }
}
