import Certificates
import EventLoop
import HostAgentCore
import HostRuntime
import JSON
import Limits
package import Logging

extension Agent {
    /// Runs an agent until its task is cancelled: then it stops itself and leaves all containers as they are.
    ///
    /// - Throws: when it cannot work: a folder in use, no runtime, a token that is refused, a host that was removed (exit code 3).
    package static func run(_ configuration: AgentConfiguration, logger: Logger) async throws(AgentFault) {
        let folder: AgentFolder = try AgentFolder(configuration.dataFolder)
        let identity: AgentIdentity
        if let known: AgentIdentity = try folder.identity() {
            identity = known
        } else {
            identity = .fresh()
            // Before the first registration: a crash after it must not make a second host.
            try folder.save(identity)
        }
        guard identity.key != nil || configuration.token != nil else {
            throw AgentFault("this host is not registered yet: give the registration token with --token")
        }
        guard let first: ServerURL = configuration.urls.first else { throw AgentFault("give a server with --url") }
        guard configuration.urls.allSatisfy({ $0.isSecure == first.isSecure }) else {
            throw AgentFault(
                "the addresses of the servers must be all of https, or all of http: a stream never falls back"
            )
        }
        if !first.isSecure {
            logger.notice(
                "the stream to the server is in plain text: whoever is on the way can read and change it; use https",
                ["server.url": .string("\(first)")]
            )
        }
        let loops: (network: EventLoop, core: EventLoop)
        do {
            loops = (try EventLoop.start(), try EventLoop.start())
        } catch {
            throw AgentFault("\(error)")
        }
        let result: Result<Void, AgentFault> = await run(configuration, folder, identity, loops, logger)
        await loops.network.stop()
        await loops.core.stop()
        try result.get()
    }

    private static func run(
        _ configuration: AgentConfiguration,
        _ folder: AgentFolder,
        _ identity: AgentIdentity,
        _ loops: (network: EventLoop, core: EventLoop),
        _ logger: Logger
    ) async -> Result<Void, AgentFault> {
        do throws(AgentFault) {
            let runtime: any ContainerRuntime = try await RuntimeSelection.choose(
                configuration,
                hostUUID: identity.hostUUID,
                folder: folder,
                loop: loops.network,
                logger: logger
            )
            logger.notice(
                "agent starts",
                [
                    "host.uuid": .string(identity.hostUUID), "host.runtime": .string(runtime.name),
                    "server.url": .string(configuration.urls.map(\.description).joined(separator: " ")),
                ]
            )
            let agent = Agent(
                configuration: configuration,
                folder: folder,
                identity: identity,
                orders: try folder.orders(),
                starts: try folder.starts(),
                learned: ServerList.usable(try folder.servers(), beside: configuration.urls),
                transport: try transport(configuration, identity, loops.network),
                runtime: runtime,
                loops: loops,
                logger: logger
            )
            let fault: AgentFault? = await agent.live()
            if let fault { return .failure(fault) }
            logger.notice("agent stops; containers stay as they are")
            return .success(())
        } catch {
            return .failure(error)
        }
    }

    private static func transport(
        _ configuration: AgentConfiguration,
        _ identity: AgentIdentity,
        _ loop: EventLoop
    ) throws(AgentFault) -> AgentTransport {
        guard configuration.urls.contains(where: \.isSecure) else { return AgentTransport(plainOn: loop) }
        return try AgentTransport(
            on: loop,
            trust: try trust(configuration, identity),
            certificate: identity.certificate?.shown(at: configuration.now())
        )
    }

    /// Whom this host knows; a host that knows nobody yet goes by its token.
    static func trust(
        _ configuration: AgentConfiguration,
        _ identity: AgentIdentity
    ) throws(AgentFault) -> ServerTrust {
        if let known: HostCertificate = identity.certificate { return .authorities(known.authorities) }
        if let token = configuration.token, let pin = try AuthorityPin(token: token.reveal()) { return .pinned(pin) }
        throw AgentFault(
            "https needs a registration token that names the server's authority, which is its fourth part: make a new "
                + "token on a server that has an authority, and start the agent with --token"
        )
    }
}
