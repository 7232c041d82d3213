import CLI
import ClusterNode
import Gateway
import Glibc
import JSON
import Logging

/// `cluster backup`, `cluster restore` and `cluster recover`: what reads or writes the cluster's own files.
enum ClusterFileCommands {
    static let all: [Command] = [backup, restore, recover]

    private static let backup = Command(
        "cluster backup",
        operands: "FILE",
        summary: "write the whole state of the cluster into a file, or check such a file",
        details: """
            Any node makes it, while the cluster goes on; it holds everything that was acknowledged before. The file is written
            beside, read back whole, and put in place when it is found good; one that was there is replaced.

            In it are all resources and keys in a form that opens them, but not the cluster's sealing key, without which the
            certificate authority stays shut: keep 'sealing.key' of any node's data folder, too, in another place. The past (audit
            log, old revisions) is not in it. With --verify a file is checked without a cluster: nothing is asked, nothing changed.
            """,
        options: [OptionSpec("verify", "check FILE instead: whole, unaltered, of a version that can be read")]
    ) { invocation in
        let path: String = try file(invocation)
        if invocation.arguments.has("verify") {
            return tell(invocation, try checked(path), "\(path) is good")
        }
        let partial: String = "\(path).partial"
        try await BackupDownload.fetch(invocation, to: partial)
        let verified: BackupFile.Verified
        do {
            verified = try checked(partial)
        } catch {
            unlink(partial)
            throw error
        }
        guard rename(partial, path) == 0 else {
            throw CommandFailure("cannot put \(path) in place: \(String(cString: strerror(errno)))")
        }
        let code: Int32 = tell(invocation, verified, "\(path) is written and was read back")
        if let key: String = verified.header.sealingKeyID {
            invocation.console.note(
                "the sealing key \(key) is not in it: keep the file sealing.key of any node's data folder in another place"
            )
        }
        return code
    }

    private static func checked(_ path: String) throws(CommandFailure) -> BackupFile.Verified {
        do throws(NodeFault) {
            return try BackupFile.verify(path)
        } catch {
            throw CommandFailure("\(error)")
        }
    }

    private static func tell(_ invocation: Invocation, _ verified: BackupFile.Verified, _ text: String) -> Int32 {
        let header: BackupHeader = verified.header
        if invocation.output == .table {
            invocation.console.line("\(text):")
            invocation.console.line("  cluster      \(header.clusterID)")
            invocation.console.line("  entry        \(header.index) of term \(header.term)")
            invocation.console.line("  records      \(verified.records)")
            invocation.console.line("  made         \(header.made) by drover \(header.product)")
            invocation.console.line("  state hash   \(verified.hash)")
            invocation.console.line("  sealing key  \(header.sealingKeyID ?? "none")")
        } else {
            var document: JSONObject = header.json
            document["stateHash"] = .string(verified.hash)
            document["records"] = JSONValue(verified.records)
            invocation.show(.object(document))
        }
        return 0
    }

