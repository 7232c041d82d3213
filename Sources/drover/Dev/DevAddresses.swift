import CLI
import ClusterNode
import EventLoop

/// Where one node of a development cluster listens.
struct DevAddresses: Hashable, Sendable {
    var http: Int
    var https: Int
    var peer: Int

    /// From the first node's HTTP port to its HTTPS port, and to its port for peers: 8080, 8443, 8480.
    private static let httpsOffset: Int = 363
    private static let peerOffset: Int = 400

    /// The nodes of a cluster at `port`, one after the other; any free ports for port 0.
    ///
    /// - Throws: naming who listens there, when a port is taken.
    static func choose(_ count: Int, from port: Int) async throws -> [DevAddresses] {
        guard port != 0 else {
            let free: [Int] = try await FreePort.find(count * 3)
            return (0..<count).map { DevAddresses(http: free[$0 * 3], https: free[$0 * 3 + 1], peer: free[$0 * 3 + 2]) }
        }
        return (0..<count).map {
            DevAddresses(http: port + $0, https: port + httpsOffset + $0, peer: port + peerOffset + $0)
        }
    }

    /// Those of a node that was founded or has joined before: its peers know it by them.
    init(http: Int, https: Int, peer: Int) {
        self.http = http
        self.https = https
        self.peer = peer
    }

    init(_ configuration: NodeConfiguration) {
        http = configuration.http.port
        https = configuration.https?.port ?? 0
        peer = configuration.peer?.port ?? 0
    }

    /// What answers at a port that somebody else has must not be taken for the node.
    func check() async throws {
        for port in [http, https, peer] where port != 0 { try await FreePort.check(port) }
    }

    var url: String { "http://127.0.0.1:\(http)" }
    var httpsURL: String { "https://127.0.0.1:\(https)" }
}
