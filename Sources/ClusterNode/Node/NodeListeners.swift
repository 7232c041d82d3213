import Authority
import EventLoop
import Gateway
import HTTP
import JSON
import Limits
import Logging
import TLS

/// Where a node listens: for clients in plain text and over TLS, and for the other nodes.
struct NodeListeners: Sendable {
    var http: HTTPServer
    var https: HTTPServer?
    var peer: HTTPServer?

    /// The port for peers first: without it there may be no leader, and so nothing to answer from.
    static func start(
        _ configuration: NodeConfiguration,
        _ core: NodeCore,
        _ security: NodeSecurity?,
        _ gateway: Gateway,
        _ telemetry: Telemetry,
        _ loops: Loops,
        _ logger: Logger,
        _ now: @escaping @Sendable () -> Int64
    ) async throws(NodeFault) -> NodeListeners {
        var started: [HTTPServer] = []
        let handler: @Sendable (HTTPRequest, ConnectionInfo) async -> HTTPResponse = { request, connection in
            if let answer: HTTPResponse = await telemetry.answer(request, connection) { return answer }
            return await gateway.handle(request, connection)
        }
        do throws(NetworkFault) {
            var peer: HTTPServer?
            if let address: ListenAddress = configuration.peer, let security, let transport = core.transport {
                let door = PeerDoor(
                    state: core.state,
                    transport: transport,
                    directory: core.directory,
                    join: JoinDoor(
                        state: core.state,
                        group: configuration.group,
                        authority: security.authority,
                        logger: logger.labelled("join"),
                        now: now
                    ),
                    gateway: gateway,
                    logger: logger.labelled("peers")
                )
                let server: HTTPServer = try .start(
                    on: .tcp(host: address.host, port: address.port),
                    loops: loops,
                    limits: peerLimits,
                    wrapper: wrapper(security.peerContext, "peer", logger),
                    isKnown: { PeerDoor.identity(of: $0)?.role == .node },
                    handler: { request, connection in await door.answer(request, connection) }
                )
                started.append(server)
                peer = server
            }
            var https: HTTPServer?
            if let address: ListenAddress = configuration.https, let security {
                let server: HTTPServer = try .start(
                    on: .tcp(host: address.host, port: address.port),
                    loops: loops,
                    limits: httpsLimits,
                    wrapper: wrapper(security.publicContext, "https", logger),
                    refusal: { gateway.answer(to: $0) },
                    streams: { gateway.takesStream($0, $1) },
                    relay: gateway,
                    handler: handler
                )
                started.append(server)
                https = server
            }
            let http: HTTPServer = try .start(
                on: .tcp(host: configuration.http.host, port: configuration.http.port),
                loops: loops,
                refusal: { gateway.answer(to: $0) },
                streams: { gateway.takesStream($0, $1) },
                relay: gateway,
                handler: handler
            )
            return NodeListeners(http: http, https: https, peer: peer)
        } catch {
            for server in started { await server.stop(graceMilliseconds: 0) }
            throw .network("the node cannot listen: \(error)")
        }
    }

    private static var peerLimits: HTTPServerLimits {
        var limits: HTTPServerLimits = Gateway.peerListenerLimits
        limits.strangersPerAddress = Limits.peerStrangers
        return limits
    }

    private static var httpsLimits: HTTPServerLimits {
        var limits = HTTPServerLimits()
        limits.strangersPerAddress = Limits.httpsStrangers
        return limits
    }

    /// TLS, with a line in the log for whoever does not get through.
    private static func wrapper(_ context: TLSServerContext, _ name: String, _ logger: Logger) -> HTTPServer.Wrapper {
        { stream in
            do {
                return try await context.accept(stream, before: .after(seconds: Limits.tlsHandshakeSeconds))
            } catch {
                logger.notice(
                    "connection refused",
                    [
                        "audit": "tls.refused", "listener": .string(name), "peer.address": .string("\(stream.peer)"),
                        "reason": .string("\(error)"),
                    ]
                )
                throw error
            }
        }
    }

    /// Lets what runs finish; the peers' listener goes last, for the others may still be answering through it.
    ///
    /// - Parameter drains: serves on for a moment first: there are other nodes for whoever comes after it.
    func stop(drains: Bool) async {
        let grace: Int = Limits.httpStopSeconds * 1_000
        let drain: Int = drains ? Limits.httpDrainMilliseconds : 0
        await withTaskGroup(of: Void.self) { group in
            for server in [http, https].compactMap({ $0 }) {
                group.addTask { await server.stop(graceMilliseconds: grace, drainMilliseconds: drain) }
            }
        }
        // Lanes never end by themselves.
        await peer?.stop(graceMilliseconds: 0)
    }
}
