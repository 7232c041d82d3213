import Authority
import Bytes
import Certificates
import Foundation
import JSON
import Logging
import Model
import RaftCore
import RaftLog
import Synchronization
import TLS
import Testing

@testable import ClusterNode

@Suite(.timeLimit(.minutes(1))) struct ServerJoinTests {
    private static func options(_ rig: JoinRig, _ token: String, _ addresses: String...) -> ServerJoin.Options {
        ServerJoin.Options(
            name: "node2",
            token: token,
            peerURLs: addresses,
            http: ListenAddress(host: "127.0.0.1", port: 8002),
            peer: ListenAddress(host: "0.0.0.0", port: 9002),
            advertise: "node2.example.com"
        )
    }

    private static func join(_ rig: JoinRig, _ options: ServerJoin.Options) async throws -> ServerJoin.Joined {
        try await ServerJoin.join(DataFolder(rig.folder), options, logger: NodeRig.logger)
    }

    @Test func `a machine joins over TLS, and its folder holds all that a node needs`() async throws {
        let rig = try JoinRig()
        try await rig.serving { address in
            // The first address is dead: the next one is tried.
            let joined = try await Self.join(rig, Self.options(rig, rig.token().text, "127.0.0.1:1", address))
            let node = try #require(rig.state.node(named: "node2"))
            #expect(joined == ServerJoin.Joined(name: "node2", member: node.number))
            #expect(node.record.peer == "node2.example.com:9002" && node.record.http == "node2.example.com:8002")

            let folder = DataFolder(rig.folder)
            try folder.checkWhole()
            let configuration: NodeConfiguration = try folder.configuration()
            #expect(configuration.member.number == node.number && configuration.group == JoinRig.group)
            #expect(configuration.instance == node.record.logInstance)
            #expect(configuration.peers == [.init(member: MemberID(7), address: "127.0.0.1:9001")])
            let credentials: DataFolder.Credentials = try #require(try folder.credentials())
            #expect(credentials.authority == rig.authority.certificate)
            #expect(credentials.certificate.dnsNames.contains("node2.example.com"))
            #expect(try folder.sealingKey() == rig.sealingKey)
            _ = try TLSServerContext(identity: credentials.identity, clientCertificates: .none)
            // The log begins as the cluster's did, so that every entry from the first on fits.
            let log = try FileLog(opening: folder.log)
            let contents: LogContents = log.contents()
            #expect(contents.member.number == node.number && contents.baseConfiguration.voters == [MemberID(7)])
            for file in [folder.keyFile, folder.sealingKeyFile, folder.certificateFile] {
                let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
                #expect(mode == 0o600, "\(file)")
            }
            // A second join into the same folder is refused before anybody is asked.
            await #expect(throws: NodeFault.alreadyFounded(folder: rig.folder)) {
                try await Self.join(rig, Self.options(rig, rig.token().text, address))
            }
        }
    }

    @Test func `what the cluster refuses leaves no node behind, and says why`() async throws {
        let rig = try JoinRig()
        try await rig.serving { address in
            let used: String = rig.token().text
            _ = try await Self.join(rig, Self.options(rig, used, address))
            try FileManager.default.removeItem(atPath: rig.folder)

            // The disk was wiped: the old name is taken, and the message says what to do.
            let wiped: String = await Self.failure {
                try await Self.join(rig, Self.options(rig, rig.token().text, address))
            }
            #expect(wiped.contains("drover cluster remove node2") && wiped.contains("drover cluster token"), "\(wiped)")
            var other: ServerJoin.Options = Self.options(rig, used, address)
            other.name = "node3"
            let again: String = await Self.failure { [other] in try await Self.join(rig, other) }
            #expect(again.contains("let somebody in already"), "\(again)")
            #expect(!DataFolder(rig.folder).isFounded)
            #expect(rig.state.node(named: "node3") == nil)
        }
    }

    @Test func `nobody but a node of the token's authority gets to see the token`() async throws {
        let rig = try JoinRig()
        let other = try JoinRig()
        let token: String = rig.token().text
        // Another cluster's node.
        try await other.serving { address in
            let text: String = await Self.failure { try await Self.join(rig, Self.options(rig, token, address)) }
            #expect(text.contains(address), "\(text)")
        }
        // A host of this cluster that poses as a node.
        try await rig.serving(identity: try rig.hostIdentity()) { address in
            let text: String = await Self.failure { try await Self.join(rig, Self.options(rig, token, address)) }
            #expect(text.contains("no server node"), "\(text)")
        }
        #expect(rig.log.records.isEmpty && other.log.records.isEmpty, "a request came through")
        #expect(rig.state.node(named: "node2") == nil && !DataFolder(rig.folder).isFounded)
        try await rig.serving { address in _ = try await Self.join(rig, Self.options(rig, token, address)) }
    }

    @Test func `what cannot work is said before anybody is asked`() async throws {
        let rig = try JoinRig()
        var options: ServerJoin.Options = Self.options(rig, "drover-node-1", "127.0.0.1:1")
        try await Self.expect("malformed", rig, options)
        options.token = rig.token(.host).text
        try await Self.expect("for a host", rig, options)
        options.token = rig.token().text
        options.peerURLs = ["https://127.0.0.1:1"]
        try await Self.expect("HOST:PORT", rig, options)
        options.peerURLs = []
        try await Self.expect("at least one", rig, options)
        options.peerURLs = ["127.0.0.1:1"]
        try await Self.expect("127.0.0.1:1", rig, options)
        options.name = "Bad Name"
        try await Self.expect("node name", rig, options)
        try? FileManager.default.removeItem(atPath: rig.folder)
    }

    private static func expect(_ word: String, _ rig: JoinRig, _ options: ServerJoin.Options) async throws {
        let text: String = await failure { try await join(rig, options) }
        #expect(text.contains(word), "\(text)")
    }

    private static func failure(_ body: () async throws -> ServerJoin.Joined) async -> String {
        do {
            return "joined: \(try await body())"
        } catch {
            return "\(error)"
        }
    }
}

extension ServerJoinTests {
    @Test func `a join that was interrupted is repeated in its folder, also with another token`() async throws {
        let rig = try JoinRig()
        try await rig.serving { address in
            let folder = DataFolder(rig.folder)
            let sent = Mutex<DataFolder.BegunJoin?>(nil)
            rig.state.beforeNext { sent.withLock { $0 = folder.begunJoin } }
            let first = try await Self.join(rig, Self.options(rig, rig.token().text, address))
            let instance: String = try folder.configuration().instance
            // As if the process had ended before it wrote the last file.
            try folder.begin(try #require(sent.withLock { $0 }))
            try FileManager.default.removeItem(atPath: "\(rig.folder)/node.json")
            let again = try await Self.join(rig, Self.options(rig, rig.token().text, address))
            #expect(again == first)
            #expect(try folder.configuration().instance == instance)
            #expect(folder.begunJoin == nil, "nothing is left of it")
            try folder.checkWhole()
        }
    }
}
