import EventLoop
import HTTP
import HostAgentCore
import HostProtocol
import JSON
import Limits
import Logging
import TLS
import WebSocket

/// An open stream to the server.
struct AgentSession: Sendable {
    let socket: WebSocket

    func send(_ frame: AgentFrame) async throws {
        try await socket.send(text: String(decoding: frame.encoded, as: UTF8.self))
    }
}

/// Keeps a stream to one of the servers open: registers if need be, connects, and connects again for ever.
///
/// It stays where it is connected. When a stream breaks the other servers are tried at once; only when a whole round came to nothing
/// it waits.
struct AgentConnection: Sendable {
    let agent: Agent

    /// How a stream ended.
    private struct End {
        /// It was welcomed, and lasted long enough not to be one of a quick series.
        var wasGood: Bool
        /// The server, or this agent itself, wants the next stream at once, or within so many milliseconds.
        var comeBack: Int?
    }

    /// - Returns: nil when cancelled, else why it makes no sense to go on.
    func keep() async -> AgentFault? {
        var backoff = Backoff()
        var round = ServerRound()
        var random = SystemRandomNumberGenerator()
        // A server that refuses this host may know less than the others: all are asked before it is believed.
        var refusal: AgentFault?
        var isCertificateRefused: Bool = false
        while !Task.isCancelled {
            let servers: (given: [ServerURL], learned: [ServerURL]) = await agent.servers
            guard let url = round.next(given: servers.given, learned: servers.learned, using: &random) else {
                if let refusal { return refusal }
                guard await pause(backoff.next()) else { return nil }
                continue
            }
            do {
                let headers: HTTPHeaders = try await credentials(url, renewing: isCertificateRefused)
                isCertificateRefused = false
                let end: End = try await serve(url, headers)
                refusal = nil
                guard end.wasGood else { continue }
                backoff.reset()
                round.begin(end.comeBack == nil ? .without(url) : .with(url))
                if let most = end.comeBack, most > 0, await !pause(Int.random(in: 0...most)) { return nil }
            } catch let fault as AgentFault where fault.exitCode == Self.removedExitCode {
                refusal = fault
            } catch let fault as AgentFault {
                return fault
            } catch Registration.Failure.refused(let fault) {
                return fault
            } catch Registration.Failure.untrusted(let reason) {
                // A host that knows its cluster goes on looking for it; a new one must not guess.
                guard await agent.identity.key != nil else { return AgentFault(reason) }
                agent.logger.error("a server is not to be trusted", ["reason": .string(reason)])
            } catch let mismatch as ServerTrust.Mismatch {
                agent.logger.error("a server is not to be trusted", ["reason": .string("\(mismatch)")])
            } catch Registration.Failure.later(let reason) {
                agent.logger.notice("cannot register yet", ["reason": .string(reason)])
            } catch {
                if Task.isCancelled { return nil }
                // A server whose clock or authority differs ends the handshake without a word that HTTP could carry.
                isCertificateRefused = url.isSecure && error is TLSFault
                agent.logger.notice(
                    "no stream to the server",
                    ["server.url": .string("\(url)"), "reason": .string("\(error)")]
                )
            }
        }
        return nil
    }

    private static let removedExitCode: Int32 = 3

    /// Whether the task goes on.
    private func pause(_ milliseconds: Int) async -> Bool {
        (try? await agent.loop.sleep(milliseconds: milliseconds)) != nil
    }

    // MARK: Who this host is

    /// What the next stream shows: nothing but the certificate over HTTPS, the key over plain HTTP.
    private func credentials(_ url: ServerURL, renewing: Bool) async throws -> HTTPHeaders {
        let key: AgentIdentity.Key = try await registered(url)
        guard url.isSecure else {
            return ["Authorization": BasicAuthorization.header(key.accessKey, key.secretKey.reveal())]
        }
        let held: HostCertificate? = await agent.identity.certificate
        if renewing || held?.isValid(at: agent.configuration.now()) != true {
            // The way back of a host that was away for longer than its certificate lasts.
            try await recertify(url, key)
        }
        return [:]
    }

