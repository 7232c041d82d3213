import JSON
import Limits
import Model
import RBAC
import Store
import StoreFormat

/// POST on a collection.
enum Creating {
    static func answer(
        _ definition: ResourceDefinition,
        _ exchange: inout Exchange,
        _ gateway: Gateway,
        presets: JSONObject = [:]
    ) async throws(Problem) -> Answer {
        try Authorisation.require(.post, of: definition, exchange)
        var given: JSONObject = try exchange.body()
        // What clients of the first versions call it.
        if definition.name == "stack", given["system"] == nil { given["system"] = given["isSystem"] }
        var body: JSONObject = known(given, definition)
        for (key, value) in presets where body[key] == nil { body[key] = value }
        var made: [Draft] = try drafts(definition, body, &exchange)
        if definition.name == CredentialRecord.password, !made.isEmpty {
            try await Passwords.hash(&made[0], exchange, gateway)
        }
        if definition.name == "apiKey", let draft: Draft = made.first, let secret: String = draft.secret,
            let known: Resource = RepeatedKey.find(try validated(definition, draft.body, exchange), exchange)
        {
            let shown: Resource = known.revealing("secretValue", secret)
            return .document(status: 201, .object(exchange.renderer.document(shown, onCreate: true)))
        }
        let drafts: [Draft] = made
        // All in one transaction: either every container of a POST with `count` is there, or none.
        let subject: PlannedChange.Subject = .created(definition.table ?? .setting, index: 0)
        let committed: Changing.Result? = try await Changing.commit(&exchange, gateway, about: subject) {
            (current) throws(Problem) in
            var change = PlannedChange(subject: subject, verb: "create", type: definition.name)
            for draft in drafts {
                // Validated again against what has changed meanwhile: names may be taken, parents gone.
                let values: JSONObject = try validated(definition, draft.body, current)
                try add(definition, values, draft, to: &change, current)
            }
            change.request = Masking.masked(body, definition)
            return change
        }
        if let preview: Answer = exchange.preview { return preview }
        guard let committed, let table: Table = definition.table, committed.created.count >= drafts.count else {
            throw .fault
        }
        // Whoever makes an environment owns it from here on: the answer offers what an owner may do.
        if definition.name == "project" { try Identify.refresh(&exchange) }
        var results: [JSONValue] = []
        for (draft, number) in zip(drafts, committed.created) {
            guard let record: Record = committed.view.get(RecordKey(table, number)),
                var resource = Resource(record, in: committed.view)
            else { throw .fault }
            if let secret: String = draft.secret { resource = resource.revealing("secretValue", secret) }
            results.append(.object(exchange.renderer.document(resource, onCreate: true)))
        }
        if results.count == 1, let single: JSONValue = results.first { return .document(status: 201, single) }
        return .document(
            status: 201,
            .object([
                "type": "collection", "resourceType": .string(definition.name),
                "links": ["self": .string(exchange.links.collection(definition))], "actions": [:],
                "data": .array(results),
            ])
        )
    }

