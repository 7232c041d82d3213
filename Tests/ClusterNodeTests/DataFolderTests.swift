import Authority
import Certificates
import Foundation
import JSON
import Model
import RaftCore
import Store
import StoreFormat
import Testing

@testable import ClusterNode

@Suite(.timeLimit(.minutes(1))) struct DataFolderTests {
    private static func withFolder(_ body: (DataFolder) async throws -> Void) async throws {
        let path: String = FileManager.default.temporaryDirectory.appending(path: "drover-folder-\(UUID().uuidString)")
            .path
        let result: Result<Void, any Error>
        do { result = .success(try await body(DataFolder(path))) } catch { result = .failure(error) }
        try? FileManager.default.removeItem(atPath: path)
        try result.get()
    }

    @Test func `a federation's file is for its owner only, and what is wrong in it is named`() async throws {
        try await Self.withFolder { folder in
            try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
            #expect(try folder.federation() == nil)
            let file: String = "\(folder.path)/federation.json"
            func write(_ text: String, mode: Int) throws {
                try Data(text.utf8).write(to: URL(fileURLWithPath: file))
                try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file)
            }
            func refusal() -> String {
                do {
                    _ = try folder.federation()
                    return ""
                } catch {
                    return "\(error)"
                }
            }
            try write(#"{"host":"all.test","cluster":1}"#, mode: 0o644)
            #expect(refusal().contains("chmod 600 \(file)"))
            try write(#"{"host":"all.test","cluster":1}"#, mode: 0o600)
            #expect(try folder.federation() != nil)
            try write(#"{"host":"all.test","cluster":0}"#, mode: 0o600)
            #expect(refusal().contains("cluster must be a number from 1 on"))
            try write("{", mode: 0o600)
            #expect(refusal().contains("not JSON"))
            let link: String =
                #"{"cluster":2,"urls":["https://127.0.0.1:1"],"authority":"none","accessKey":"a","secretKey":"s"}"#
            try write(#"{"host":"all.test","cluster":1,"links":[\#(link)]}"#, mode: 0o600)
            #expect(refusal().contains("the authority of cluster 2 cannot be used"))
        }
    }

    @Test func `a node.json of version 1 is still read`() throws {
        let text: String =
            #"{"version":1,"name":"node1","member":1,"cluster":"ab12","incarnation":"cd34","http":"127.0.0.1:8080"}"#
        let configuration = try NodeConfiguration(JSONReader.parse(text))
        #expect(configuration.member == MemberID(1) && configuration.instance.isEmpty)
        #expect(configuration.group == GroupIdentity(cluster: 0xab12, incarnation: 0xcd34))
        #expect(configuration.https == nil && configuration.peer == nil && configuration.advertise == "127.0.0.1")
        // What only version 2 has, version 1 must not have.
        let mixed: String = text.replacingOccurrences(of: #""http""#, with: #""peers":[],"http""#)
        #expect(throws: NodeFault.self) { try NodeConfiguration(JSONReader.parse(mixed)) }
    }

    @Test func `a node.json of version 2 is this text`() throws {
        let configuration = NodeConfiguration(
            name: "node2",
            member: MemberID(42),
            group: GroupIdentity(cluster: 0xab12, incarnation: 0xcd34),
            instance: "0011",
            http: ListenAddress(host: "0.0.0.0", port: 8080),
            https: ListenAddress(host: "::1", port: 8443),
            peer: ListenAddress(host: "127.0.0.1", port: 9443),
            advertise: "node2.example.com",
            peers: [.init(member: MemberID(7), address: "node1:9443")]
        )
        let text: String =
            #"{"version":2,"name":"node2","member":42,"cluster":"ab12","incarnation":"cd34","instance":"0011","#
            + #""http":"0.0.0.0:8080","https":"[::1]:8443","peer":"127.0.0.1:9443","advertise":"node2.example.com","#
            + #""peers":[{"member":7,"address":"node1:9443"}]}"#
        #expect(String(decoding: JSONWriter.bytes(configuration.json), as: UTF8.self) == text)
        #expect(try NodeConfiguration(JSONReader.parse(text)) == configuration)
        #expect(configuration.place(of: configuration.http) == "node2.example.com:8080")
    }

    @Test(arguments: [
        #"{}"#, #"[]"#, #"{"version":3}"#, #"{"version":2,"name":"a"}"#,
        #"{"version":2,"name":"a","member":0,"cluster":"1","incarnation":"1","instance":"","http":"1:1","advertise":"a"}"#,
        #"{"version":2,"name":"a","member":7,"cluster":"1","incarnation":"1","instance":"","http":"x","advertise":"a"}"#,
        #"{"version":2,"name":"a","member":7,"cluster":"1","incarnation":"1","instance":"","http":"1:1"}"#,
        #"{"version":2,"name":"a","member":7,"cluster":"1","incarnation":"1","instance":"","http":"1:1","advertise":"a","peer":7}"#,
        #"{"version":2,"name":"a","member":7,"cluster":"1","incarnation":"1","instance":"","http":"1:1","advertise":"a","x":1}"#,
        #"{"version":2,"name":"a","member":7,"cluster":"1","incarnation":"1","instance":"","http":"1:1","advertise":"a","peers":[1]}"#,
    ])
    func `another node.json is refused`(text: String) throws {
        #expect(throws: NodeFault.self) { try NodeConfiguration(JSONReader.parse(text)) }
    }

    @Test func `founding makes the first node, its certificate and an authority that only nodes can open`() async throws
    {
        try await Self.withFolder { folder in
            _ = try await ServerInit.found(
                folder,
                ServerInit.Options(
                    name: "node1",
                    http: ListenAddress(host: "127.0.0.1", port: 8080),
                    https: ListenAddress(host: "127.0.0.1", port: 8443),
                    peer: ListenAddress(host: "10.0.0.1", port: 9443)
                ),
                logger: NodeRig.logger
            )
            try folder.checkWhole()
            let configuration: NodeConfiguration = try folder.configuration()
            #expect(configuration.member == MemberID(7) && configuration.advertise == "10.0.0.1")
            let credentials: DataFolder.Credentials = try #require(try folder.credentials())
            let identity = PeerIdentity(.node, cluster: configuration.group.cluster, number: 7)
            #expect(PeerIdentity(credentials.certificate) == identity)
            #expect(Set(credentials.certificate.addresses) == ["127.0.0.1", "::1", "10.0.0.1"])
            let store: Store = try .open(folder: folder.state)
            let view: StoreView = store.view
            let record: Record = try #require(view.get(RecordKey(.node, 7)))
            let node = try NodeRecord(document: record.document)
            #expect(node.membership == .active && node.peer == "10.0.0.1:9443" && node.https == "10.0.0.1:8443")
            #expect(node.certificateSerial == credentials.certificate.serial)
            #expect(node.logInstance == configuration.instance && !configuration.instance.isEmpty)
            #expect(view.nextNumber > 7)
            let stored: SealedAuthority = try #require(ClusterAuthority.stored(in: view))
            #expect(try stored.parsed() == credentials.authority)
            let key: [UInt8] = try #require(try folder.sealingKey())
            _ = try stored.open(key: key, cluster: configuration.group.cluster)
            // What would open it is in no file of log and state.
            for file in FileManager.default.subpaths(atPath: folder.path) ?? []
            where file.hasPrefix("log/") || file.hasPrefix("state/") {
                let bytes: Data = FileManager.default.contents(atPath: "\(folder.path)/\(file)") ?? Data()
                #expect(
                    bytes.range(of: Data("PRIVATE KEY".utf8)) == nil && bytes.range(of: Data(key)) == nil,
                    "\(file)"
                )
            }
        }
    }

    @Test func `a node whose log is gone, or is another one, is refused and told what to do`() async throws {
        try await Self.withFolder { folder in
            _ = try await ServerInit.found(
                folder,
                ServerInit.Options(name: "node1", http: ListenAddress(host: "127.0.0.1", port: 0)),
                logger: NodeRig.logger
            )
            try folder.checkWhole()
            func refusal() -> String {
                do {
                    try folder.checkWhole()
                    return ""
                } catch {
                    return "\(error)"
                }
            }
            let file: String = "\(folder.log)/instance"
            let instance: [UInt8] = try DataFolder.read(file)
            try DataFolder.write(Array("00\n".utf8), to: file)
            #expect(refusal().contains("not the one of this node.json"))
            try DataFolder.write(instance, to: file)
            #expect(refusal().isEmpty)
            try FileManager.default.removeItem(atPath: file)
            #expect(refusal().contains("drover cluster remove node1"))
            try FileManager.default.removeItem(atPath: folder.log)
            #expect(refusal().contains("is gone") && refusal().contains("drover cluster token"))
        }
    }

    @Test func `a write whose folder cannot be flushed fails`() throws {
        #expect(throws: NodeFault.self) { try DataFolder.write([1], to: "/nonexistent/folder/file") }
    }
}
