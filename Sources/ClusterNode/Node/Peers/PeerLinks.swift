import Authority
import EventLoop
import Glibc
import HTTP
import RaftCore
import RaftTransport
import TLS

/// Makes connections to other nodes: over TLS, to the port for peers, to nobody but the member that is meant.
struct PeerLinks: PeerDialing {
    let cluster: UInt64
    let directory: PeerDirectory
    let context: TLSClientContext
    /// Where this node's own port for peers is.
    let place: String

    /// Says where the caller's own port for peers is.
    static let placeHeader: String = "x-drover-peer"

    /// A connection whose other end has proved to be that member.
    ///
    /// - Throws: `NetworkFault` (`ECONNREFUSED`: its process is gone), `TLSFault`, ``PeerUnreachable``.
    func connect(_ member: MemberID, on loop: EventLoop, before deadline: Deadline) async throws -> any ByteStream {
        guard let endpoint: Endpoint = directory.endpoint(of: member) else {
            throw PeerUnreachable.other("nobody has said where member \(member) is")
        }
        let socket: SocketStream = try await loop.connect(to: endpoint, before: deadline)
        do {
            let stream: TLSStream = try await context.connect(socket, serverName: nil, before: deadline)
            guard let identity = stream.peerCertificate.flatMap({ PeerIdentity($0) }),
                identity == PeerIdentity(.node, cluster: cluster, number: member.number)
            else { throw PeerUnreachable.other("at \(endpoint) is somebody else than member \(member)") }
            return stream
        } catch {
            socket.close()
            throw error
        }
    }

    func dial(
        _ member: MemberID,
        _ lane: Lane,
        on loop: EventLoop,
        before deadline: Deadline
    ) async throws -> (stream: any ByteStream, leftover: [UInt8]) {
        // A client for this one request: its connection becomes the lane.
        let client = HTTPClient(loop: loop) { _, loop, _ in try await connect(member, on: loop, before: deadline) }
        defer { client.close() }
        let name: String = "member-\(member)"
        let request = HTTPRequest(
            method: "GET",
            target: PeerDoor.path(of: lane),
            headers: ["Connection": "Upgrade", "Upgrade": PeerDoor.upgrade, "Host": name, Self.placeHeader: place]
        )
        do {
            switch try await client.upgrade(request, to: .tcp(host: name, port: 0)) {
            case .switched(_, let stream, let leftover): return (stream, leftover)
            case .refused(let answer):
                let text = String(decoding: answer.body.prefix(300), as: UTF8.self)
                throw PeerUnreachable.other("member \(member) refuses the \(lane) lane: \(answer.status) \(text)")
            }
        } catch NetworkFault.system(_, _, let code) where code == ECONNREFUSED {
            throw PeerUnreachable.refused
        } catch let fault as PeerUnreachable {
            throw fault
        } catch {
            throw PeerUnreachable.other("\(error)")
        }
    }
}
