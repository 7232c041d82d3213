import Authority
import Bytes
import Certificates
import Crypto
import EventLoop
import Gateway
import HTTP
import JSON
import Limits
import Logging
import RaftCore
import RaftGroup
import RaftTransport
import Store
import TLS

/// The port for peers: one listener, on which each use asks for the role that it is for.
///
/// Joining needs no certificate (the token speaks for whoever comes); everything else is for nodes of this cluster that were
/// not removed, for as long as they are not: what stays open is looked at again and again. What is refused is told, with
/// who it was.
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
            member = try judge(certificate)
        } catch {
            let id: String = Hex.encode(SecureRandom.bytes(8))
            logger.notice(
                "peer refused",
                [
                    "audit": "peer.refused", "request.id": .string(id), "peer.address": .string("\(connection.peer)"),
                    "http.path": .string(request.path),
                    "certificate": .string(certificate.map { "\($0.uris)" } ?? "none"), "reason": .string("\(error)"),
                ]
            )
            return Self.refusal(error, id: id)
        }
        // A state that lags behind may not have the record of a node that joined later, and must answer it all the same.
        let name: String = directory.peer(member)?.name ?? certificate?.commonName ?? "\(member)"
        if let place: String = request.headers[PeerLinks.placeHeader] {
            directory.learn(member, name: name, place: place)
        }
        guard request.headers["upgrade"]?.lowercased() == Self.upgrade else {
            return guarded(await gateway.handleFromPeer(request, connection, peer: name), certificate)
        }
        guard let lane: Lane = Lane.allCases.first(where: { Self.path(of: $0) == request.path }) else {
            return .text(404, "There is no such lane.")
        }
        let transport: RaftTransport = transport
        let lanes: HTTPResponse = .upgrade(headers: ["Upgrade": Self.upgrade]) { stream, leftover in
            await transport.accept(stream, leftover: leftover, from: member, lane)
        }
        return guarded(lanes, certificate)
    }

    /// Whom the certificate of a connection is for; nil without one, or when it names nobody.
    static func identity(of stream: any ByteStream) -> PeerIdentity? {
        (stream as? TLSStream)?.peerCertificate.flatMap { PeerIdentity($0) }
    }

    private func judge(_ certificate: Certificate?) throws(PeerAdmission.Refusal) -> MemberID {
        try PeerAdmission.judge(
            certificate,
            cluster: state.group.status.group.cluster,
            view: state.store.view,
            configuration: state.group.status.configuration,
            now: WallClock.milliseconds
        )
    }

    /// An answer that stays open (a lane, a forwarded stream) is cut when its node would not be let in any more.
    private func guarded(_ response: HTTPResponse, _ certificate: Certificate?) -> HTTPResponse {
        var response: HTTPResponse = response
        switch response.body {
        case .bytes, .stream: break
        case .upgrade(let serve):
            response.body = .upgrade { stream, leftover in
                await withTaskGroup(of: Void.self) { group in
                    group.addTask { await serve(stream, leftover) }
                    group.addTask { await cut(stream, certificate) }
                    await group.next()
                    group.cancelAll()
                }
            }
        case .handOver(let begin):
            response.body = .handOver { stream, leftover, ended in
                let cutting = Task(executorPreference: stream.loop) { await cut(stream, certificate) }
                begin(stream, leftover) {
                    cutting.cancel()
                    ended()
                }
            }
        }
        return response
    }

    /// Returns when the stream was cut, or its task is cancelled.
    private func cut(_ stream: any ByteStream, _ certificate: Certificate?) async {
        while (try? await stream.loop.sleep(toMultipleOf: Limits.peerAdmissionMilliseconds)) != nil {
            do throws(PeerAdmission.Refusal) {
                _ = try judge(certificate)
            } catch {
                logger.notice(
                    "peer cut off",
                    [
                        "audit": "peer.refused", "peer.address": .string("\(stream.peer)"),
                        "certificate": .string(certificate.map { "\($0.uris)" } ?? "none"),
                        "reason": .string("\(error)"),
                    ]
                )
                return stream.close()
            }
        }
    }

    /// The same shape of error as everywhere.
    private static func refusal(_ refusal: PeerAdmission.Refusal, id: String) -> HTTPResponse {
        let problem: Problem = .peerRefused(
            "This address is for the nodes of the cluster: \(refusal). Join with `drover server join` and a token of this cluster."
        )
        return HTTPResponse(
            status: 403,
            headers: ["Content-Type": "application/json; charset=utf-8", "Connection": "close"],
            body: JSONWriter.bytes(problem.document(id: id))
        )
    }
}