    private func registered(_ url: ServerURL) async throws -> AgentIdentity.Key {
        let identity: AgentIdentity = await agent.identity
        if let key: AgentIdentity.Key = identity.key { return key }
        guard let token = agent.configuration.token else {
            throw AgentFault("this host is not registered yet: give the registration token with --token")
        }
        let outcome: Registration.Outcome = try await Registration(url: url, client: agent.transport.client).register(
            token: token,
            hostUUID: identity.hostUUID,
            hostname: agent.configuration.hostname ?? MachineFacts.hostname
        )
        try await agent.registered(outcome)
        agent.logger.notice("registered", ["host.id": .string(outcome.key.hostID)])
        return outcome.key
    }

    /// A new certificate in exchange for the key.
    private func recertify(_ url: ServerURL, _ key: AgentIdentity.Key) async throws {
        try await agent.hideCertificate()
        let new: HostCertificate
        do throws(Registration.Failure) {
            new = try await Registration(url: url, client: agent.transport.client).renew(key)
        } catch {
            try await agent.showCertificate()
            guard case .refused(let cause) = error else { throw error }
            throw removed(key, cause.message)
        }
        try await agent.certified(new)
    }

    private func removed(_ key: AgentIdentity.Key, _ cause: String) -> AgentFault {
        AgentFault(
            "the server does not know host \(key.hostID) any more (\(cause.prefix(200))): it was removed. Its "
                + "containers stay as they are. To register anew, move \(agent.configuration.dataFolder) away and "
                + "start the agent with a token",
            exitCode: Self.removedExitCode
        )
    }

    // MARK: One stream

    private func open(_ url: ServerURL, _ headers: HTTPHeaders) async throws -> WebSocket {
        var limits = WebSocketLimits()
        limits.messageBytes = Limits.hostFrameBytes
        return try await WebSocket.connect(
            to: url.endpoint,
            target: "\(url.basePath)/v2-beta/hoststream",
            headers: headers,
            client: agent.transport.client,
            limits: limits
        )
    }

    /// One stream, from its opening to its end.
    private func serve(_ url: ServerURL, _ headers: HTTPHeaders) async throws -> End {
        let socket: WebSocket
        do {
            socket = try await open(url, headers)
        } catch WebSocketFault.refused(let status, let cause) where status == 401 || status == 403 {
            guard let key: AgentIdentity.Key = await agent.identity.key else { throw WebSocketFault.closed }
            guard url.isSecure else { throw removed(key, "\(status) \(cause)") }
            // It may be the certificate alone that is not accepted; if it is the host, its key is refused as well.
            try await recertify(url, key)
            socket = try await open(url, [:])
        }
        let session = AgentSession(socket: socket)
        let began: UInt64 = MonotonicClock.now
        let frames: AsyncStream<AgentFrame> = await agent.opened(session)
        agent.logger.notice("connected", ["server.url": .string("\(url)")])
        let reason: String = await withTaskGroup(of: String.self) { group in
            group.addTask { await self.receive(session) }
            group.addTask { await self.send(frames, session) }
            if url.isSecure { group.addTask { await self.renewWhenDue(url) } }
            let reason: String = await group.next() ?? ""
            group.cancelAll()
            // All must see the end before the next stream begins.
            await socket.close()
            return reason
        }
        let isLong: Bool = MonotonicClock.now - began >= Limits.hostShortStreamMilliseconds * 1_000_000
        let end = End(wasGood: await agent.isGood(streamLasted: isLong), comeBack: await agent.takeComeBack())
        await agent.closed()
        agent.logger.notice("disconnected", ["reason": .string(reason)])
        return end
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

    /// Gets the next certificate while the stream goes on; ends when there is one, for the stream after this one.
    private func renewWhenDue(_ url: ServerURL) async -> String {
        var random = SystemRandomNumberGenerator()
        var backoff = Backoff()
        guard let held: HostCertificate = await agent.identity.certificate else {
            return "this host has no certificate"
        }
        let due: Int64 = held.renewal(using: &random)
        while !Task.isCancelled {
            // Read again and again: a clock may be set.
            guard await pause(Self.clockMilliseconds) else { break }
            guard agent.configuration.now() >= due else { continue }
            do {
                try await agent.certified(
                    try await Registration(url: url, client: agent.transport.client).renew(nil)
                )
                await agent.comeBack(withinMilliseconds: 0)
                return "a new certificate"
            } catch {
                agent.logger.notice("the certificate is not renewed yet", ["reason": .string("\(error)")])
                guard await pause(backoff.next()) else { break }
            }
        }
        return "cancelled"
    }

    private static let clockMilliseconds: Int = 500
}
