import Bytes
import Certificates
import EventLoop
package import Federation
import HTTP
import Limits
import Synchronization
import TLS

/// The ways to the other clusters of the federation, as clients on this node's loops.
///
/// A gateway of another cluster is believed when its certificate comes from that cluster's authority, and from no other.
package final class ClusterLinks: Sendable {
    private struct Key: Hashable {
        var loop: ObjectIdentifier
        var address: OutboundAddress
    }

    private struct Way: Sendable {
        var link: ClusterLink
        var trust: TLSClientContext
        var addresses: [OutboundAddress]
    }

    let place: FederationPlace
    private let ways: [UInt32: Way]
    private let clients = Mutex<[Key: HTTPClient]>([:])

    /// - Throws: what is wrong with an address or an authority.
    package init(_ place: FederationPlace) throws(FederationFault) {
        self.place = place
        var ways: [UInt32: Way] = [:]
        for link in place.links {
            let trust: TLSClientContext
            do {
                trust = try TLSClientContext(
                    trust: .authorities(try Certificate.bundle(pem: Array(link.authority.utf8)))
                )
            } catch {
                throw FederationFault("the authority of cluster \(link.cluster) cannot be used: \(error)")
            }
            var addresses: [OutboundAddress] = []
            for url in link.urls {
                do throws(PathFault) {
                    addresses.append(try OutboundAddress(url))
                } catch {
                    throw FederationFault("the address \(url) of cluster \(link.cluster) cannot be used: \(error)")
                }
            }
            ways[link.cluster] = Way(link: link, trust: trust, addresses: addresses)
        }
        self.ways = ways
    }

    /// Sends a request under the key that the other cluster has given; to its next gateway when one cannot be reached.
    ///
    /// - Throws: ``Problem`` 503 when none answers; whether a change was made is not known then, unless the message says so.
    func send(
        _ request: HTTPRequest,
        to cluster: UInt32,
        on loop: EventLoop,
        milliseconds: Int
    ) async throws(Problem) -> HTTPClientResponse {
        guard let way: Way = ways[cluster] else {
            throw .notFound("There is no cluster \(cluster) in this federation.")
        }
        var request: HTTPRequest = request
        request.headers["Authorization"] =
            "Basic \(Base64.encode(Array("\(way.link.accessKey):\(way.link.secretKey)".utf8)))"
        var limits = HTTPClientLimits()
        limits.connectMilliseconds = Limits.federationConnectMilliseconds
        limits.answerMilliseconds = milliseconds
        var last: any Error = NetworkFault.closed
        for address in way.addresses {
            do {
                return try await client(address, way, loop).send(request, to: address.endpoint, limits: limits)
            } catch {
                last = error
                // What has been sent may have been done: nobody but the caller can know whether to say it twice.
                guard Self.isUnsent(error) || request.method == "GET" || request.method == "HEAD" else { break }
            }
        }
        let name: String = "Cluster \(cluster) (\(way.link.name))"
        throw .unavailable(
            Self.isUnsent(last)
                ? "\(name) cannot be reached: \(last). Nothing was changed there; try again."
                : "\(name) was asked and gave no answer: \(last). Whether a change was made is to be seen there."
        )
    }

    private func client(_ address: OutboundAddress, _ way: Way, _ loop: EventLoop) -> HTTPClient {
        let key = Key(loop: ObjectIdentifier(loop), address: address)
        return clients.withLock { clients in
            if let known: HTTPClient = clients[key] { return known }
            let trust: TLSClientContext = way.trust
            let client = HTTPClient(loop: loop) { endpoint, loop, deadline in
                let plain: SocketStream = try await loop.connect(to: endpoint, before: deadline)
                return try await trust.connect(plain, serverName: endpoint.host, before: deadline)
            }
            clients[key] = client
            return client
        }
    }

    /// Whether the request certainly did not arrive.
    private static func isUnsent(_ error: any Error) -> Bool {
        switch error {
        case is TLSFault: true
        case NetworkFault.unknownHost: true
        case NetworkFault.system(let operation, _, _), NetworkFault.timedOut(let operation, _):
            operation == "connect to" || operation == "look up"
        default: false
        }
    }
}
