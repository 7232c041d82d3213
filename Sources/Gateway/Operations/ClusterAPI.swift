import HTTP
import JSON
import Limits
import Model
import RBAC
import Store
import StoreFormat

/// `/v2-beta/cluster`: the members, how they are, and what operators do with them.
///
/// Shape: `GET cluster`, `GET cluster/members`, `GET cluster/tokens`; `POST cluster?action=` `createtoken` `listtokens`
/// `revoketoken` `transfer` `promote` `remove` `drain` `undrain` `backup` `rotateca`
/// `rotatekey`. It is no resource and has no schema. For administrators of the
/// cluster; for everyone else it is not there.
enum ClusterAPI {
    static let name: String = StaticRoles.cluster

    static func answer(_ exchange: inout Exchange, _ gateway: Gateway) async throws(Problem) -> Answer {
        guard let cluster: any ClusterOperating = gateway.cluster,
            exchange.rights.decide(.get, name).isAllowed
        else {
            throw .notFound("There is no type \(name) here, or it is not yours to see; GET schemas lists what is.")
        }
        switch (exchange.method, exchange.path.id) {
        case ("GET", nil), ("HEAD", nil):
            return .document(status: 200, .object(try await status(exchange, cluster)))
        case ("GET", "members"), ("HEAD", "members"):
            let members: JSONValue = try await status(exchange, cluster)["members"] ?? []
            return .document(status: 200, collection("node", members))
        case ("GET", "tokens"), ("HEAD", "tokens"):
            return .document(status: 200, collection("joinToken", .array(tokens(exchange.view))))
        case ("POST", nil): return try await act(&exchange, gateway, cluster)
        case (_, .some(let id)) where id != "members" && id != "tokens":
            throw .notFound("The cluster has members and tokens; there is no cluster/\(id).")
        default: throw .methodNotAllowed("\(exchange.method) is not possible on \(exchange.request.path).")
        }
    }

    private static func status(
        _ exchange: Exchange,
        _ cluster: any ClusterOperating
    ) async throws(Problem) -> JSONObject {
        var document: JSONObject = ["type": "cluster"]
        for (key, value) in await cluster.status(in: exchange.view) { document[key] = value }
        document["links"] = ["self": .string("\(exchange.links.root)/\(name)")]
        return document
    }

    private static func collection(_ type: String, _ data: JSONValue) -> JSONValue {
        .object(["type": "collection", "resourceType": .string(type), "links": [:], "actions": [:], "data": data])
    }

    /// Tokens without anything that would let somebody in.
    private static func tokens(_ view: StoreView) -> [JSONValue] {
        view.records(in: .joinToken).compactMap { record in
            guard let token = try? JoinTokenRecord(document: record.document), token.removed == nil else { return nil }
            return .object([
                "id": .string(token.token), "type": "joinToken", "role": .string(token.role),
                "created": .string(StoredDate.text(token.created)), "expires": .string(StoredDate.text(token.expires)),
                "used": token.used.map { .string(StoredDate.text($0)) } ?? .null,
                "usedBy": token.usedBy.flatMap { name(of: $0, view) }.map { .string($0) } ?? .null,
            ])
        }
    }

    private static func name(of node: UInt64, _ view: StoreView) -> String? {
        view.get(RecordKey(.node, node)).flatMap { try? NodeRecord(document: $0.document) }?.name
    }

    // MARK: Actions

    private static func act(
        _ exchange: inout Exchange,
        _ gateway: Gateway,
        _ cluster: any ClusterOperating
    ) async throws(Problem) -> Answer {
        let action: String = exchange.query["action"]?.lowercased() ?? ""
        switch action {
        case "listtokens":
            _ = try allowed(action, exchange)
            return .document(status: 200, collection("joinToken", .array(tokens(exchange.view))))
        case "createtoken": return try await createToken(&exchange, gateway, cluster)
        case "revoketoken": return try await revokeToken(&exchange, gateway)
        case "transfer": return try await transfer(&exchange, gateway, cluster)
        case "promote": return try await promote(&exchange, gateway, cluster)
        case "remove": return try await remove(&exchange, gateway, cluster)
        case "drain", "undrain": return try await drain(action, &exchange, gateway, cluster)
        case ClusterRotation.action:
            try await ClusterRotation.answer(&exchange, gateway, cluster) { (current) throws(Problem) in
                try allowed(action, current)
            }
            return .document(status: 202, .object(try await status(exchange, cluster)))
        case IdentityKeys.rotation:
            try await IdentityKeys.add(&exchange, gateway) { (current) throws(Problem) in try allowed(action, current) }
            return .document(status: 200, .object(["type": "cluster", "rotated": true]))
        case ClusterBackup.action:
            return try await ClusterBackup.answer(&exchange, gateway, cluster) { (current) throws(Problem) in
                try allowed(action, current)
            }
        default:
            throw .validation(
                .invalidAction,
                field: "action",
                message:
                    "The cluster has the actions createtoken, listtokens, revoketoken, transfer, promote, remove, drain, undrain, "
                    + "backup, rotateca and rotatekey."
            )
        }
    }