    private static let restore = Command(
        "cluster restore",
        operands: "FILE",
        summary: "make the first node of a cluster out of a backup, on a machine where none runs",
        details: """
            The backup is checked before anything is touched. The cluster keeps its id and gets another incarnation: nodes of its
            past are refused, hosts keep their containers and hear only this one. Revisions go on far above the old ones, so that
            every watch and cache starts anew; sessions and join tokens are void. Start the node with 'drover server run', and let
            others join with 'drover cluster token' and 'drover server join'.

            With --sealing-key, the file sealing.key of any node of the old cluster, its certificate authority goes on, and hosts
            come back by themselves. Without it a new authority is founded: clients need its file, and hosts must register again; the
            secrets of keys cannot be compared any more, so the command makes and prints a key of the first administrator.
            """,
        options: [
            OptionSpec("data", value: "DIR", "the new node's data folder; must not hold a node"),
            OptionSpec("name", value: "NODE", "the new node's name; may be that of an old one"),
            OptionSpec("sealing-key", value: "FILE", "sealing.key out of the data folder of a node of the old cluster"),
        ] + ServerCommands.addresses
    ) { invocation in
        let path: String = try file(invocation)
        let folder: DataFolder = try ServerCommands.folder(invocation)
        let node: ServerInit.Options = try ServerCommands.options(invocation)
        let report: ClusterRestore.Report
        do throws(NodeFault) {
            var key: [UInt8]?
            if let file: String = invocation.arguments.value("sealing-key") {
                key = try ClusterRestore.sealingKey(at: invocation.path(file))
            }
            report = try await ClusterRestore.restore(
                folder,
                ClusterRestore.Options(node: node, backup: path, sealingKey: key),
                logger: .standard(invocation.environment, quiet: true)
            )
        } catch {
            throw CommandFailure("\(error)")
        }
        guard invocation.output == .table else {
            invocation.show(report.json)
            return 0
        }
        let console: Console = invocation.console
        console.line(
            "The cluster \(report.header.clusterID) is restored in \(folder.path), up to entry \(report.header.index)."
        )
        console.line("It is incarnation \(report.incarnation) now, and its revisions begin at \(report.firstRevision).")
        if report.hasNewAuthority {
            console.line(
                "It has a new certificate authority: give clients \(folder.authorityFile), and let each host register again "
                    + "with 'drover hosts token'; their containers go on."
            )
        }
        if let key: APIKey = report.administrator {
            console.line("Keys and logins of the past are good no more. An administrator's key, shown only now:")
            console.line("  access key  \(key.publicValue)")
            console.line("  secret key  \(key.secretValue)")
        }
        console.line("Start the node: drover server run --data \(folder.path)")
        return 0
    }

    private static let recover = Command(
        "cluster recover",
        summary: "go on from what is left when a majority of the nodes is lost for good",
        details: """
            Run it on a machine that has the data folder of a node that survived, while no node of the cluster runs. Of the folders
            that are given the newest is chosen, everything in its log counts, and its node becomes a cluster of one. It is another
            incarnation: all other members are refused for ever and join anew, with empty folders; hosts keep their containers.
            The node gets a new certificate; its old log and state are kept beside the new ones.

            Changes that were acknowledged can be lost when they were on the lost nodes only; the command says whether that is
            possible. While somebody answers at the peer address of another member it refuses, unless --force is given.
            """,
        options: [
            OptionSpec("data", value: "DIR", "the data folder of a node that survived"),
            OptionSpec("survivor", value: "DIR", "that of another one; may be given several times"),
            OptionSpec("force", "go on although other members seem to answer"),
        ]
    ) { invocation in
        try ServerCommands.refuseOperands(invocation)
        let folder: DataFolder = try ServerCommands.folder(invocation)
        let report: ClusterRecovery.Report
        do throws(NodeFault) {
            report = try await ClusterRecovery.recover(
                ClusterRecovery.Options(
                    data: folder,
                    survivors: invocation.arguments.values("survivor").map { DataFolder(invocation.path($0)) },
                    isForced: invocation.arguments.has("force")
                ),
                logger: .standard(invocation.environment, quiet: true)
            )
        } catch {
            throw CommandFailure("\(error)")
        }
        guard invocation.output == .table else {
            invocation.show(report.json)
            return 0
        }
        let console: Console = invocation.console
        for found in report.folders {
            console.line(
                found.problem.map { "\(found.path): cannot be used: \($0)" }
                    ?? "\(found.path): \(found.name) of cluster \(found.cluster), to entry \(found.index) of term \(found.term)"
                    + (found.isChosen ? "; the newest, chosen" : "")
            )
        }
        console.line("\(report.name) is a cluster of one now, incarnation \(report.incarnation).")
        console.line("What was lost: \(report.loss).")
        if !report.shutOut.isEmpty {
            console.line(
                "Refused from now on: \(report.shutOut.joined(separator: ", ")). Empty their data folders; they join with new tokens."
            )
        }
        console.line("The old log and state are kept in \(report.kept); remove them when all is well.")
        console.line("Start the node: drover server run --data \(report.path)")
        return 0
    }

    private static func file(_ invocation: Invocation) throws(CommandFailure) -> String {
        guard invocation.arguments.operands.count == 1, let name: String = invocation.arguments.operands.first else {
            throw .usage("name one file")
        }
        return invocation.path(name)
    }
}
