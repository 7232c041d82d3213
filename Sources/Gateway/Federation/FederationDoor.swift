import EventLoop
import Federation
import HTTP
import JSON
import Limits
import Logging
import Model
import RBAC
import Store

/// What comes under the federation's host name: every gateway of every cluster serves it, and every environment is found by the
/// number of its cluster.
///
/// Ids have their cluster's number behind them, and bare ones are nothing here. What is this cluster's goes the way of every
/// request and gets its numbers on the way out; what is another's is passed on to a gateway of it, once, and rendered there.
struct FederationDoor {
    let arrival: Arrival
    let links: ClusterLinks
    let gateway: Gateway

    /// On a request that another cluster has passed on, with its number: such a request is not passed on again.
    static let origin: String = "X-Drover-Federation-Origin"

    private var place: FederationPlace { links.place }
    private var request: HTTPRequest { arrival.request }
    private var ids: ClusterIDs { ClusterIDs(cluster: place.cluster, base: arrival.base.text) }

    func answer() async -> HTTPResponse {
        guard let segments: [String] = request.segments, let query: QueryItems = request.queryItems,
            let version: String = segments.first, APIVersion(rawValue: version) != nil
        else { return await gateway.answer(arrival) }
        do throws(Problem) {
            switch FederatedAddress(segments, own: place.cluster) {
            case .here(let plain): return try await here(plain, query)
            case .other(let cluster): return try await passOn(to: cluster)
            case .refused(.bare(let id)):
                throw .notFound(
                    "Under \(place.host) an id has the number of its cluster behind it, such as \(id)c\(place.cluster): "
                        + "\(id) could be in any of its clusters."
                )
            case .refused(.mixed(let one, let other)):
                throw .notFound(
                    "The address names things of cluster \(one) and of cluster \(other): nothing is in both."
                )
            }
        } catch {
            return gateway.refusal(error, request, id: arrival.id, base: arrival.base)
        }
    }

    // MARK: This cluster's

    private func here(_ segments: [String], _ query: QueryItems) async throws(Problem) -> HTTPResponse {
        guard !request.headers.contains("upgrade") else {
            throw .badRequest(
                "Streams are not served under \(place.host): open them under a host name of cluster \(place.cluster) itself."
            )
        }
        let items: [QueryItems.Item] = query.items.map { QueryItems.Item($0.name, ids.plain(queryValue: $0.value)) }
        let path: String = "/" + segments.map { PercentCoding.encode($0) }.joined(separator: "/")
        var inner = HTTPRequest(
            method: request.method,
            target: items.isEmpty ? path : "\(path)?\(QueryItems(items: items).encoded)",
            headers: request.headers,
            body: try body(segments, query),
            minorVersion: request.minorVersion
        )
        // Numbers are put into documents, not into pages made of them.
        inner.headers["Accept"] = "application/json"
        inner.headers.remove("Accept-Encoding")
        let reception = Reception(
            inner,
            arrival.connection,
            arrival.reception.policy,
            local: gateway.localAuthority()
        )
        let own = Arrival(reception, inner, arrival.connection, id: arrival.id)
        var response: HTTPResponse = await gateway.answer(own)
        if let schemas: String = response.headers["X-API-Schemas"] {
            response.headers["X-API-Schemas"] = ids.numbered(address: schemas)
        }
        guard case .bytes(let bytes) = response.body, var document = try? JSONReader.parse(bytes) else {
            return response
        }
        document = ids.numbered(document)
        if isListOfEnvironments(segments), response.status == 200 { document = await joined(document) }
        response.body = .bytes(JSONWriter.bytes(document))
        return response
    }

    /// What refers to something of this cluster refers to it without its number inside.
    private func body(_ segments: [String], _ query: QueryItems) throws(Problem) -> [UInt8] {
        guard !request.body.isEmpty, let document: JSONObject = (try? JSONReader.parse(request.body))?.object,
            let path = APIPath(segments: segments), let type: String = path.type, var definition = Schemas.find(type)
        else { return request.body }
        if let action: String = query["action"] {
            let input: String? = definition.actions.first { $0.name.lowercased() == action.lowercased() }?.input
            guard let schema: ResourceDefinition = input.flatMap({ Schemas.definition($0) }) else {
                return request.body
            }
            definition = schema
        }
        do throws(ClusterIDs.Foreign) {
            return JSONWriter.bytes(.object(try ids.plain(body: document, definition)))
        } catch {
            throw .validation(
                .invalidReference,
                field: error.field,
                message:
                    "\(error.field) is \(error.id): here it must be an id of cluster \(place.cluster), such as 1a5c\(place.cluster)."
            )
        }
    }

    // MARK: Another cluster's

