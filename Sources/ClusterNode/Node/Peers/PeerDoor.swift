import Authority
import Certificates
import EventLoop
import Gateway
import HTTP
import JSON
import Logging
import RaftCore
import RaftGroup
import RaftTransport
import Store
import TLS

/// The port for peers: one listener, on which each use asks for the role that it is for.
///
/// Joining needs no certificate (the token speaks for whoever comes); everything else is for nodes of this cluster that were
/// not removed. What is refused is told, with who it was.
struct PeerDoor: Sendable {
    let state: ReplicatedState
    let transport: RaftTransport
    let directory: PeerDirectory
    let join: JoinDoor
    let gateway: Gateway
    let logger: Logger

    /// A lane of Raft is asked for at its path, with this protocol.
    static let upgrade: String = "drover-raft"

    static func path(of lane: Lane) -> String { "/raft/\(lane)" }

    func answer(_ request: HTTPRequest, _ connection: ConnectionInfo) async -> HTTPResponse {
        if request.method == "POST", request.path == "/join" { return await join.answer(request, connection) }
        let certificate: Certificate? = (connection.stream as? TLSStream)?.peerCertificate
        let member: MemberID
        do throws(PeerAdmission.Refusal) {
            member = try PeerAdmission.judge(
                certificate,
                cluster: state.group.status.group.cluster,
                view: state.store.view,
                configuration: state.group.status.configuration
            )
        } catch {
            logger.notice(
                "peer refused",
                [
                    "peer.address": .string("\(connection.peer)"), "http.path": .string(request.path),
                    "certificate": .string(certificate.map { "\($0.uris)" } ?? "none"), "reason": .string("\(error)"),
                ]
            )
            return Self.refusal(error)
        }
        // A state that lags behind may not have the record of a node that joined later, and must answer it all the same.
        let name: String = directory.peer(member)?.name ?? certificate?.commonName ?? "\(member)"
        if let place: String = request.headers[PeerLinks.placeHeader] {
            directory.learn(member, name: name, place: place)
        }
        guard request.headers["upgrade"]?.lowercased() == Self.upgrade else {
            return await gateway.handleFromPeer(request, connection, peer: name)
        }
        guard let lane: Lane = Lane.allCases.first(where: { Self.path(of: $0) == request.path }) else {
            return .text(404, "There is no such lane.")
        }
        let transport: RaftTransport = transport
        return .upgrade(headers: ["Upgrade": Self.upgrade]) { stream, leftover in
            await transport.accept(stream, leftover: leftover, from: member, lane)
        }
    }

    /// The same shape of error as everywhere.
    private static func refusal(_ refusal: PeerAdmission.Refusal) -> HTTPResponse {
        let problem: JSONValue = [
            "type": "error", "status": 403, "code": "PeerRefused",
            "message": .string(
                "This address is for the nodes of the cluster: \(refusal). Join with `drover server join` and a token of this cluster."
            ),
            "detail": nil,
        ]
        return HTTPResponse(
            status: 403,
            headers: ["Content-Type": "application/json; charset=utf-8", "Connection": "close"],
            body: JSONWriter.bytes(problem)
        )
    }
}