    /// POST below a resource: the same as on the child's collection, with the parent filled in.
    static func below(
        _ definition: ResourceDefinition,
        _ id: String,
        _ name: String,
        _ exchange: inout Exchange,
        _ gateway: Gateway
    ) async throws(Problem) -> Answer {
        let parent: Resource = try Reading.resource(definition, id, exchange)
        guard let link: LinkDefinition = parent.definition.link(name), case .children(_, let member) = link.kind,
            let target: ResourceDefinition = Schemas.definition(link.type), exchange.rights.sees(target)
        else { throw .notFound("\(definition.nameInProse) has no collection \(name).") }
        return try await answer(
            target,
            &exchange,
            gateway,
            presets: [member: .string(Renderer.id(of: parent))]
        )
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

    /// What there is a field for; all else would be dropped anyway, and is not carried any further.
    private static func known(_ body: JSONObject, _ definition: ResourceDefinition) -> JSONObject {
        let unsupported: Set<String> = Set(definition.unsupported.map(\.name))
        var result = JSONObject()
        for (key, value) in body where definition.field(key) != nil || unsupported.contains(key) {
            result.append(key, value)
        }
        return result
    }

    private static func drafts(
        _ definition: ResourceDefinition,
        _ body: JSONObject,
        _ exchange: inout Exchange
    ) throws(Problem) -> [Draft] {
        let values: JSONObject = try validated(definition, body, exchange)
        let count: Int = definition.name == "container" ? Int(values["count"]?.int ?? 1) : 1
        var drafts: [Draft] = []
        for index in 0..<count {
            var draft = Draft(body: body, uuid: UUIDs.random(&exchange.chance))
            if count > 1, let name: String = values["name"]?.string {
                draft.body["name"] = .string("\(name)\(index + 1)")
            }
            switch definition.name {
            case "apiKey":
                let key = APIKey.generate(&exchange.chance)
                // Only those whose role lets them choose the halves of a key have them here.
                draft.secret = values["secretValue"]?.string ?? key.secretValue
                draft.publicValue = values["publicValue"]?.string ?? key.publicValue
            case ClientCertificates.kind: draft.publicValue = ClientCertificates.serial(&exchange.chance)
            case "registrationToken": draft.publicValue = APIKey.generate(&exchange.chance).publicValue
            default: break
            }
            drafts.append(draft)
        }
        return drafts
    }

    /// The body as members of a record, references checked to be within reach.
    static func validated(
        _ definition: ResourceDefinition,
        _ body: JSONObject,
        _ exchange: Exchange
    ) throws(Problem) -> JSONObject {
        do throws(ValidationProblem) {
            return try Validation.create(definition, body: body, context: context(definition, exchange, updates: false))
        } catch {
            throw Problem(validation: error)
        }
    }

    /// - Parameters:
    ///   - resource: what is updated.
    ///   - found: told each resource that a member refers to.
    static func context(
        _ definition: ResourceDefinition,
        _ exchange: Exchange,
        updates: Bool,
        of resource: Resource? = nil,
        found: @escaping (Resource) -> Void = { _ in }
    ) -> ValidationContext {
        let rights: Rights = exchange.rights
        return ValidationContext(
            now: exchange.time,
            permits: { name in
                guard let field: FieldDefinition = definition.field(name) else { return true }
                if let resource { return rights.mayUpdate(field, of: resource, in: exchange.view) }
                return updates ? rights.mayUpdate(field, of: definition) : rights.mayCreate(field, of: definition)
            },
            exists: { type, id in
                if type == ProjectTemplates.type { return ProjectTemplates.exists(id) }
                guard let target: ResourceDefinition = Schemas.definition(type), id.cluster == nil,
                    let resource: Resource = Resource.find(target, id.number, in: exchange.view)
                else { return false }
                found(resource)
                return !resource.isRemoved && Reading.isVisible(resource, exchange)
            }
        )
    }

    private static func add(
        _ definition: ResourceDefinition,
        _ values: JSONObject,
        _ draft: Draft,
        to change: inout PlannedChange,
        _ exchange: Exchange
    ) throws(Problem) {
        var fields: JSONObject = values
        fields["kind"] = fields["kind"].flatMap { $0.isNull ? nil : $0 } ?? .string(definition.kind ?? definition.name)
        // Chosen by the caller where the type lets it.
        if fields["uuid"]?.string?.isEmpty ?? true { fields["uuid"] = .string(draft.uuid) }
        fields["created"] = .int(exchange.time)
        fields["removed"] = .null
        // What is made in somebody's stack is part of it: see `NewResources`.
        if definition.hasCreator { fields["creatorId"] = exchange.caller.accountNumber.map { JSONValue($0) } ?? .null }
        var one = PlannedChange(subject: change.subject, verb: "create", type: definition.name)
        one.created = 1
        try NewResources.complete(&fields, &one, definition, draft, NewResources.Place(exchange, at: change.created))
        // Judged as it would be stored: a rule may be about the owner that the body named.
        let decision: Decision = try Authorisation.require(.create, fields, of: definition, number: nil, exchange)
        change.decision = decision.description
        change.created += one.created
        for condition in one.preconditions where !change.preconditions.contains(condition) {
            change.preconditions.append(condition)
        }
        change.writes += one.writes
    }
}

extension Problem {
    init(validation problem: ValidationProblem) {
        self.init(
            status: problem.status,
            code: problem.code.rawValue,
            message: problem.message,
            fieldName: problem.fieldName
        )
    }
}

extension Resource {
    /// The same with one more value, for the answer that shows a secret once.
    func revealing(_ name: String, _ value: String) -> Resource {
        var values: JSONObject = values
        values[name] = .string(value)
        return Resource(definition: definition, number: number, values: values, stored: stored, record: record)
    }
}
