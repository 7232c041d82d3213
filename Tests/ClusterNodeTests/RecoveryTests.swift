import Authority
import Bytes
import Certificates
import EventLoop
import Foundation
import Gateway
import HTTP
import JSON
import Limits
import Model
import RaftCore
import Store
import StoreFormat
import Testing

@testable import ClusterNode

/// Backups, and clusters that go on from one, or from a survivor.
@Suite(.serialized, .timeLimit(.minutes(2))) struct RecoveryTests {
    /// A backup of a node that runs, in a file beside its folder.
    private static func backup(_ rig: NodeRig) async throws -> String {
        var request = HTTPRequest(
            method: "POST",
            target: "/v2-beta/cluster?action=backup",
            headers: [
                "Authorization":
                    "Basic \(Base64.encode(Array("\(rig.key.publicValue):\(rig.key.secretValue)".utf8)))"
            ]
        )
        request.headers["Content-Type"] = "application/json"
        let answer: HTTPClientResponse = try await rig.client.send(request, to: await rig.endpoint)
        #expect(answer.status == 200, "\(String(decoding: answer.body.prefix(300), as: UTF8.self))")
        let path: String = "\(rig.folder.path).backup"
        try DataFolder.write(answer.body, to: path)
        return path
    }

    private static func stack(_ rig: NodeRig, _ name: String) async throws {
        let made = try await rig.call("POST", "stacks", ["name": .string(name)])
        #expect(made.status == 201, "\(made)")
    }

    /// The stacks that a node of this folder shows, the audit of its state, and its first revision.
    private static func shown(
        _ folder: DataFolder,
        key: (access: String, secret: String)
    ) async throws -> (stacks: Set<String>, revision: UInt64) {
        let node: Node = try await NodeRig.start(folder)
        let loop: EventLoop = try .start()
        let client = HTTPClient(loop: loop)
        let parts: [Substring] = node.endpoint.split(separator: ":")
        let answer: HTTPClientResponse = try await client.send(
            HTTPRequest(
                method: "GET",
                target: "/v2-beta/projects/1a5/stacks",
                headers: ["Authorization": "Basic \(Base64.encode(Array("\(key.access):\(key.secret)".utf8)))"]
            ),
            to: .tcp(host: String(parts[0]), port: Int(parts[1]) ?? 0)
        )
        let made: HTTPClientResponse = try await client.send(
            HTTPRequest(
                method: "POST",
                target: "/v2-beta/projects/1a5/stacks",
                headers: ["Authorization": "Basic \(Base64.encode(Array("\(key.access):\(key.secret)".utf8)))"],
                body: Array(#"{"name":"after"}"#.utf8)
            ),
            to: .tcp(host: String(parts[0]), port: Int(parts[1]) ?? 0)
        )
        #expect(made.status == 201, "\(String(decoding: made.body, as: UTF8.self))")
        client.close()
        await loop.stop()
        await node.stop()
        let names: [String] =
            (try JSONReader.parse(answer.body))["data"]?.array?.compactMap { $0["name"]?.string } ?? []
        return (Set(names), answer.headers["x-api-revision"].flatMap { UInt64($0) } ?? 0)
    }

    private static func remove(_ paths: [String]) {
        for path in paths { try? FileManager.default.removeItem(atPath: path) }
    }

    private static func fault(_ body: () async throws -> Void) async -> String {
        do {
            try await body()
            return "nothing was refused"
        } catch {
            return "\(error)"
        }
    }

    @Test func `a backup is whole, and whatever is done to it is refused with the reason`() async throws {
        let rig = try await NodeRig()
        try await Self.stack(rig, "one")
        let path: String = try await Self.backup(rig)
        let verified: BackupFile.Verified = try BackupFile.verify(path)
        #expect(verified.header.index > 0 && verified.records > 5 && verified.header.product == "test")
        let key: [UInt8] = try #require(try rig.folder.sealingKey())
        #expect(verified.header.sealingKeyID == BackupHeader.name(of: key))
        let bytes: [UInt8] = try DataFolder.read(path)
        #expect(
            !String(decoding: bytes, as: UTF8.self).contains(Hex.encode(key))
                && bytes.count > 10_000 && !Data(bytes).contains(Data(key)),
            "the sealing key is in the backup"
        )
        // A second one right away: the first gave its place back.
        _ = try await Self.backup(rig)
        await rig.stop()

        let altered: String = "\(path).altered"
        func verify(_ changed: [UInt8]) async throws -> String {
            try DataFolder.write(changed, to: altered)
            return await Self.fault { _ = try BackupFile.verify(altered) }
        }
        for length in [0, 3, 7, 11, 12, 60, 200, 400, bytes.count / 2, bytes.count - 1] {
            let said: String = try await verify(Array(bytes[..<length]))
            #expect(said.contains("truncated"), "\(length): \(said)")
        }
        for place in [12, 40, 100, 300, 600, bytes.count / 3, bytes.count / 2, bytes.count - 1] {
            var changed: [UInt8] = bytes
            changed[place] ^= 0x10
            let said: String = try await verify(changed)
            #expect(said.contains("altered") || said.contains("truncated"), "\(place): \(said)")
        }
        #expect(try await verify(bytes + [0]).contains("altered"))
        var newer: [UInt8] = bytes
        newer[7] = 9
        #expect(try await verify(newer).contains("format 9"))
        #expect(try await verify(Array("not a backup at all".utf8)).contains("no backup"))
        Self.remove([path, altered])
    }

    @Test func `a backup is restored into an empty folder, under its old authority or a new one`() async throws {
        let rig = try await NodeRig()
        try await Self.stack(rig, "one")
        _ = try await rig.call("POST", "/v2-beta/cluster?action=createtoken", ["role": "node"])
        let path: String = try await Self.backup(rig)
        try await Self.stack(rig, "later")
        await rig.node.stop()
        let key: [UInt8] = try #require(try rig.folder.sealingKey())
        for withKey in [true, false] {
            let folder = DataFolder("\(rig.folder.path)-restored-\(withKey)")
            let options = ClusterRestore.Options(
                node: ServerInit.Options(name: "node1", http: ListenAddress(host: "127.0.0.1", port: 0)),
                backup: path,
                sealingKey: withKey ? key : nil
            )
            let report: ClusterRestore.Report = try await ClusterRestore.restore(
                folder,
                options,
                logger: NodeRig.logger
            )
            #expect(report.hasNewAuthority == !withKey && report.firstRevision > Limits.rebirthRevisions)
            // Secrets are kept under a key that only the old sealing key opens: without it there is a new one.
            #expect((report.administrator != nil) == !withKey)
            let current: APIKey = report.administrator ?? rig.key
            let (old, new): (NodeConfiguration, NodeConfiguration) = (
                try rig.folder.configuration(), try folder.configuration()
            )
            #expect(new.group.cluster == old.group.cluster && new.group.incarnation != old.group.incarnation)
            #expect(new.member != old.member, "a member id is never given again")
            let authorities: [[UInt8]?] = [try rig.folder.credentials(), try folder.credentials()].map {
                $0?.authority.fingerprint
            }
            #expect((authorities[0] == authorities[1]) == withKey)
            let shown = try await Self.shown(folder, key: (current.publicValue, current.secretValue))
            #expect(shown.stacks == ["one"] && shown.revision >= report.firstRevision)
            let store: Store = try Store.open(folder: folder.state)
            #expect(store.view.records(in: .joinToken).isEmpty, "join tokens are void")
            let former: Record = try #require(store.view.get(RecordKey(.node, old.member.number)))
            #expect(try NodeRecord(document: former.document).removed != nil, "the nodes of the past are removed")
            let second: String = await Self.fault {
                _ = try await ClusterRestore.restore(folder, options, logger: NodeRig.logger)
            }
            #expect(second.contains("holds a node already"))
            Self.remove([folder.path])
        }
        // Of another cluster, and one that was cut: nothing is begun.
        let folder = DataFolder("\(rig.folder.path)-never")
        var options = ClusterRestore.Options(
            node: ServerInit.Options(name: "node1", http: ListenAddress(host: "127.0.0.1", port: 0)),
            backup: path,
            sealingKey: SealedAuthority.newSealingKey()
        )
        let foreign: String = await Self.fault {
            _ = try await ClusterRestore.restore(folder, options, logger: NodeRig.logger)
        }
        #expect(foreign.contains("is not the one of the backup"))
        try DataFolder.write(Array(try DataFolder.read(path).dropLast(5)), to: path)
        options.sealingKey = key
        let cut: String = await Self.fault {
            _ = try await ClusterRestore.restore(folder, options, logger: NodeRig.logger)
        }
        #expect(cut.contains("truncated") && !RawFile.exists(folder.path))
        Self.remove([path])
        await rig.abandon()
    }

    @Test func `a survivor goes on alone under another incarnation, with everything in its log`() async throws {
        let rig = try await NodeRig()
        for name in ["one", "two", "three"] { try await Self.stack(rig, name) }
        let running: String = await Self.fault {
            _ = try await ClusterRecovery.recover(.init(data: rig.folder), logger: NodeRig.logger)
        }
        #expect(running.contains("in use"), "\(running)")
        await rig.node.stop()
        let old: NodeConfiguration = try rig.folder.configuration()
        let serial: String? = try rig.folder.credentials()?.certificate.serial
        let report: ClusterRecovery.Report = try await ClusterRecovery.recover(
            .init(data: rig.folder),
            logger: NodeRig.logger
        )
        #expect(report.member == old.member.number && !report.mayHaveLost && report.shutOut.isEmpty)
        let new: NodeConfiguration = try rig.folder.configuration()
        #expect(new.group.cluster == old.group.cluster && new.group.incarnation != old.group.incarnation)
        #expect(new.instance != old.instance)
        let fresh: String? = try rig.folder.credentials()?.certificate.serial
        #expect(fresh != nil && fresh != serial, "the certificate is a new one")
        #expect(RawFile.exists("\(report.kept)/log/member") && RawFile.exists("\(report.kept)/node.json"))
        #expect(!RawFile.exists("\(rig.folder.path)/recovered"))
        let shown = try await Self.shown(rig.folder, key: (rig.key.publicValue, rig.key.secretValue))
        #expect(shown.stacks == ["one", "two", "three"] && shown.revision >= report.firstRevision)
        await rig.abandon()
    }

    @Test func `a recovery that breaks off at any step is finished by running it again`() async throws {
        let rig = try await NodeRig()
        try await Self.stack(rig, "one")
        await rig.node.stop()
        let before: String = "\(rig.folder.path)-before"
        try FileManager.default.copyItem(atPath: rig.folder.path, toPath: before)
        _ = try await ClusterRecovery.recover(.init(data: rig.folder), logger: NodeRig.logger)
        for step in 0...6 {
            // The folder as it is after so many renames.
            let folder = DataFolder("\(rig.folder.path)-step\(step)")
            try FileManager.default.copyItem(atPath: before, toPath: folder.path)
            let swap = FolderSwap(folder: folder)
            let files: FileManager = .default
            try swap.fresh.create()
            for part in ["log", "state", "node.json"] {
                try files.copyItem(atPath: "\(rig.folder.path)/\(part)", toPath: "\(swap.fresh.path)/\(part)")
            }
            for file in ["node.pem", "node.key", "authority.pem"] {
                _ = try? files.removeItem(atPath: "\(folder.path)/tls/\(file)")
                try files.copyItem(atPath: "\(rig.folder.path)/tls/\(file)", toPath: "\(folder.path)/tls/\(file)")
            }
            try swap.ready(keepingOldIn: "before-x")
            let kept: String = "\(folder.path)/before-x"
            if step > 0 { try files.createDirectory(atPath: kept, withIntermediateDirectories: true) }
            var moves: [(String, String)] = [("\(folder.path)/node.json", "\(kept)/node.json")]
            for part in ["log", "state"] {
                moves.append(("\(folder.path)/\(part)", "\(kept)/\(part)"))
                moves.append(("\(swap.fresh.path)/\(part)", "\(folder.path)/\(part)"))
            }
            moves.append(("\(swap.fresh.path)/node.json", "\(folder.path)/node.json"))
            for (from, to) in moves.prefix(step) { try files.moveItem(atPath: from, toPath: to) }
            let refused: String = await Self.fault { _ = try await NodeRig.start(folder) }
            #expect(refused.contains("recover") || refused.contains("holds no node"), "step \(step): \(refused)")
            let report: ClusterRecovery.Report = try await ClusterRecovery.recover(
                .init(data: folder),
                logger: NodeRig.logger
            )
            #expect(report.kept == kept)
            let shown = try await Self.shown(folder, key: (rig.key.publicValue, rig.key.secretValue))
            #expect(shown.stacks == ["one"], "step \(step)")
            Self.remove([folder.path])
        }
        Self.remove([before])
        await rig.abandon()
    }

    @Test func `the newest of several folders is chosen, and folders of two clusters are refused`() async throws {
        let rig = try await NodeRig()
        try await Self.stack(rig, "one")
        await rig.node.stop()
        let older = DataFolder("\(rig.folder.path)-older")
        try FileManager.default.copyItem(atPath: rig.folder.path, toPath: older.path)
        try await rig.restart()
        try await Self.stack(rig, "two")
        await rig.node.stop()
        let other = try await NodeRig()
        await other.node.stop()
        let mixed: String = await Self.fault {
            _ = try await ClusterRecovery.recover(
                .init(data: older, survivors: [other.folder]),
                logger: NodeRig.logger
            )
        }
        #expect(mixed.contains("not of one cluster"), "\(mixed)")
        let report: ClusterRecovery.Report = try await ClusterRecovery.recover(
            .init(data: older, survivors: [rig.folder]),
            logger: NodeRig.logger
        )
        #expect(report.path == rig.folder.path && report.folders.map(\.isChosen) == [false, true])
        #expect(try older.configuration().group != rig.folder.configuration().group, "the other one is left as it was")
        let shown = try await Self.shown(rig.folder, key: (rig.key.publicValue, rig.key.secretValue))
        #expect(shown.stacks == ["one", "two"])
        Self.remove([older.path])
        await rig.abandon()
        await other.abandon()
    }

    @Test func `a node that slept past its certificate starts with a new one, issued from its own state`() async throws
    {
        let rig = try await NodeRig()
        await rig.node.stop()
        var credentials: DataFolder.Credentials = try #require(try rig.folder.credentials())
        let configuration: NodeConfiguration = try rig.folder.configuration()
        let authority: CertificateAuthority = try Self.authority(of: rig.folder, configuration)
        credentials.certificate = try Issuing.node(
            try .make(key: credentials.key, commonName: "node1"),
            by: authority,
            cluster: configuration.group.cluster,
            member: configuration.member.number,
            name: "node1",
            hosts: [],
            now: WallClock.milliseconds - (Limits.nodeCertificateSeconds + 3_600) * 1_000
        )
        #expect(credentials.certificate.notAfter < WallClock.milliseconds)
        try rig.folder.save(credentials)
        let node: Node = try await NodeRig.start(rig.folder)
        await node.stop()
        let renewed: DataFolder.Credentials = try #require(try rig.folder.credentials())
        #expect(renewed.certificate.notAfter > WallClock.milliseconds + 86_400_000)
        #expect(renewed.certificate.isIssued(by: authority.certificate))
        await rig.abandon()
    }

    private static func authority(
        of folder: DataFolder,
        _ configuration: NodeConfiguration
    ) throws -> CertificateAuthority {
        let store: Store = try Store.open(folder: folder.state)
        return try ClusterAuthority(
            cluster: configuration.group.cluster,
            sealingKey: try #require(try folder.sealingKey())
        ).open(in: store.view)
    }
}
