import Authority
import Certificates
import EventLoop
import Gateway
import JSON
import Logging
import RaftCore
import Store

/// Exchanges this node's certificate for a new one in good time.
///
/// Every node can open the authority, so it asks nobody. The key stays.
struct CertificateKeeper: Sendable {
    private let state: any StateProviding & Proposing
    private let folder: DataFolder
    private let configuration: NodeConfiguration
    private let logger: Logger
    private let now: @Sendable () -> Int64
    private let renewed: @Sendable (DataFolder.Credentials) async -> Void

    /// - Parameter renewed: puts the new certificate to use; the files have it already.
    init(
        state: any StateProviding & Proposing,
        folder: DataFolder,
        configuration: NodeConfiguration,
        logger: Logger,
        now: @escaping @Sendable () -> Int64,
        renewed: @escaping @Sendable (DataFolder.Credentials) async -> Void
    ) {
        self.state = state
        self.folder = folder
        self.configuration = configuration
        self.logger = logger
        self.now = now
        self.renewed = renewed
    }

    /// Puts a new certificate in the place of one that has expired, before anybody is spoken to.
    ///
    /// - Throws: ``NodeFault/storage(_:)`` when the authority in this node's state cannot be opened.
    static func rescue(
        _ security: NodeSecurity,
        _ folder: DataFolder,
        _ configuration: NodeConfiguration,
        _ state: any StateProviding & Proposing,
        _ logger: Logger
    ) throws(NodeFault) {
        let keeper = CertificateKeeper(
            state: state,
            folder: folder,
            configuration: configuration,
            logger: logger,
            now: { WallClock.milliseconds },
            renewed: { _ in }
        )
        guard let new: DataFolder.Credentials = try keeper.renewIfDue(0) else { return }
        security.renewed(new, logger)
        logger.notice(
            "the certificate had expired and was renewed",
            ["certificate.serial": .string(new.certificate.serial)]
        )
    }

    /// Looks once an hour, until its task is cancelled.
    func run(on loop: EventLoop) async {
        let random = UInt64.random(in: .min ... .max)
        while !Task.isCancelled {
            do throws(NodeFault) {
                if let new: DataFolder.Credentials = try renewIfDue(random) {
                    logger.notice("certificate renewed", ["certificate.serial": .string(new.certificate.serial)])
                    await renewed(new)
                }
            } catch {
                logger.error("the certificate is due and was not renewed", ["error": .string("\(error)")])
            }
            guard (try? await loop.sleep(milliseconds: 3_600_000)) != nil else { return }
        }
    }

    /// - Returns: what was issued and saved; nil when it is not time yet.
    func renewIfDue(_ random: UInt64) throws(NodeFault) -> DataFolder.Credentials? {
        guard var credentials: DataFolder.Credentials = try folder.credentials(),
            case let sealingKeys:[[UInt8]] = try folder.sealingKeys(), !sealingKeys.isEmpty
        else { return nil }
        let (old, time): (Certificate, Int64) = (credentials.certificate, now())
        guard time >= Renewal.moment(notBefore: old.notBefore, notAfter: old.notAfter, random: random) else {
            return nil
        }
        let authority = ClusterAuthority(cluster: configuration.group.cluster) { sealingKeys }
        do {
            let opened: CertificateAuthority = try authority.open(in: state.store.view)
            credentials.certificate = try Issuing.node(
                try .make(key: credentials.key, commonName: configuration.name),
                by: opened,
                cluster: configuration.group.cluster,
                member: configuration.member.number,
                name: configuration.name,
                hosts: configuration.hosts,
                now: time
            )
            credentials.others = credentials.trusted.filter { $0 != opened.certificate }
            credentials.authority = opened.certificate
        } catch {
            throw .storage("\(error)")
        }
        try folder.save(credentials)
        return credentials
    }
}
