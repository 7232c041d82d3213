import Bytes
import Crypto
package import Gateway
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
        /// Settings that differ from their defaults from the start.
        package var settings: [(name: String, value: String)]

        package init(name: String, http: ListenAddress, settings: [(name: String, value: String)] = []) {
            self.name = name
            self.http = http
            self.settings = settings
        }
    }

    /// Makes the folder's log and state, writes the first transaction, and returns the administrator's key: the only time
    /// that its secret is shown.
    package static func found(
        _ folder: DataFolder,
        _ options: Options,
        logger: Logger
    ) async throws(NodeFault) -> APIKey {
        let settings: [(name: String, value: String)] = try checked(options.settings)
        guard !folder.isFounded else { throw .alreadyFounded(folder: folder.path) }
        try folder.create()
        let configuration = NodeConfiguration(
            name: options.name,
            member: MemberID(1),
            group: GroupIdentity(cluster: random(), incarnation: random()),
            http: options.http
        )
        do throws(LogFault) {
            try FileLog.create(
                in: folder.log,
                member: configuration.member,
                group: configuration.group,
                configuration: Configuration(voters: [configuration.member])
            )
        } catch .exists {
            throw .founding(
                "\(folder.path) holds a log but no node.json: if its founding was interrupted, remove the folder and try "
                    + "again; if a node ran there, put its node.json back"
            )
        } catch {
            throw .storage("\(error)")
        }
        let key: APIKey = try await writeFirst(folder, settings, logger)
        try folder.save(configuration)
        return key
    }

    private static func writeFirst(
        _ folder: DataFolder,
        _ settings: [(name: String, value: String)],
        _ logger: Logger
    ) async throws(NodeFault) -> APIKey {
        let core: NodeCore = try NodeCore.open(folder, logger: logger) { reason in
            logger.error("founding failed", ["error": .string(reason)])
        }
        let key = APIKey.generate()
        let transaction: Transaction = Founding.transaction(
            time: WallClock.milliseconds,
            publicValue: key.publicValue,
            secretHash: KeyHash.make(key.secretValue),
            registrationKey: Hex.encode(SecureRandom.bytes(32)),
            uuid: Hex.encode(SecureRandom.bytes(16)),
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
        let last: [String: String] = Dictionary(settings.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
        return last.sorted { $0.key < $1.key }.map { (name: $0.key, value: $0.value) }
    }

    private static func random() -> UInt64 {
        // Never 0, which reads as "none"; 63 bits, so that it fits every number type on its way.
        SecureRandom.bytes(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) } >> 1 | 1
    }
}
