import Crypto
import JSON
import Model
import Store
import StoreFormat

/// POST on a collection.
enum Creating {
    static func answer(
        _ definition: ResourceDefinition, _ exchange: inout Exchange, _ gateway: Gateway,
        presets: JSONObject = [:]
    ) async throws(Problem) -> Answer {
        guard exchange.rights.collectionMethods(of: definition).contains(.post) else {
            throw .methodNotAllowed("\(definition.plural) cannot be created here, or not by you.")
        }
        var body: JSONObject = try exchange.body()
        for (key, value) in presets where body[key] == nil { body[key] = value }
        let made: [Draft] = try drafts(definition, body, exchange)
        var results: [JSONValue] = []
        for draft in made {
            let committed: Changing.Result? = try await Changing.commit(&exchange, gateway) { (current) throws(Problem) in
                // Validated again against what has changed meanwhile: names may be taken, parents gone.
                let values: JSONObject = try validated(definition, draft.body, current)
                return try change(definition, values, draft, current)
            }
            guard let result = committed, let record: Record = result.view.get(result.subject),
                var resource = Resource(record, in: result.view)
            else { throw .fault }
            if let secret: String = draft.secret { resource = resource.revealing("secretValue", secret) }
            results.append(.object(exchange.renderer.document(resource, onCreate: true)))
        }
        if results.count == 1, let single: JSONValue = results.first { return .document(status: 201, single) }
        return .document(
            status: 201,
            .object([
                "type": "collection", "resourceType": .string(definition.name),
                "links": ["self": .string(exchange.links.collection(definition))], "actions": [:], "data": .array(results),
            ]))
    }

    /// POST below a resource: the same as on the child's collection, with the parent filled in.
    static func below(
        _ definition: ResourceDefinition, _ id: String, _ name: String, _ exchange: inout Exchange, _ gateway: Gateway
    ) async throws(Problem) -> Answer {
        let parent: Resource = try Reading.resource(definition, id, exchange)
        guard let link: LinkDefinition = parent.definition.link(name), case .children(_, let member) = link.kind,
            let target: ResourceDefinition = Schemas.definition(link.type), exchange.rights.sees(target)
        else { throw .notFound("A \(definition.name) has no collection \(name).") }
        return try await answer(
            target, &exchange, gateway, presets: [member: .string(Renderer.id(of: parent))])
    }

    /// One thing to be made: what the caller sent, and the values that must not change when planning again.
    struct Draft: Sendable {
        var body: JSONObject
        var uuid: String
        /// A key's secret, shown once.
        var secret: String?
        var publicValue: String?
        var secretHash: String?
    }

    private static func drafts(
        _ definition: ResourceDefinition, _ body: JSONObject, _ exchange: Exchange
    ) throws(Problem) -> [Draft] {
        var count: Int = 1
        if definition.name == "container", let wanted: Int64 = body["count"]?.int {
            guard (1...Int64(100)).contains(wanted) else {
                throw .validation("MaxLimitExceeded", field: "count", message: "At most 100 containers at once.")
            }
            count = Int(wanted)
        }
        return (0..<count).map { index in
            var draft = Draft(body: body, uuid: UUIDs.random())
            if count > 1, let name: String = body["name"]?.string {
                draft.body["name"] = .string("\(name)\(index + 1)")
            }
            switch definition.name {
            case "apiKey":
                let key = APIKey.generate()
                draft.secret = body["secretValue"]?.string ?? key.secretValue
                draft.publicValue = body["publicValue"]?.string ?? key.publicValue
                draft.secretHash = draft.secret.map { KeyHash.make($0) }
            case "registrationToken": draft.publicValue = APIKey.generate().publicValue
            default: break
            }
            return draft
        }
    }

    /// The body as members of a record, references checked to be within reach.
    static func validated(
        _ definition: ResourceDefinition, _ body: JSONObject, _ exchange: Exchange
    ) throws(Problem) -> JSONObject {
        do throws(ValidationProblem) {
            return try Validation.create(definition, body: body, context: context(definition, exchange))
        } catch {
            throw Problem(validation: error)
        }
    }

    static func context(_ definition: ResourceDefinition, _ exchange: Exchange) -> ValidationContext {
        let rights: Rights = exchange.rights
        let isUpdate: Bool = exchange.method == "PUT"
        return ValidationContext(
            now: exchange.time,
            permits: { name in
                guard let field: FieldDefinition = definition.field(name) else { return true }
                return isUpdate ? rights.mayUpdate(field, of: definition) : rights.mayCreate(field, of: definition)
            },
            exists: { type, id in
                guard let target: ResourceDefinition = Schemas.definition(type), id.cluster == nil,
                    let resource: Resource = Resource.find(target, id.number, in: exchange.view)
                else { return false }
                return !resource.isRemoved && Reading.isVisible(resource, exchange)
            })
    }

    private static func change(
        _ definition: ResourceDefinition, _ values: JSONObject, _ draft: Draft, _ exchange: Exchange
    ) throws(Problem) -> PlannedChange {
        var fields: JSONObject = values
        fields["kind"] = fields["kind"].flatMap { $0.isNull ? nil : $0 } ?? .string(definition.kind ?? definition.name)
        fields["uuid"] = .string(draft.uuid)
        fields["created"] = .int(exchange.time)
        fields["removed"] = .null
        if definition.hasCreator { fields["creatorId"] = exchange.caller.accountNumber.map { JSONValue($0) } ?? .null }
        var change = PlannedChange(subject: .created(definition.table ?? .setting, index: 0), verb: "create", type: definition.name)
        change.created = 1
        change.request = Masking.masked(draft.body, definition)
        try NewResources.complete(&fields, &change, definition, draft, exchange)
        return change
    }
}

/// Random identifiers.
enum UUIDs {
    /// A version 4 UUID (RFC 9562) in its usual form.
    static func random() -> String {
        var bytes: [UInt8] = SecureRandom.bytes(16)
        bytes[6] = bytes[6] & 0x0F | 0x40
        bytes[8] = bytes[8] & 0x3F | 0x80
        let digits: [UInt8] = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for (index, byte) in bytes.enumerated() {
            if [4, 6, 8, 10].contains(index) { text.append(UInt8(ascii: "-")) }
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}

/// Keeps secrets out of the audit log.
enum Masking {
    /// The body without the values of password fields, and without the environment of containers.
    static func masked(_ body: JSONObject, _ definition: ResourceDefinition) -> JSONObject {
        var result = JSONObject()
        for (key, value) in body {
            let field: FieldDefinition? = definition.field(key)
            let isSecret: Bool = field?.type == .password || ["secretValue", "password", "environment"].contains(key)
            if isSecret {
                result.append(key, "***")
            } else if case .object(let inner) = value {
                result.append(key, .object(masked(inner, definition)))
            } else {
                result.append(key, value)
            }
        }
        return result
    }
}

extension Problem {
    init(validation problem: ValidationProblem) {
        self.init(
            status: problem.status, code: problem.code.rawValue, message: problem.message,
            fieldName: problem.fieldName)
    }
}

extension Resource {
    /// The same with one more value, for the answer that shows a secret once.
    func revealing(_ name: String, _ value: String) -> Resource {
        var values: JSONObject = values
        values[name] = .string(value)
        return Resource(definition: definition, number: number, values: values, record: record)
    }
}
