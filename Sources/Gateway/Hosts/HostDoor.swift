import Crypto
import HTTP
import JSON
import Limits
import Model
import RBAC
import Store
import StoreFormat
import WebSocket

/// Where hosts come in: once with a registration token, ever after with the key or the certificate that they got for it.
enum HostDoor {
    /// Makes the host known, or known again: the same uuid is the same host, with a fresh key.
    static func register(_ exchange: inout Exchange, _ gateway: Gateway) async throws(Problem) -> Answer {
        guard exchange.method == "POST", exchange.path.id == nil else {
            throw .methodNotAllowed("Hosts register with POST.")
        }
        guard exchange.rights.canEver(.create, "register"), let project: UInt64 = exchange.caller.accountNumber else {
            throw .forbidden("Registering takes a registration token, not a key.")
        }
        let host: Host = try self.host(try exchange.body())
        let request: [UInt8]? = host.certificateRequest
        let key = APIKey.generate(&exchange.chance)
        let credentialUUID: String = UUIDs.random(&exchange.chance)
        let committed: Changing.Result? = try await Changing.commit(&exchange, gateway) { (current) throws(Problem) in
            plan(
                Registration(project: project, host: host, key: key, credentialUUID: credentialUUID),
                current,
                request == nil ? [:] : gateway.certificates?.marks(in: current.view) ?? [:]
            )
        }
        guard let committed, let record: Record = committed.view.get(committed.subject),
            let credential = try? CredentialRecord(document: record.document), let number: UInt64 = credential.hostID
        else { throw .fault }
        var document: JSONObject = [
            "type": "register", "baseType": "register", "links": [:], "actions": [:], "uuid": .string(host.uuid),
            "hostname": .string(host.hostname), "hostId": .string(ResourceID(number: number).rendered("h")),
            "accessKey": .string(key.publicValue), "secretKey": .string(key.secretValue),
        ]
        if let request, let issuing = gateway.certificates {
            // When this fails the host asks again under the same uuid, and is the same host.
            HostCertificates.append(try HostCertificates.issue(request, number, exchange, issuing), to: &document)
        }
        if let servers: [String] = gateway.servers?.baseURLs, !servers.isEmpty {
            document.append("servers", .array(servers.map { .string($0) }))
        }
        return .document(status: 201, .object(document))
    }

    /// What a host says of itself.
    private struct Host {
        /// Its own, kept over restarts.
        var uuid: String
        var hostname: String
        var labels: JSONObject
        var certificateRequest: [UInt8]?
    }

    private static func host(_ sent: JSONObject) throws(Problem) -> Host {
        guard let definition: ResourceDefinition = Schemas.definition("register") else { throw .fault }
        var body: JSONObject = sent
        // The handshake of the original agents calls it `key`, and may leave the name out.
        if let key: JSONValue = body["key"], body["uuid"] == nil { body["uuid"] = key }
        let isNamed: Bool = !(body["hostname"]?.isNull ?? true)
        if !isNamed { body["hostname"] = "unnamed" }
        let values: JSONObject
        do throws(ValidationProblem) {
            values = try Validation.create(
                definition,
                body: body,
                context: ValidationContext(now: 0, exists: { _, _ in false })
            )
        } catch {
            throw Problem(validation: error)
        }
        let uuid: String = values["uuid"]?.string ?? ""
        let name: String = isNamed ? values["hostname"]?.string ?? "" : uuid
        // Both go into names of containers and into scripts.
        let allowed = CharacterClass("a-zA-Z0-9._-")
        for (field, text) in [("uuid", uuid), ("hostname", name)] where !allowed.containsAll(of: text) {
            throw .validation(.invalidCharacters, field: field, message: "Letters, digits and . _ - only.")
        }
        return Host(
            uuid: uuid,
            hostname: name,
            labels: values["labels"]?.object ?? [:],
            certificateRequest: try HostCertificates.request(values)
        )
    }

    private struct Registration {
        var project: UInt64
        var host: Host
        var key: APIKey
        var credentialUUID: String
    }