    private func passOn(to cluster: UInt32) async throws(Problem) -> HTTPResponse {
        if let origin: String = request.headers[Self.origin] {
            throw .notFound(
                "Cluster \(origin.prefix(10)) asked cluster \(place.cluster) for something of cluster \(cluster): its links and those "
                    + "here do not agree on who has which number."
            )
        }
        let caller: Caller = try await caller()
        guard let link: ClusterLink = place.link(to: cluster), mayUse(link, caller) else {
            throw .notFound("There is no cluster \(cluster) in this federation, or it is not yours to use.")
        }
        guard !request.headers.contains("upgrade") else {
            throw .badRequest(
                "Streams are not passed on between clusters: open them at cluster \(cluster) (\(link.name)) itself."
            )
        }
        if request.method != "GET", request.method != "HEAD" {
            gateway.logger.notice(
                "change passed on to another cluster",
                [
                    "audit": "federation.passed", "request.id": .string(arrival.id), "account": .string(caller.name),
                    "cluster": JSONValue(UInt64(cluster)), "http.method": .string(request.method),
                    "http.path": .string(request.path),
                ]
            )
        }
        let answer: HTTPClientResponse = try await links.send(
            passed(request.target),
            to: cluster,
            on: arrival.connection.loop,
            milliseconds: Limits.federationAnswerMilliseconds
        )
        var response = HTTPResponse(status: answer.status, body: answer.body)
        for (name, value) in answer.headers where Self.isPassedBack(name) { response.headers.append(name, value) }
        return response
    }

    /// The request as the other cluster gets it: none of the caller's credentials, and none of what concerns only this connection.
    private func passed(_ target: String) -> HTTPRequest {
        var passed = HTTPRequest(method: request.method, target: target, body: request.body)
        for name in ["Accept", "Content-Type", "X-API-Action-Links"] {
            if let value: String = request.headers[name] { passed.headers[name] = value }
        }
        // The other cluster's links begin as this one's do.
        passed.headers["Host"] = arrival.base.authority
        passed.headers["X-Forwarded-Proto"] = arrival.base.scheme
        passed.headers[Self.origin] = String(place.cluster)
        return passed
    }

    private static func isPassedBack(_ name: String) -> Bool {
        let name: String = name.lowercased()
        return name == "content-type" || name == "retry-after" || name == "etag"
            || (name.hasPrefix("x-api-") && name != "x-api-user-id" && name != "x-api-account-id")
    }

    // MARK: The environments of all

    private func isListOfEnvironments(_ segments: [String]) -> Bool {
        request.method == "GET" && segments.count == 2 && ["projects", "project"].contains(segments[1].lowercased())
            && !request.headers.contains(Self.origin)
    }

    /// The collection with the environments of the clusters that the caller may use; which of them did not answer is said in it.
    private func joined(_ document: JSONValue) async -> JSONValue {
        guard var object: JSONObject = document.object, let caller: Caller = try? await caller() else {
            return document
        }
        let usable: [ClusterLink] = place.links.filter { mayUse($0, caller) }
        guard !usable.isEmpty else { return document }
        let (asked, links): (HTTPRequest, ClusterLinks) = (passed(request.target), links)
        let loop: EventLoop = arrival.connection.loop
        let answers: [UInt32: Result<[JSONValue], Problem>] = await withTaskGroup { tasks in
            for link in usable {
                tasks.addTask { (link.cluster, await Self.environments(of: link, asked, links, loop)) }
            }
            var found: [UInt32: Result<[JSONValue], Problem>] = [:]
            for await (cluster, answer) in tasks { found[cluster] = answer }
            return found
        }
        var data: [JSONValue] = object["data"]?.array ?? []
        var clusters: [JSONValue] = [["cluster": JSONValue(UInt64(place.cluster)), "name": "here", "state": "active"]]
        for link in usable {
            var state: JSONObject = ["cluster": JSONValue(UInt64(link.cluster)), "name": .string(link.name)]
            switch answers[link.cluster] {
            case .success(let environments)?:
                data += environments
                state["state"] = "active"
            case .failure(let problem)?:
                state["state"] = "unreachable"
                state["message"] = JSONValue(problem.message)
            case nil: continue
            }
            clusters.append(.object(state))
        }
        object["data"] = .array(data)
        object["clusters"] = .array(clusters)
        return .object(object)
    }

    private static func environments(
        of link: ClusterLink,
        _ request: HTTPRequest,
        _ links: ClusterLinks,
        _ loop: EventLoop
    ) async -> Result<[JSONValue], Problem> {
        do throws(Problem) {
            let answer: HTTPClientResponse = try await links.send(
                request,
                to: link.cluster,
                on: loop,
                milliseconds: Limits.federationListMilliseconds
            )
            guard answer.status == 200, let document: JSONValue = try? JSONReader.parse(answer.body),
                let data: [JSONValue] = document["data"]?.array
            else { return .failure(.unavailable("It answered \(answer.status) to the question for its environments.")) }
            return .success(data)
        } catch {
            return .failure(error)
        }
    }

    // MARK: Who asks

    private func caller() async throws(Problem) -> Caller {
        let deadline: Deadline = .after(milliseconds: gateway.timing.requestMilliseconds)
        guard let path = APIPath(segments: [APIPath.currentVersion, "projects"]),
            let query: QueryItems = request.queryItems
        else { throw .fault }
        let policy: PolicySnapshot = gateway.policies.snapshot(of: gateway.state.store.view)
        try CrossSite.refuse(request, arrival.base, gateway.state.store.view, policy.crossOrigin)
        var exchange: Exchange = try await gateway.begin(arrival, path, query, deadline, .current)
        _ = try await Identify.stage(&exchange, gateway)
        return exchange.caller
    }

    private func mayUse(_ link: ClusterLink, _ caller: Caller) -> Bool {
        if [.admin, .superadmin].contains(caller.subject.kind) { return true }
        return caller.accountNumber.map { link.accounts.contains($0) } ?? false
    }
}
