import Bytes
package import Crypto
import EventLoop
import Federation
package import HTTP
import JSON
import Limits
package import Logging
package import Metrics
import Model
import Store
import StoreFormat
import Synchronization

/// From a request to its answer: the stages, and what goes round every answer.
package final class Gateway: Sendable {
    let state: any StateProviding
    let proposer: any Proposing
    let hosts: any HostConnecting
    let explainer: any Explaining
    /// Nil where there is no cluster to operate; then its address does not exist.
    let cluster: (any ClusterOperating)?
    /// nil for a cluster without an authority, which speaks plain HTTP only.
    let certificates: (any CertificateIssuing)?
    /// Nil where no history is kept.
    let recall: (any Recalling)?
    /// nil where nothing is written down but changes.
    let journal: (any NodeJournal)?
    /// Why no more may be stored now, for people; nil while there is room.
    let storageRefusal: (@Sendable () -> String?)?
    /// nil where hosts need not know of more than the server that they were given.
    let servers: (any ServerAddresses)?
    let logger: Logger
    let counters: GatewayCounters
    let admission: Admission
    let session: GatewaySession
    /// nil in a cluster of one node.
    let peers: (any PeerForwarding)?
    let timing: GatewayTiming
    let spentTickets = SpentTickets()
    let policies: PolicySnapshots
    /// nil for a cluster without an authority.
    let sealing: (any KeySealing)?
    /// nil for a cluster that stands by itself.
    let federation: ClusterLinks?
    let freshness = Freshness()
    let interceptors = InterceptorRoom()
    let assertions: AssertionDesk
    let events = SharedEvents()
    let viewers = Viewers()
    let pings = PingRounds()
    let passwords: PasswordWork
    let guesses = Mutex<GuessLedger>(GuessLedger())
    let usage = UsageBook()
    let quotaTurns = QuotaTurns()
    let watches = WatchPlaces()
    let keyGuesses: KeyGuesses
    let keyRenewals: KeyRenewals
    let rightsChanges: RightsChanges
    let provider: OpenIDProvider
    let endedVisits = EndedVisits()
    /// Milliseconds since 1970.
    let now: @Sendable () -> Int64
    /// Milliseconds since some moment, for what has to wait: whoever sets the clock makes no wait longer or shorter.
    let steady: @Sendable () -> Int64
    /// Where the listener is, for requests without a usable Host.
    let localAuthority: @Sendable () -> String
    package let version: String

    package init(
        state: any StateProviding,
        proposer: any Proposing,
        hosts: any HostConnecting,
        explainer: any Explaining,
        peers: (any PeerForwarding)? = nil,
        timing: GatewayTiming = GatewayTiming(),
        cluster: (any ClusterOperating)? = nil,
        certificates: (any CertificateIssuing)? = nil,
        servers: (any ServerAddresses)? = nil,
        recall: (any Recalling)? = nil,
        journal: (any NodeJournal)? = nil,
        storageRefusal: (@Sendable () -> String?)? = nil,
        passwordCost: Scrypt.Cost = .standard,
        sealing: (any KeySealing)? = nil,
        federation: ClusterLinks? = nil,
        logger: Logger,
        metrics: MetricsRegistry,
        version: String,
        now: @escaping @Sendable () -> Int64,
        steady: @escaping @Sendable () -> Int64 = { Int64(MonotonicClock.now / 1_000_000) },
        localAuthority: @escaping @Sendable () -> String
    ) {
        self.state = state
        self.proposer = proposer
        self.hosts = hosts
        self.explainer = explainer
        self.peers = peers
        self.timing = timing
        self.cluster = cluster
        self.certificates = certificates
        self.servers = servers
        self.recall = recall
        self.journal = journal
        self.storageRefusal = storageRefusal
        self.sealing = sealing
        self.federation = federation
        policies = PolicySnapshots(sealing)
        assertions = AssertionDesk(
            state: state,
            proposer: proposer,
            policies: policies,
            cluster: sealing == nil ? nil : certificates?.cluster,
            logger: logger,
            now: now
        )
        passwords = PasswordWork(cost: passwordCost)
        rightsChanges = RightsChanges(state.store)
        provider = OpenIDProvider(now: now)
        self.logger = logger
        self.version = version
        self.now = now
        self.steady = steady
        self.localAuthority = localAuthority
        counters = GatewayCounters(metrics)
        admission = Admission(metrics)
        keyGuesses = KeyGuesses(metrics)
        keyRenewals = KeyRenewals(state: state, proposer: proposer, logger: logger, now: now)
        session = GatewaySession(proposer: proposer, now: now)
    }

    /// Answers a client's request; never throws.
    package func handle(
        _ request: HTTPRequest,
        _ connection: ConnectionInfo
    ) async -> HTTPResponse {
        let since: UInt64 = MonotonicClock.now
        let view: StoreView = state.store.view
        let policy: PolicySnapshot = policies.snapshot(of: view)
        let reception: Reception = .of(request, connection, policy, local: localAuthority())
        let arrival = Arrival(reception, request, connection, id: Hex.encode(SecureRandom.identifier()))
        let response: HTTPResponse
        if let early: HTTPResponse = Dressing.early(arrival, policy, view) {
            response = early
        } else if let federation, federation.place.isNamed(by: reception.base.authority) {
            response = await FederationDoor(arrival: arrival, links: federation, gateway: self).answer()
        } else {
            response = await answer(arrival)
        }
        return finished(response, to: arrival, since: since)
    }

    /// The answer to a client with what goes round every answer, counted and written down.
    ///
    /// - Parameter since: when the request came in, on the monotonic clock.
    func finished(_ response: HTTPResponse, to arrival: Arrival, since: UInt64) -> HTTPResponse {
        var response: HTTPResponse = response
        Dressing.add(to: &response, arrival.reception.request, arrival.reception.policy)
        answered(arrival.reception, response.status, since: since) { (arrival, response) }
        return response
    }

    /// Counts an answer to a client.
    ///
    /// - Parameter exchanged: what the access log tells of it, where there is one.
    func answered(_ reception: Reception, _ status: Int, since: UInt64, _ exchanged: () -> (Arrival, HTTPResponse)) {
        if let file: String = reception.policy.accessLog, let journal {
            let (arrival, response): (Arrival, HTTPResponse) = exchanged()
            journal.access(AccessLine.make(arrival, response, now: now(), since: since), file: file)
        }
        counters.answered(reception.kind, status, .client, since: since)
    }

    /// Answers a request that another node has forwarded; never throws.
    ///
    /// The first stage of the listener for peers: the node has checked that the certificate is a server node's.
    ///
    /// - Parameter peer: its name, for messages.
    package func handleFromPeer(
        _ request: HTTPRequest,
        _ connection: ConnectionInfo,
        peer: String
    ) async -> HTTPResponse {
        guard let facts = ForwardedFacts(request.headers) else {
            return refusal(
                .badRequest("The node \(peer) sent a request without saying whose it is: update the older of the two."),
                request,
                id: Hex.encode(SecureRandom.identifier()),
                base: BaseURL(headers: HTTPHeaders(), isSecure: true, local: localAuthority())
            )
        }
        let since: UInt64 = MonotonicClock.now
        let reception = Reception(
            request,
            connection,
            policies.snapshot(of: state.store.view),
            local: localAuthority(),
            facts: facts
        )
        let response: HTTPResponse = await answer(
            Arrival(reception, request, connection, id: facts.id, facts: facts)
        )
        counters.answered(reception.kind, response.status, .peer, since: since)
        return response
    }

    /// What the listener for peers accepts: a client's largest request, and what is added to it.
    package static var peerListenerLimits: HTTPServerLimits {
        var limits = HTTPServerLimits()
        limits.message.headBytes += Limits.forwardHeadBytes
        limits.message.headerCount += ForwardedFacts.headerCount
        return limits
    }

    /// Whether the long body of a client's request, of which only the head has come, is taken as it comes.
    ///
    /// What comes to the federation's host name may belong to another cluster, and goes there whole.
    package func takesStream(_ request: HTTPRequest, _ connection: ConnectionInfo) -> Bool {
        let policy: PolicySnapshot = policies.snapshot(of: state.store.view)
        let reception: Reception = .of(request, connection, policy, local: localAuthority())
        if let federation, federation.place.isNamed(by: reception.base.authority) { return false }
        return reception.passage?.passesBodies ?? false
    }

    func answer(_ arrival: Arrival) async -> HTTPResponse {
        var arrival: Arrival = arrival
        let base: BaseURL = arrival.base
        guard let address: Reception.Address = arrival.reception.address else {
            return refusal(
                .badRequest("The address has an invalid percent escape, or is not UTF-8."),
                arrival.request,
                id: arrival.id,
                base: base
            )
        }
        let (segments, query): ([String], QueryItems) = (address.segments, address.query)
        if arrival.facts == nil {
            do throws(Problem) {
                if segments.first == InterceptorExemption.control {
                    return try await InterceptorControl.answer(arrival, segments, query, self)
                }
                if let answer: HTTPResponse = try await Passage.answer(&arrival, address, self) {
                    return answer
                }
            } catch {
                return refusal(error, arrival.request, id: arrival.id, base: base)
            }
        }
        let request: HTTPRequest = arrival.request
        if let answer: HTTPResponse = await OutsideAPI.answer(arrival, segments, self) { return answer }
        // Tools look for this at the front door.
        let isDescription: Bool = segments == [SpecialPaths.openAPI]
        guard let path = APIPath(segments: isDescription ? [APIPath.currentVersion] + segments : segments) else {
            return refusal(
                .notFound("There is nothing at \(request.path); the API starts at /\(APIPath.currentVersion)."),
                request,
                id: arrival.id,
                base: base
            )
        }
        var exchange: Exchange?
        defer {
            if let tickets: RequestTickets = exchange?.tickets { session.end(tickets) }
            if let key: Admission.Key = exchange?.admitted { admission.leave(key) }
        }
        let deadline: Deadline = .after(milliseconds: timing.requestMilliseconds)
        do throws(Problem) {
            if arrival.facts == nil {
                try CrossSite.refuse(
                    request,
                    base,
                    state.store.view,
                    policies.snapshot(of: state.store.view).crossOrigin
                )
            }
            if arrival.facts == nil, EarlyPlanning.isPossible(request, path),
                policies.snapshot(of: state.store.view).interceptors.isEmpty
            {
                let (answer, made): (Answer?, Exchange) = try await early(arrival, path, query, deadline)
                exchange = made
                if let answer { return await finished(dressed(answer, made), made) }
            }
            var current: Exchange = try await begin(arrival, path, query, deadline, .current)
            current.admitted = exchange?.admitted
            defer { exchange = current }
            let answer: Answer = try await pass(&current)
            return await finished(dressed(answer, current), current)
        } catch {
            return refusal(error, request, id: arrival.id, base: base, exchange: exchange)
        }
    }

    /// The answer as the client gets it, when those who see answers have seen it.
    private func finished(_ response: HTTPResponse, _ exchange: Exchange) async -> HTTPResponse {
        Journaling.read(exchange, response.status, self)
        guard let course: InterceptedCourse = exchange.course else { return response }
        return await ResponseInterception.apply(response, course, exchange.connection.loop, self)
    }

    /// The request as it comes to the first stage.
    ///
    func begin(
        _ arrival: Arrival,
        _ path: APIPath,
        _ query: QueryItems,
        _ deadline: Deadline,
        _ age: Consistency.Age
    ) async throws(Problem) -> Exchange {
        let view: StoreView = try await Consistency.view(
            for: arrival.request,
            query,
            arrival.facts,
            age,
            on: arrival.connection.loop,
            self
        )
        var exchange: Exchange = arrival.exchange(path, query, view, self)
        exchange.isCurrent = age == .current
        exchange.deadline = deadline
        if arrival.facts == nil { exchange.certified = CertifiedPeer.of(arrival.connection, certificates) }
        exchange.issuing = certificates
        return exchange
    }

    private func pass(_ exchange: inout Exchange) async throws(Problem) -> Answer {
        for stage in Self.stages {
            if let answer: Answer = try await stage.run(&exchange, self) { return answer }
        }
        throw .notFound("There is nothing at \(exchange.request.path).")
    }

    /// Makes a change from the state that is here, see ``EarlyPlanning``.
    ///
    /// - Returns: no answer when it has to be tried on the current state, as if nothing had been tried before.
    private func early(
        _ arrival: Arrival,
        _ path: APIPath,
        _ query: QueryItems,
        _ deadline: Deadline
    ) async throws(Problem) -> (Answer?, Exchange) {
        var exchange: Exchange = try await begin(arrival, path, query, deadline, .any)
        do throws(Problem) {
            let answer: Answer = try await pass(&exchange)
            return (EarlyPlanning.isTrue(exchange) ? answer : nil, exchange)
        } catch {
            guard EarlyPlanning.isTrue(exchange), !exchange.startsOver else {
                if let tickets: RequestTickets = exchange.tickets { session.end(tickets) }
                exchange.tickets = nil
                return (nil, exchange)
            }
            // The refusal is rendered with what is known of the request, and its tickets are given back.
            return (.refused(error), exchange)
        }
    }

    private func dressed(_ answer: Answer, _ exchange: Exchange) -> HTTPResponse {
        var response: HTTPResponse
        switch answer {
        case .forwarded(let complete): return complete
        case .http(let ready): response = ready
        case .refused(let problem):
            return refusal(problem, exchange.request, id: exchange.id, base: exchange.base, exchange: exchange)
        case .document(let status, let value):
            let user: String? = exchange.caller.account?.name
            let view: StoreView = state.store.view
            let plain: JSONValue = PlainIDs.areWanted(exchange) ? PlainIDs.document(value) : value
            let value: JSONValue = exchange.path.version == .one ? VersionOne.document(plain) : plain
            response = DocumentFormat.response(status, value, to: exchange.request, exchange.links, user: user, view)
        }
        ResponseHeaders.add(to: &response, links: exchange.links, id: exchange.id, exchange, self)
        response.headers["X-API-Revision"] = String(max(exchange.view.revision, exchange.committed))
        return response
    }

    /// The error document for a request that the HTTP server itself refused: it never came to ``handle(_:_:)``.
    package func answer(to refused: HTTPRefusal) -> HTTPResponse {
        counters.answered(.refused, refused.status, .client, since: MonotonicClock.now)
        return refusal(
            Problem(refused: refused),
            nil,
            id: Hex.encode(SecureRandom.identifier()),
            base: BaseURL(headers: HTTPHeaders(), isSecure: false, local: localAuthority())
        )
    }

    func refusal(
        _ problem: Problem,
        _ request: HTTPRequest?,
        id: String,
        base: BaseURL,
        exchange: Exchange? = nil
    ) -> HTTPResponse {
        counters.refusals.add()
        let links: Links = exchange?.links ?? Links(base: base, project: nil)
        var response: HTTPResponse = DocumentFormat.response(
            problem.status,
            exchange?.path.version == .one ? VersionOne.document(problem.document(id: id)) : problem.document(id: id),
            to: request,
            links,
            user: exchange?.caller.account?.name,
            state.store.view
        )
        ResponseHeaders.add(to: &response, links: links, id: id, exchange, self)
        if problem.challenges, let request {
            response.headers["WWW-Authenticate"] = ResponseHeaders.challenge(request, state.store.view)
        }
        if problem.status == 503 || problem.status == 507 {
            response.headers["Retry-After"] = problem.status == 503 ? "1" : "30"
        }
        if let seconds: Int64 = problem.retrySeconds { response.headers["Retry-After"] = String(seconds) }
        if let exchange, exchange.forwarded != nil, exchange.isUntouched {
            response.headers[ForwardedFacts.untouched] = "1"
        }
        log(problem, id: id)
        if let request { Journaling.denied(problem, request, id: id, exchange, self) }
        return response
    }

    /// A fault of ours is for a person; that the cluster is busy or between leaders passes.
    private func log(_ problem: Problem, id: String) {
        let metadata: JSONObject = [
            "request.id": .string(id), "http.status": JSONValue(problem.status), "problem": JSONValue(problem.message),
        ]
        // Of the contract, and nobody's fault: a login where nobody can log in, and a logout without a login.
        let isExpected: Bool = problem.code == "NoAuthProvider" || problem.code == "JWTNotProvided"
        if problem.status == 500, !isExpected {
            logger.error("request failed", metadata)
        } else if problem.status >= 500 {
            logger.info("request not served", metadata)
        }
    }
}
