import EventLoop
import HTTP
import HostAgentCore
import HostProtocol
import JSON
import Limits
import Logging
import WebSocket

/// An open stream to the server.
struct AgentSession: Sendable {
    let socket: WebSocket

    func send(_ frame: AgentFrame) async throws {
        try await socket.send(text: String(decoding: frame.encoded, as: UTF8.self))
    }
}

/// Keeps a stream to the server open: registers if need be, connects, and connects again for ever.
struct AgentConnection: Sendable {
    let agent: Agent

    /// - Returns: nil when cancelled, else why it makes no sense to go on.
    func keep() async -> AgentFault? {
        var backoff = Backoff()
        while !Task.isCancelled {
            do {
                let key: AgentIdentity.Key = try await key()
                if try await serve(key) { backoff.reset() }
            } catch let fault as AgentFault {
                return fault
            } catch Registration.Failure.refused(let fault) {
                return fault
            } catch Registration.Failure.later(let reason) {
                agent.logger.notice("cannot register yet", ["reason": .string(reason)])
            } catch {
                if Task.isCancelled { return nil }
                agent.logger.notice("no stream to the server", ["reason": .string("\(error)")])
            }
            do {
                try await agent.loop.sleep(milliseconds: backoff.next())
            } catch {
                return nil
            }
        }
        return nil
    }

    private func key() async throws -> AgentIdentity.Key {
        let identity: AgentIdentity = await agent.identity
        if let key: AgentIdentity.Key = identity.key { return key }
        guard let token = agent.configuration.token else {
            throw AgentFault("this host is not registered yet: give the registration token with --token")
        }
        let registration = Registration(url: agent.configuration.url, client: agent.client)
        let key: AgentIdentity.Key = try await registration.register(
            token: token,
            hostUUID: identity.hostUUID,
            hostname: agent.configuration.hostname ?? MachineFacts.hostname
        )
        try await agent.registered(key)
        agent.logger.notice("registered", ["host.id": .string(key.hostID)])
        return key
    }

    /// One stream, from its opening to its end; whether the server welcomed this host on it.
    private func serve(_ key: AgentIdentity.Key) async throws -> Bool {
        let socket: WebSocket
        do {
            var limits = WebSocketLimits()
            limits.messageBytes = Limits.hostFrameBytes
            socket = try await WebSocket.connect(
                to: agent.configuration.url.endpoint,
                target: "\(agent.configuration.url.basePath)/v2-beta/hoststream",
                headers: ["Authorization": BasicAuthorization.header(key.accessKey, key.secretKey.reveal())],
                client: agent.client,
                limits: limits
            )
        } catch WebSocketFault.refused(let status, let cause) where status == 401 || status == 403 {
            throw AgentFault(
                "the server does not know host \(key.hostID) any more (\(status) \(cause.prefix(200))): it was removed. Its "
                    + "containers stay as they are. To register anew, move \(agent.configuration.dataFolder) away and "
                    + "start the agent with a token",
                exitCode: 3
            )
        }
        let session = AgentSession(socket: socket)
        let frames: AsyncStream<AgentFrame> = await agent.opened(session)
        agent.logger.notice("connected", ["server.url": .string("\(agent.configuration.url)")])
        let end: String = await withTaskGroup(of: String.self) { group in
            group.addTask { await self.receive(session) }
            group.addTask { await self.send(frames, session) }
            let reason: String = await group.next() ?? ""
            group.cancelAll()
            // Both must see the end before the next stream begins.
            await socket.close()
            return reason
        }
        let wasWelcomed: Bool = await agent.isWelcomed
        await agent.closed()
        agent.logger.notice("disconnected", ["reason": .string(end)])
        return wasWelcomed
    }

    private func receive(_ session: AgentSession) async -> String {
        do {
            while let message: WebSocketMessage = try await session.socket.receive() {
                let bytes: [UInt8]
                switch message {
                case .text(let text): bytes = Array(text.utf8)
                case .binary(let binary): bytes = binary
                }
                await agent.input(.received(try ServerFrame(decoding: bytes)))
            }
            return "the server closed the stream"
        } catch {
            return "\(error)"
        }
    }

    private func send(_ frames: AsyncStream<AgentFrame>, _ session: AgentSession) async -> String {
        do {
            for await frame in frames { try await session.send(frame) }
            return "this agent left it"
        } catch {
            return "\(error)"
        }
    }
}
