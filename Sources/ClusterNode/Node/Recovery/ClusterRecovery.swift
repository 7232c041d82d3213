import Authority
import Bytes
import Certificates
import Crypto
package import JSON
package import Logging
import Model
import RaftCore
import Store
import StoreFormat

/// Makes a survivor a cluster of its own after the majority was lost for good: `drover cluster recover`.
///
/// Offline: no node of the cluster may run. What is on the other members and not here is lost; so this is for when they
/// do not come back.
package enum ClusterRecovery {
    package struct Options: Sendable {
        /// This node's.
        package var data: DataFolder
        /// Of other members that were saved, too.
        package var survivors: [DataFolder]
        /// Goes on though other members answer.
        package var isForced: Bool

        package init(data: DataFolder, survivors: [DataFolder] = [], isForced: Bool = false) {
            self.data = data
            self.survivors = survivors
            self.isForced = isForced
        }
    }

    /// What was found in a data folder.
    package struct Found: Hashable, Sendable {
        package var path: String
        /// Empty when the folder cannot be used.
        package var name: String
        package var cluster: String
        package var term: UInt64
        package var index: UInt64
        package var isChosen: Bool
        /// Why it cannot be used; nil when it can.
        package var problem: String?
    }

    /// What was done, for the operator.
    package struct Report: Sendable {
        package var folders: [Found]
        /// The folder that the cluster goes on from.
        package var path: String
        package var name: String
        package var member: UInt64
        package var incarnation: String
        /// The last entry of the past, and the first revision that is possible now.
        package var lastEntry: UInt64
        package var firstRevision: UInt64
        package var mayHaveLost: Bool
        /// In words.
        package var loss: String
        /// Members that are refused from now on, unless they join anew.
        package var shutOut: [String]
        /// Where the old log and state are kept; nil when there are none left to keep.
        package var kept: String

        package var json: JSONValue {
            [
                "folders": .array(
                    folders.map {
                        [
                            "path": .string($0.path), "name": .string($0.name), "cluster": .string($0.cluster),
                            "term": JSONValue($0.term), "index": JSONValue($0.index), "chosen": .bool($0.isChosen),
                            "problem": JSONValue($0.problem),
                        ]
                    }
                ), "data": .string(path), "name": .string(name), "member": JSONValue(member),
                "incarnation": .string(incarnation), "lastEntry": JSONValue(lastEntry),
                "firstRevision": JSONValue(firstRevision), "mayHaveLost": .bool(mayHaveLost), "loss": .string(loss),
                "shutOut": .array(shutOut.map { .string($0) }), "kept": .string(kept),
            ]
        }
    }

    /// - Throws: ``NodeFault/recovery(_:)`` with what stands in the way; then nothing was changed, unless it says otherwise.
    package static func recover(_ options: Options, logger: Logger) async throws(NodeFault) -> Report {
        for folder in [options.data] + options.survivors {
            let swap = FolderSwap(folder: folder)
            guard swap.isReady else { continue }
            // The decision was made, and its result is complete.
            let kept: String = try swap.finish()
            return try finished(folder, kept)
        }
        let (survivors, folders): ([Survivor], [Found]) = try survey([options.data] + options.survivors)
        guard let chosen: Survivor = survivors.max(by: { $0.last < $1.last }) else {
            throw .recovery(
                "none of the folders can be used: " + folders.compactMap(\.problem).joined(separator: "; ")
                    + ". Restore a backup with 'drover cluster restore'"
            )
        }
        let swap = FolderSwap(folder: chosen.folder)
        swap.discard()
        try swap.fresh.create()
        let view: StoreView = try chosen.load(in: swap.fresh)
        let here = Set(survivors.map(\.configuration.member))
        let others: [PeerProbe.Member] = PeerProbe.others(chosen, in: view, without: here)
        let answering: [PeerProbe.Member] = try await PeerProbe.answering(others)
        guard answering.isEmpty || options.isForced else {
            swap.discard()
            let list: String = answering.map { "\($0.name) at \($0.place ?? "?")" }.joined(separator: ", ")
            throw .recovery(
                """
                somebody still answers at the peer address of \(list). Two clusters of one past would both give orders. If \
                the majority is there, start this node with 'drover server run' and let it join them; if it is not, stop those \
                nodes for good and run this again; if these addresses belong to something else, add --force. Nothing was changed
                """
            )
        }
        let loss: Loss = .of(chosen, here: here, view)
        let time: Int64 = WallClock.milliseconds
        var configuration: NodeConfiguration = chosen.configuration
        configuration.group = GroupIdentity(
            cluster: configuration.group.cluster,
            incarnation: SecureRandom.number()
        )
        configuration.instance = Hex.encode(SecureRandom.bytes(16))
        configuration.peers = []
        let credentials: DataFolder.Credentials? = try reissued(chosen, configuration, view, time)
        let rebirth = Rebirth(
            view: view,
            position: chosen.last,
            configuration: configuration,
            certificate: credentials?.certificate,
            authority: nil,
            audit: AuditRecord(
                eventType: "cluster.recover",
                resourceType: "cluster",
                description:
                    "\(configuration.name) goes on alone from entry \(chosen.last.index) of term \(chosen.last.term); "
                    + loss.text,
                decision: "the command line on this machine\(answering.isEmpty ? "" : ", forced while others answered")"
            ),
            time: time
        )
        try await rebirth.write(in: swap.fresh, logger: logger)
        if let credentials { try chosen.folder.save(credentials) }
        try swap.fresh.save(configuration)
        try swap.ready(keepingOldIn: "before-\(ClusterID.text(configuration.group.incarnation))")
        let kept: String = try swap.finish()
        logger.notice("cluster recovered", ["node.name": .string(configuration.name), "kept": .string(kept)])
        return Report(
            folders: folders.map { found in
                var found: Found = found
                found.isChosen = found.path == chosen.folder.path
                return found
            },
            path: chosen.folder.path,
            name: configuration.name,
            member: configuration.member.number,
            incarnation: ClusterID.text(configuration.group.incarnation),
            lastEntry: chosen.last.index,
            firstRevision: rebirth.base.index + 1,
            mayHaveLost: loss.isPossible,
            loss: loss.text,
            shutOut: chosen.members.members.filter { $0 != configuration.member }.map { loss.name(of: $0) },
            kept: kept
        )
    }

    /// A recovery that was interrupted after its result was complete.
    private static func finished(_ folder: DataFolder, _ kept: String) throws(NodeFault) -> Report {
        let configuration: NodeConfiguration = try folder.configuration()
        return Report(
            folders: [],
            path: folder.path,
            name: configuration.name,
            member: configuration.member.number,
            incarnation: ClusterID.text(configuration.group.incarnation),
            lastEntry: 0,
            firstRevision: 0,
            mayHaveLost: true,
            loss:
                "A recovery that was interrupted here is finished now; what it may have lost stands in the audit log.",
            shutOut: [],
            kept: kept
        )
    }

    /// Reads all folders; one that is damaged is told about and left out.
    private static func survey(_ folders: [DataFolder]) throws(NodeFault) -> ([Survivor], [Found]) {
        var survivors: [Survivor] = []
        var found: [Found] = []
        for folder in folders where !found.contains(where: { $0.path == folder.path }) {
            do throws(NodeFault) {
                let survivor = try Survivor(folder)
                survivors.append(survivor)
                found.append(
                    Found(
                        path: folder.path,
                        name: survivor.configuration.name,
                        cluster: ClusterID.text(survivor.configuration.group.cluster),
                        term: survivor.last.term,
                        index: survivor.last.index,
                        isChosen: false
                    )
                )
            } catch {
                if case .recovery = error { throw error }
                found.append(
                    Found(
                        path: folder.path,
                        name: "",
                        cluster: "",
                        term: 0,
                        index: 0,
                        isChosen: false,
                        problem: "\(error)"
                    )
                )
            }
        }
        let groups: Set<GroupIdentity> = Set(survivors.map(\.configuration.group))
        guard groups.count <= 1 else {
            let list: String = survivors.map {
                "\($0.folder.path) (cluster \(ClusterID.text($0.configuration.group.cluster)), incarnation "
                    + "\(ClusterID.text($0.configuration.group.incarnation)))"
            }.joined(separator: ", ")
            throw .recovery("these folders are not of one cluster: \(list). Nothing was changed")
        }
        return (survivors, found)
    }

    /// A new certificate for the survivor: the old one may have expired while the cluster was down.
    private static func reissued(
        _ survivor: Survivor,
        _ configuration: NodeConfiguration,
        _ view: StoreView,
        _ time: Int64
    ) throws(NodeFault) -> DataFolder.Credentials? {
        guard var credentials: DataFolder.Credentials = try survivor.folder.credentials() else { return nil }
        let sealingKeys: [[UInt8]] = try survivor.folder.sealingKeys()
        guard !sealingKeys.isEmpty else {
            throw .recovery(
                "\(survivor.folder.sealingKeyFile) is gone: without it nobody could join again. Put back the file of any node of "
                    + "this cluster. Nothing was changed"
            )
        }
        do {
            let authority: CertificateAuthority = try ClusterAuthority(cluster: configuration.group.cluster) {
                sealingKeys
            }.open(in: view)
            credentials.certificate = try Issuing.node(
                try .make(key: credentials.key, commonName: configuration.name),
                by: authority,
                cluster: configuration.group.cluster,
                member: configuration.member.number,
                name: configuration.name,
                hosts: configuration.hosts,
                now: time
            )
            credentials.authority = authority.certificate
            return credentials
        } catch {
            throw .recovery("no certificate can be issued: \(error). Nothing was changed")
        }
    }

    /// What may be missing on the survivors, by how many there were.
    private struct Loss {
        var isPossible: Bool
        var text: String
        private var names: [MemberID: String]

        func name(of member: MemberID) -> String { names[member] ?? "member \(member)" }

        static func of(_ survivor: Survivor, here: Set<MemberID>, _ view: StoreView) -> Loss {
            var names: [MemberID: String] = [:]
            for member in survivor.members.members {
                names[member] =
                    view.get(RecordKey(.node, member.number)).flatMap {
                        try? NodeRecord(document: $0.document)
                    }?.name
            }
            // An acknowledged change is on a majority: if those that are away are fewer, somebody here has it.
            let sets: [[MemberID]] = [survivor.members.voters, survivor.members.outgoing].filter { !$0.isEmpty }
            let isPossible: Bool = sets.allSatisfy { voters in
                voters.count(where: { !here.contains($0) }) >= voters.count / 2 + 1
            }
            let away: [String] = survivor.members.members.filter { !here.contains($0) }.map {
                names[$0] ?? "member \($0)"
            }
            let text: String =
                isPossible
                ? "changes that were acknowledged after entry \(survivor.last.index) may be lost: they can have been on "
                    + "\(away.joined(separator: " and ")) only"
                : "nothing that was acknowledged is lost: of every change that was, one of these folders has it"
            return Loss(isPossible: isPossible, text: text, names: names)
        }
    }
}
