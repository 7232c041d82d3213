import Crypto
import HTTP
import JSON
import Model
import RBAC
import Store
import StoreFormat
import WebSocket

/// Where hosts come in: once with a registration token, ever after with the key that they got for it.
enum HostDoor {
    /// Makes the host known, or known again: the same uuid is the same host, with a fresh key.
    static func register(_ exchange: inout Exchange, _ gateway: Gateway) async throws(Problem) -> Answer {
        guard exchange.method == "POST", exchange.path.id == nil else {
            throw .methodNotAllowed("Hosts register with POST.")
        }
        guard exchange.rights.canEver(.create, "register"), let project: UInt64 = exchange.caller.accountNumber else {
            throw .forbidden("Registering takes a registration token, not a key.")
        }
        let body: JSONObject = try exchange.body()
        guard let uuid: String = body["key"]?.string ?? body["uuid"]?.string, (1...64).contains(uuid.utf8.count) else {
            throw .validation("MissingRequired", field: "key", message: "key is the host's own uuid.")
        }
        let hostname: String = String((body["hostname"]?.string ?? uuid).prefix(255))
        let key = APIKey.generate()
        let hash: String = KeyHash.make(key.secretValue)
        let uuids: [String] = [UUIDs.random()]
        let committed: Changing.Result? = try await Changing.commit(&exchange, gateway) { (current) throws(Problem) in
            plan(
                Registration(
                    project: project, uuid: uuid, hostname: hostname, key: key, hash: hash, credentialUUID: uuids[0]),
                current)
        }
        guard let committed, let record: Record = committed.view.get(committed.subject),
            let credential = try? CredentialRecord(document: record.document), let host: UInt64 = credential.hostID
        else { throw .fault }
        return .document(
            status: 201,
            .object([
                "type": "register", "baseType": "register", "links": [:], "actions": [:], "uuid": .string(uuid),
                "hostname": .string(hostname), "hostId": .string(ResourceID(number: host).rendered("h")),
                "accessKey": .string(key.publicValue), "secretKey": .string(key.secretValue),
            ]))
    }

    private struct Registration {
        var project: UInt64
        var uuid: String
        var hostname: String
        var key: APIKey
        var hash: String
        var credentialUUID: String
    }

    private static func plan(_ wanted: Registration, _ exchange: Exchange) -> PlannedChange {
        let known: RecordKey? = exchange.view.holder(Array("host/\(wanted.project)/\(wanted.uuid)".utf8.map(lowercased)))
        var change = PlannedChange(subject: .created(.credential, index: 0), verb: "register", type: "host")
        change.created = known == nil ? 2 : 1
        let host: NumberReference = known.map { .known($0.number) } ?? .created(1)
        var fields: JSONObject = [
            "name": "host key", "kind": "agentApiKey", "uuid": .string(wanted.credentialUUID), "state": "active",
            "created": .int(exchange.time), "removed": nil, "accountId": JSONValue(wanted.project),
            "publicValue": .string(wanted.key.publicValue), "secretHash": .string(wanted.hash),
        ]
        if let known { fields["hostId"] = JSONValue(known.number) }
        change.writes.append(
            RecordWriting.put(
                .credential, .created(0), fields, references: known == nil ? ["hostId": host] : [:],
                scope: .known(wanted.project)))
        guard let known else {
            change.writes.append(
                RecordWriting.put(
                    .host, host,
                    [
                        "name": nil, "hostname": .string(wanted.hostname), "kind": "host", "uuid": .string(wanted.uuid),
                        "state": "active", "labels": [:], "accountId": JSONValue(wanted.project),
                        "created": .int(exchange.time), "removed": nil, "description": nil,
                    ], scope: .known(wanted.project)))
            return change
        }
        // The keys that it had before are of no more use to anybody.
        for record in exchange.view.records(.credential, RecordWriting.term("hostId", known.number)) {
            guard var old = try? CredentialRecord(document: record.document), old.removed == nil else { continue }
            old.state = "removed"
            old.removed = exchange.time
            change.preconditions.append(.revision(record.key, record.revision))
            change.writes.append(
                RecordWriting.put(.credential, .known(record.key.number), old.fields, scope: .known(record.scope)))
            change.writes.append(.touchPolicy(subject: Template(bytes: PolicySubject.credential(record.key.number))))
        }
        return change
    }

    private static func lowercased(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }

    /// A host's stream.
    static func stream(_ exchange: Exchange, _ gateway: Gateway) throws(Problem) -> Answer {
        guard let host: UInt64 = exchange.caller.subject.hostID, let project: UInt64 = exchange.caller.accountNumber,
            exchange.rights.mayStream(host: host), let record: Record = exchange.view.get(RecordKey(.host, host)),
            let stored = try? HostRecord(document: record.document), stored.removed == nil
        else { throw .forbidden("This stream is for hosts, with the key that registering gave them.") }
        return .http(
            WebSocket.response(to: exchange.request) { socket in
                await gateway.hosts.serve(socket, host: host, project: project)
            })
    }
}