    private static func plan(_ wanted: Registration, _ exchange: Exchange, _ marks: JSONObject) -> PlannedChange {
        let known: RecordKey? = exchange.view.holder(
            Array("host/\(wanted.project)/\(wanted.host.uuid.lowercased())".utf8)
        )
        var change = PlannedChange(subject: .created(.credential, index: 0), verb: "register", type: "host")
        change.decision = exchange.rights.decide(.create, "register").description
        change.request = ["uuid": .string(wanted.host.uuid), "hostname": .string(wanted.host.hostname)]
        change.created = known == nil ? 2 : 1
        let hash: String
        (hash, change.preconditions) = exchange.kept(secretOf: wanted.key)
        let host: NumberReference = known.map { .known($0.number) } ?? .created(1)
        var fields: JSONObject = [
            "name": "host key", "kind": "agentApiKey", "uuid": .string(wanted.credentialUUID), "state": "active",
            "created": .int(exchange.time), "removed": nil, "accountId": JSONValue(wanted.project),
            "publicValue": .string(wanted.key.publicValue), "secretHash": .string(hash),
        ]
        if let known { fields["hostId"] = JSONValue(known.number) }
        change.writes.append(
            RecordWriting.put(
                .credential,
                .created(0),
                fields,
                references: known == nil ? ["hostId": host] : [:],
                scope: .known(wanted.project)
            )
        )
        guard let known else {
            var made: JSONObject = [
                "name": nil, "hostname": .string(wanted.host.hostname), "kind": "host",
                "uuid": .string(wanted.host.uuid),
                "state": "active", "labels": .object(wanted.host.labels),
                "accountId": JSONValue(wanted.project),
                "created": .int(exchange.time), "removed": nil, "description": nil,
            ]
            for (name, value) in marks { made[name] = value }
            change.writes.append(RecordWriting.put(.host, host, made, scope: .known(wanted.project)))
            return change
        }
        if let record: Record = exchange.view.get(known), var stored = try? HostRecord(document: record.document) {
            let before: JSONObject = stored.fields
            for (name, value) in marks { stored.fields[name] = value }
            if stored.fields != before {
                change.preconditions.append(.revision(known, record.revision))
                change.writes.append(
                    RecordWriting.put(.host, .known(known.number), stored.fields, scope: .known(record.scope))
                )
            }
        }
        // The keys that it had before are of no more use to anybody.
        for record in exchange.view.records(.credential, RecordWriting.term("hostId", known.number)) {
            guard var old = try? CredentialRecord(document: record.document), old.removed == nil else { continue }
            old.state = "removed"
            old.removed = exchange.time
            change.preconditions.append(.revision(record.key, record.revision))
            change.writes.append(
                RecordWriting.put(.credential, .known(record.key.number), old.fields, scope: .known(record.scope))
            )
            change.writes.append(.touchPolicy(subject: Template(bytes: PolicySubject.credential(record.key.number))))
        }
        return change
    }

    /// A host's stream.
    static func stream(_ exchange: Exchange, _ gateway: Gateway) throws(Problem) -> Answer {
        guard let host: UInt64 = exchange.caller.subject.hostID, let project: UInt64 = exchange.caller.accountNumber,
            exchange.rights.mayStream(host: host), let record: Record = exchange.view.get(RecordKey(.host, host)),
            let stored = try? HostRecord(document: record.document), stored.removed == nil
        else { throw .forbidden("This stream is for hosts, with the key or certificate that registering gave them.") }
        // Agents answer pings: a stream on which nothing comes, not even the hello, is no stream any more.
        var limits = WebSocketLimits()
        limits.silenceMilliseconds = Limits.hostSilenceSeconds * 1_000
        let kept: Exchange = exchange.kept
        return .http(
            WebSocket.response(to: exchange.request, limits: limits) { socket in
                // A host that registers again gets a new key: whoever still holds a stream with the old one loses it. So does
                // who lets a certificate expire; agents come back with a new one long before.
                let holds: @Sendable (Exchange) -> Bool = {
                    $0.rights.mayStream(host: host) && ($0.certified?.notAfter ?? .max) > gateway.now()
                }
                await StreamRights.guarding(kept, gateway, socket, while: holds) {
                    await gateway.hosts.serve(socket, host: host, project: project)
                }
            }
        )
    }
}
