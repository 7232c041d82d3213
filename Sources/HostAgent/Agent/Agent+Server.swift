import Certificates
import HostAgentCore
import HostProtocol
import JSON
import Limits
import Logging

/// What the agent knows of its servers and of itself among them, and the stream to one of them.
extension Agent {
    var facts: HostFacts {
        MachineFacts.gather(configuration, hostUUID: identity.hostUUID, runtime: runtime)
    }

    var isWelcomed: Bool { core.isWelcomed }
    var stamp: FrameStamp { core.stamp }

    /// The servers to try: those of the configuration, and those that are known besides.
    var servers: (given: [ServerURL], learned: [ServerURL]) { (configuration.urls, learned) }

    /// On disk before it is used.
    func learn(_ addresses: [String]) throws(AgentFault) {
        let usable: [ServerURL] = ServerList.usable(addresses, beside: configuration.urls)
        guard !usable.isEmpty, usable != learned else { return }
        try folder.save(servers: usable.map(\.description))
        learned = usable
    }

    func registered(_ outcome: Registration.Outcome) throws(AgentFault) {
        var next: AgentIdentity = identity
        next.key = outcome.key
        if let certificate = outcome.certificate { next.certificate = certificate }
        try become(next)
        try learn(outcome.servers)
    }

    /// Saves a certificate and shows it from the next connection on.
    func certified(_ certificate: HostCertificate) throws(AgentFault) {
        var next: AgentIdentity = identity
        next.certificate = certificate
        try become(next)
    }

    /// On disk before it is used.
    private func become(_ next: AgentIdentity) throws(AgentFault) {
        try folder.save(next)
        identity = next
        guard let certificate: HostCertificate = next.certificate else { return }
        try showCertificate()
        logger.notice("has a certificate", ["certificate.notAfter": .int(certificate.certificate.notAfter)])
    }

    /// Shows the certificate, if there is a valid one, on the next connections.
    func showCertificate() throws(AgentFault) {
        guard transport.isSecure else { return }
        try transport.use(
            try Self.trust(configuration, identity),
            certificate: identity.certificate?.shown(at: configuration.now())
        )
    }

    /// Shows no certificate on the next connections: for asking for one with the key.
    func hideCertificate() throws(AgentFault) {
        try transport.use(try Self.trust(configuration, identity), certificate: nil)
    }

    /// The next stream is to be opened within so many milliseconds of this one's end.
    func comeBack(withinMilliseconds most: Int) { comeBack = most }

    func takeComeBack() -> Int? {
        defer { comeBack = nil }
        return comeBack
    }

    /// Whether the stream that ends now was welcomed, and neither it nor the one before was short.
    func isGood(streamLasted isLong: Bool) -> Bool {
        defer { wasRestless = !isLong }
        // Who is told to come back was welcomed.
        return (core.isWelcomed || comeBack != nil) && (isLong || !wasRestless)
    }

    /// A stream is open: what comes out of the returned queue is to be sent on it, until it ends.
    func opened(_ session: AgentSession) -> AsyncStream<AgentFrame> {
        let (frames, continuation) = AsyncStream<AgentFrame>.makeStream(
            bufferingPolicy: .bufferingOldest(Limits.webSocketQueuedMessages)
        )
        outbound?.finish()
        outbound = continuation
        self.session = session
        comeBack = nil
        input(.streamOpened(facts))
        return frames
    }

    func closed() {
        outbound?.finish()
        outbound = nil
        session = nil
        input(.streamClosed)
    }
}
