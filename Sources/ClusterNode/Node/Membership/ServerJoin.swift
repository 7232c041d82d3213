import Authority
import Bytes
import Certificates
import Crypto
import EventLoop
import Glibc
import HTTP
import JSON
import Limits
package import Logging
import RaftCore
import RaftLog

/// Makes this machine a node of an existing cluster: one explicit act, once for each data folder.
package enum ServerJoin {
    /// What `server join` was told.
    package struct Options: Sendable {
        package var name: String
        /// As `drover cluster token` printed it.
        package var token: String
        /// Peer addresses of nodes, `host:port`, tried in order.
        package var peerURLs: [String]
        package var http: ListenAddress
        package var https: ListenAddress?
        package var peer: ListenAddress
        /// The host under which all of these are reached; nil for the one that they listen at.
        package var advertise: String?

        package init(
            name: String,
            token: String,
            peerURLs: [String],
            http: ListenAddress,
            https: ListenAddress? = nil,
            peer: ListenAddress,
            advertise: String? = nil
        ) {
            self.name = name
            self.token = token
            self.peerURLs = peerURLs
            self.http = http
            self.https = https
            self.peer = peer
            self.advertise = advertise
        }
    }

    /// What came of it.
    package struct Joined: Hashable, Sendable {
        package var name: String
        /// The node's number, and its member id for ever.
        package var member: UInt64
    }

    /// Makes a connection that is sure to lead to a node of the authority with this fingerprint.
    typealias Connector = @Sendable (_ fingerprint: [UInt8]) throws -> HTTPClient.Connector

    /// Asks the nodes in turn to be let in and writes the folder; the node runs from `server run`.
    ///
    /// The folder is complete afterwards, or as it was before: `node.json` comes last, and a folder without it holds no node.
    ///
    /// - Throws: ``NodeFault/joining(_:)`` with what the cluster said, or why none of the nodes could be asked.
    @discardableResult
    package static func join(
        _ folder: DataFolder,
        _ options: Options,
        logger: Logger
    ) async throws(NodeFault) -> Joined {
        let configuration: NodeConfiguration = try await join(
            folder,
            options,
            connector: JoinConnection.connector,
            logger: logger
        )
        return Joined(name: configuration.name, member: configuration.member.number)
    }

    static func join(
        _ folder: DataFolder,
        _ options: Options,
        connector: Connector,
        logger: Logger
    ) async throws(NodeFault) -> NodeConfiguration {
        guard !folder.isFounded else { throw .alreadyFounded(folder: folder.path) }
        let token: JoinToken = try self.token(options)
        let places: [NetworkPlace] = try self.places(options)
        // A join that was interrupted is repeated word for word: the cluster may have let it in.
        let old: DataFolder.BegunJoin? = folder.begunJoin
        folder.removeUnfinished()
        guard access("\(folder.log)/member", F_OK) != 0 else {
            throw .joining(
                "\(folder.path) holds a log but no node.json: if a node ran there, put its node.json back; else remove the folder"
            )
        }
        // Before the token is used: a folder that cannot be written must not cost one.
        try folder.create()
        try folder.probe()
        let begun: DataFolder.BegunJoin
        if let old, old.name == options.name, JoinToken(old.token)?.fingerprint == token.fingerprint {
            begun = old
        } else {
            begun = try Self.begun(options.name, token)
            try folder.begin(begun)
        }
        let key: PrivateKey
        do throws(CertificateFault) {
            key = try PrivateKey(pem: Array(begun.key.utf8))
        } catch {
            folder.forgetBegun()
            throw .joining("the key of the join that was begun here cannot be read: \(error); run the command again")
        }
        var configuration = NodeConfiguration(
            name: options.name,
            member: MemberID(.max),
            group: GroupIdentity(cluster: 0, incarnation: 0),
            instance: begun.instance,
            http: options.http,
            https: options.https,
            peer: options.peer,
            advertise: options.advertise
        )
        let answer: JoinAnswer = try await ask(
            folder,
            places,
            begun,
            token,
            NodeEntry(configuration),
            connector,
            logger
        )
        let credentials: DataFolder.Credentials = try checked(answer, token, key)
        configuration.member = answer.member
        configuration.group = answer.group
        configuration.peers = answer.members.map { NodeConfiguration.Peer(member: $0.member, address: $0.peer) }
        do throws(NodeFault) {
            try write(folder, configuration, credentials, answer)
        } catch {
            folder.removeUnfinished()
            throw .joining(
                "the cluster let this node in, but its folder cannot be written: \(error); mend that and run the same command "
                    + "again in this folder"
            )
        }
        folder.forgetBegun()
        logger.notice(
            "node joined",
            ["node.name": .string(options.name), "node.member": JSONValue(answer.member.number)]
        )
        return configuration
    }

    // MARK: Before

    private static func token(_ options: Options) throws(NodeFault) -> JoinToken {
        guard NodeName.isValid(options.name) else {
            throw .joining("'\(options.name)' is no node name: use a-z, 0-9 and -, at most 63 characters")
        }
        guard let token = JoinToken(options.token) else {
            throw .joining("the join token is malformed: pass all of what 'drover cluster token' printed")
        }
        guard token.role == .node else {
            throw .joining(
                "the join token is for a \(token.role.rawValue): make one with 'drover cluster token --role node'"
            )
        }
        return token
    }

    private static func places(_ options: Options) throws(NodeFault) -> [NetworkPlace] {
        guard options.peer.port > 0 else { throw .joining("--peer needs a port: the other nodes must find this one") }
        var places: [NetworkPlace] = []
        for text in options.peerURLs {
            guard let place = NetworkPlace(text) else {
                throw .joining("'\(text)' is no peer address: give HOST:PORT, the peer address of a node that runs")
            }
            places.append(place)
        }
        guard !places.isEmpty else { throw .joining("name the peer address of at least one node") }
        return places
    }

    private static func begun(_ name: String, _ token: JoinToken) throws(NodeFault) -> DataFolder.BegunJoin {
        do throws(CertificateFault) {
            let key: PrivateKey = try .generate()
            let request: CertificateRequest = try .make(key: key, commonName: name)
            return DataFolder.BegunJoin(
                name: name,
                token: token.text,
                key: String(decoding: key.pem, as: UTF8.self),
                request: String(decoding: request.pem, as: UTF8.self),
                instance: Hex.encode(SecureRandom.bytes(16))
            )
        } catch {
            throw .joining("no key can be made: \(error)")
        }
    }

    // MARK: Asking

    private enum Failure: Error {
        /// The cluster said no: asking again, or elsewhere, would be the same.
        case refused(String)
        /// This node could not serve now.
        case later(String)
        case unreachable(String)
    }

    /// What came of asking every node in turn.
    private enum Asked {
        case answered(JoinAnswer)
        case refused(String)
        case failed(String)
    }

    private static func ask(
        _ folder: DataFolder,
        _ places: [NetworkPlace],
        _ begun: DataFolder.BegunJoin,
        _ token: JoinToken,
        _ entry: NodeEntry,
        _ connector: Connector,
        _ logger: Logger
    ) async throws(NodeFault) -> JoinAnswer {
        let loop: EventLoop
        let client: HTTPClient
        do {
            loop = try EventLoop.start()
            client = HTTPClient(loop: loop, connector: try connector(token.fingerprint))
        } catch {
            throw .joining("no connection can be made: \(error)")
        }
        var result: Asked = .failed("it has no token")
        // The token of the interrupted join first: if it was used, then for this very request.
        for text in begun.token == token.text ? [token.text] : [begun.token, token.text] {
            let message = JoinRequest(token: text, entry: entry, certificateRequest: begun.request)
            result = await askInTurn(places, message, client, loop, logger)
            guard case .refused = result else { break }
        }
        client.close()
        await loop.stop()
        switch result {
        case .answered(let answer): return answer
        case .failed(let reason): throw .joining("no node could let this one in: \(reason)")
        case .refused(let reason):
            // Nobody was let in with this request, and nobody will be.
            folder.forgetBegun()
            throw .joining("the cluster refuses: \(reason)")
        }
    }

    private static func askInTurn(
        _ places: [NetworkPlace],
        _ message: JoinRequest,
        _ client: HTTPClient,
        _ loop: EventLoop,
        _ logger: Logger
    ) async -> Asked {
        let deadline: Deadline = .after(seconds: Limits.joinSeconds)
        while true {
            var reasons: [String] = []
            var isWorthwhile = false
            for place in places {
                do throws(Failure) {
                    return .answered(try await ask(place, message, client))
                } catch {
                    switch error {
                    case .refused(let reason): return .refused(reason)
                    case .later(let reason):
                        isWorthwhile = true
                        reasons.append("\(place): \(reason)")
                    case .unreachable(let reason): reasons.append("\(place): \(reason)")
                    }
                    logger.info("node not joined yet", ["peer.address": .string("\(place)")])
                }
            }
            // Somebody is there, and may have a leader in a moment.
            guard isWorthwhile, !deadline.isPast, (try? await loop.sleep(milliseconds: 500)) != nil else {
                return .failed(reasons.joined(separator: "; "))
            }
        }
    }

    private static func ask(
        _ place: NetworkPlace,
        _ message: JoinRequest,
        _ client: HTTPClient
    ) async throws(Failure) -> JoinAnswer {
        let request = HTTPRequest(
            method: "POST",
            target: JoinRequest.path,
            headers: ["Content-Type": "application/json", "Accept": "application/json"],
            body: JSONWriter.bytes(message.json)
        )
        let response: HTTPClientResponse
        do {
            response = try await client.send(request, to: .tcp(host: place.host, port: place.port))
        } catch {
            throw .unreachable("\(error)")
        }
        let document: JSONValue? = try? JSONReader.parse(response.body)
        guard (200..<300).contains(response.status) else {
            let text: String = document?["message"]?.string ?? "it answers with status \(response.status)"
            throw response.status >= 500 ? .later(text) : .refused(text)
        }
        guard let document else { throw .unreachable("its answer is not JSON") }
        do throws(JoinMessageFault) {
            return try JoinAnswer(document)
        } catch {
            throw .refused("its answer makes no sense: \(error)")
        }
    }

    // MARK: After

    /// That what came is a membership of the cluster that the token is of.
    private static func checked(
        _ answer: JoinAnswer,
        _ token: JoinToken,
        _ key: PrivateKey
    ) throws(NodeFault) -> DataFolder.Credentials {
        let (certificate, authority): (Certificate, Certificate)
        do throws(CertificateFault) {
            certificate = try Certificate(pem: Array(answer.certificate.utf8))
            authority = try Certificate(pem: Array(answer.authority.utf8))
        } catch {
            throw .joining("the cluster's answer holds no certificate: \(error)")
        }
        guard authority.fingerprint == token.fingerprint, certificate.isIssued(by: authority) else {
            throw .joining("the answer comes from another cluster than the token: nothing was written")
        }
        guard
            PeerIdentity(certificate)
                == PeerIdentity(.node, cluster: answer.group.cluster, number: answer.member.number)
        else { throw .joining("the certificate is not for the member that the answer names: nothing was written") }
        return DataFolder.Credentials(certificate: certificate, key: key, authority: authority)
    }

    private static func write(
        _ folder: DataFolder,
        _ configuration: NodeConfiguration,
        _ credentials: DataFolder.Credentials,
        _ answer: JoinAnswer
    ) throws(NodeFault) {
        try folder.saveSealingKey(answer.sealingKey)
        try folder.save(credentials)
        do throws(LogFault) {
            // The log begins as everybody's did; what has happened since comes in as entries, or as a snapshot.
            try FileLog.create(
                in: folder.log,
                member: configuration.member,
                group: configuration.group,
                configuration: Configuration(voters: answer.voters)
            )
        } catch {
            throw .storage("\(error)")
        }
        try folder.saveInstance(configuration.instance)
        try folder.save(configuration)
    }
}