    /// Why the action is allowed, for the audit log.
    private static func allowed(_ action: String, _ exchange: Exchange) throws(Problem) -> String {
        let decision: Decision = exchange.rights.decide(.action(action), name)
        guard decision.isAllowed else {
            throw .forbidden("You may not \(action) in this cluster.", detail: decision.description)
        }
        return decision.description
    }

    private static func createToken(
        _ exchange: inout Exchange,
        _ gateway: Gateway,
        _ cluster: any ClusterOperating
    ) async throws(Problem) -> Answer {
        let body: JSONObject = try exchange.body()
        let role: String = body["role"].flatMap { $0.isNull ? nil : $0.string ?? "" } ?? "node"
        guard role == "node" || role == "host" else {
            throw .validation(.invalidOption, field: "role", message: "A token is for a node or a host.")
        }
        let seconds: Int64 = try seconds(body["expiresSeconds"])
        let token: MintedToken = try cluster.makeToken(role: role, in: exchange.view)
        let expires: Int64 = exchange.time + seconds * 1_000
        _ = try await Changing.commit(&exchange, gateway) { (current) throws(Problem) in
            let decision: String = try allowed("createtoken", current)
            guard current.view.records(in: .joinToken, limit: Limits.joinTokens).count < Limits.joinTokens else {
                throw .conflict("There are \(Limits.joinTokens) join tokens already: revoke some first.")
            }
            var change = PlannedChange(subject: .created(.joinToken, index: 0), verb: "create", type: "joinToken")
            change.created = 1
            change.decision = decision
            change.request = ["role": .string(role), "expires": .int(expires), "id": .string(token.id)]
            change.writes = [
                RecordWriting.put(
                    .joinToken,
                    .created(0),
                    [
                        "kind": "joinToken", "state": "active", "token": .string(token.id), "role": .string(role),
                        "secretHash": .string(token.secretHash), "created": .int(current.time),
                        "creatorId": current.caller.accountNumber.map { JSONValue($0) } ?? .null,
                        "expires": .int(expires), "used": nil, "usedBy": nil, "removed": nil,
                    ],
                    scope: .known(0)
                )
            ]
            return change
        }
        return .document(
            status: 201,
            .object([
                "type": "joinToken", "id": .string(token.id), "role": .string(role), "token": .string(token.text),
                "expires": .string(StoredDate.text(expires)),
            ])
        )
    }

    private static func seconds(_ value: JSONValue?) throws(Problem) -> Int64 {
        guard let value, !value.isNull else { return Limits.joinTokenSeconds }
        guard let seconds: Int64 = value.int ?? value.string.flatMap({ Int64($0) }) else {
            throw .validation(.invalidFormat, field: "expiresSeconds", message: "A number of seconds is wanted.")
        }
        guard seconds >= 1 else { throw .validation(.minLimitExceeded, field: "expiresSeconds") }
        guard seconds <= Limits.joinTokenMaximumSeconds else {
            throw .validation(
                .maxLimitExceeded,
                field: "expiresSeconds",
                message: "A join token lives at most \(Limits.joinTokenMaximumSeconds) seconds."
            )
        }
        return seconds
    }

    private static func revokeToken(_ exchange: inout Exchange, _ gateway: Gateway) async throws(Problem) -> Answer {
        guard let id: String = try exchange.body()["id"]?.string else {
            throw .validation(.missingRequired, field: "id", message: "Say which token: its id.")
        }
        _ = try await Changing.commit(&exchange, gateway) { (current) throws(Problem) in
            let decision: String = try allowed("revoketoken", current)
            guard let key: RecordKey = current.view.holder(JoinTokenRecord.uniqueKey(id)),
                let record: Record = current.view.get(key),
                var token = try? JoinTokenRecord(document: record.document)
            else { throw .notFound("There is no join token \(id).") }
            token.state = "removed"
            token.removed = current.time
            var change = PlannedChange(subject: .existing(key), verb: "revoke", type: "joinToken")
            change.decision = decision
            change.preconditions = [.revision(key, record.revision)]
            change.writes = [RecordWriting.put(.joinToken, .known(key.number), token.fields, scope: .known(0))]
            return change
        }
        return .document(status: 200, .object(["type": "joinToken", "id": .string(id)]))
    }

    private static func transfer(
        _ exchange: inout Exchange,
        _ gateway: Gateway,
        _ cluster: any ClusterOperating
    ) async throws(Problem) -> Answer {
        let name: String = try required("to", exchange)
        await cluster.refresh()
        var number: UInt64 = 0
        // Nothing is written but the audit record: who leads is no part of the state.
        _ = try await Changing.commit(&exchange, gateway) { (current) throws(Problem) in
            let (key, _, _): (RecordKey, NodeRecord, Revision) = try node(name, "to", current)
            if let objection: String = cluster.objection(toLeading: key.number, in: current.view) {
                throw .conflict("\(name) cannot lead: \(objection).")
            }
            number = key.number
            var change = PlannedChange(subject: .existing(key), verb: "transfer", type: "cluster")
            change.decision = try allowed("transfer", current)
            change.request = ["to": .string(name)]
            return change
        }
        try await cluster.transfer(to: number)
        return .document(status: 202, .object(try await status(exchange, cluster)))
    }

    private static func promote(
        _ exchange: inout Exchange,
        _ gateway: Gateway,
        _ cluster: any ClusterOperating
    ) async throws(Problem) -> Answer {
        let name: String = try required("name", exchange)
        await cluster.refresh()
        var number: UInt64 = 0
        // Who votes is Raft's configuration; of the wish there is an audit record.
        _ = try await Changing.commit(&exchange, gateway) { (current) throws(Problem) in
            let (key, _, _): (RecordKey, NodeRecord, Revision) = try node(name, "name", current)
            let decision: String = try allowed("promote", current)
            if let objection: String = cluster.objection(toPromoting: key.number, in: current.view) {
                throw .conflict("\(name) cannot become a voter now: \(objection).")
            }
            number = key.number
            var change = PlannedChange(subject: .existing(key), verb: "promote", type: "node")
            change.decision = decision
            change.request = ["name": .string(name)]
            return change
        }
        try await cluster.promote(number)
        return .document(status: 202, .object(try await status(exchange, cluster)))
    }

    private static func remove(
        _ exchange: inout Exchange,
        _ gateway: Gateway,
        _ cluster: any ClusterOperating
    ) async throws(Problem) -> Answer {
        let name: String = try required("name", exchange)
        let isForced: Bool = try flag("force", exchange)
        await cluster.refresh()
        _ = try await Changing.commit(&exchange, gateway) { (current) throws(Problem) in
            var (key, record, revision): (RecordKey, NodeRecord, Revision) = try node(name, "name", current)
            let decision: String = try allowed("remove", current)
            if record.membership == .removing { return nil }
            if !isForced, let objection: String = cluster.objection(toRemoving: key.number, in: current.view) {
                throw .conflict("\(name) cannot be removed now: \(objection).")
            }
            record.membership = .removing
            var change = PlannedChange(subject: .existing(key), verb: "remove", type: "node")
            change.decision = decision
            change.request = ["name": .string(name), "force": .bool(isForced)]
            change.preconditions = [.revision(key, revision)]
            change.writes = [RecordWriting.put(.node, .known(key.number), record.fields, scope: .known(0))]
            return change
        }
        return .document(status: 202, .object(try await status(exchange, cluster)))
    }

    private static func drain(
        _ action: String,
        _ exchange: inout Exchange,
        _ gateway: Gateway,
        _ cluster: any ClusterOperating
    ) async throws(Problem) -> Answer {
        let name: String = try required("name", exchange)
        _ = try await Changing.commit(&exchange, gateway) { (current) throws(Problem) in
            var (key, record, revision): (RecordKey, NodeRecord, Revision) = try node(name, "name", current)
            let decision: String = try allowed(action, current)
            guard record.isDraining != (action == "drain") else { return nil }
            record.fields["draining"] = .bool(action == "drain")
            var change = PlannedChange(subject: .existing(key), verb: action, type: "node")
            change.decision = decision
            change.request = ["name": .string(name)]
            change.preconditions = [.revision(key, revision)]
            change.writes = [RecordWriting.put(.node, .known(key.number), record.fields, scope: .known(0))]
            return change
        }
        return .document(status: 200, .object(try await status(exchange, cluster)))
    }

    // MARK: What the body says

    private static func required(_ field: String, _ exchange: Exchange) throws(Problem) -> String {
        guard let text: String = try exchange.body()[field]?.string, !text.isEmpty else {
            throw .validation(.missingRequired, field: field, message: "Say which node: its name.")
        }
        return text
    }

    private static func flag(_ field: String, _ exchange: Exchange) throws(Problem) -> Bool {
        switch try exchange.body()[field] {
        case nil, .null?: return false
        case .bool(let value)?: return value
        case .string("true")?: return true
        case .string("false")?: return false
        default: throw .validation(.invalidFormat, field: field, message: "True or false is wanted.")
        }
    }

    /// The node of this name that is not removed.
    private static func node(
        _ name: String,
        _ field: String,
        _ exchange: Exchange
    ) throws(Problem) -> (RecordKey, NodeRecord, Revision) {
        guard let key: RecordKey = exchange.view.holder(NodeRecord.uniqueKey(name)),
            let record: Record = exchange.view.get(key), let node = try? NodeRecord(document: record.document)
        else {
            throw .validation(
                .invalidReference,
                field: field,
                message: "There is no node \(name): 'drover cluster members' lists them."
            )
        }
        return (key, node, record.revision)
    }
}
