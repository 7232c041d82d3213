import JSON
import Model
import RBAC
import Store
import StoreFormat

/// `accessReview`: whether somebody may do something, and by which binding and rule; or what is nearest, and what would have to
/// change.
///
/// The answer is the decision that a request would meet, in words. About oneself for everybody; about others for whoever
/// may see their bindings. What the caller cannot see is answered like what is not there.
enum AccessReviews {
    static func answer(_ exchange: Exchange) throws(Problem) -> Answer {
        guard exchange.method == "POST", exchange.path.id == nil else {
            throw .methodNotAllowed("An accessReview is asked for with POST, and kept nowhere.")
        }
        let definition: ResourceDefinition = try definition("accessReview")
        let input: JSONObject = try Creating.validated(definition, try exchange.body(), exchange)
        guard let verb = Verb(input["verb"]?.string ?? "") else {
            throw .validation(
                .invalidOption,
                field: "verb",
                message: "A verb is list, get, create, update, delete, subscribe or action:<name>."
            )
        }
        guard let type: ResourceDefinition = Schemas.find(input["resourceType"]?.string ?? "") else {
            throw .validation(
                .invalidReference,
                field: "resourceType",
                message: "There is no such type; GET schemas lists them."
            )
        }
        let project: UInt64? = try project(input, exchange)
        let own: Rights = exchange.caller.rights(in: project)
        let asked: Rights = try rights(input, project, exchange)
        let object: AccessObject? = try object(input, type, project, own, asked, exchange)
        if let problem = try fieldProblem(input, object?.type ?? type.name) { throw problem }
        let request = AccessRequest(asked.subject, verb, type.name, in: asked.scope, object: object)
        let decision: Decision = asked.decide(verb, type.name, object)
        var document: JSONObject = render(decision, request)
        if let field: String = input["field"]?.string, decision.isAllowed {
            limit(&document, to: field, request, asked)
        }
        for name in ["verb", "resourceType", "resourceId", "projectId", "field", "subject"] {
            document[name] = input[name] ?? .null
        }
        document["resourceType"] = .string(type.name)
        document["subject"] = .string(asked.subject.description)
        return .document(status: 201, .object(document))
    }

    private static func definition(_ name: String) throws(Problem) -> ResourceDefinition {
        guard let definition: ResourceDefinition = Schemas.definition(name) else { throw .fault }
        return definition
    }

    // MARK: What is asked

    private static func project(_ input: JSONObject, _ exchange: Exchange) throws(Problem) -> UInt64? {
        guard let text: String = input["projectId"]?.string, !text.isEmpty else { return exchange.projectNumber }
        guard let id = ResourceID(text), id.cluster == nil,
            let project: AccountRecord = exchange.policy.account(id.number, exchange.view), project.isProject,
            project.isActive, exchange.caller.rights(in: id.number).mayEnterProject
        else {
            throw .validation(
                .invalidReference,
                field: "projectId",
                message: "The environment does not exist, is not active, or is not yours to use."
            )
        }
        return id.number
    }

    /// The rights of whoever is asked about.
    private static func rights(_ input: JSONObject, _ project: UInt64?, _ exchange: Exchange) throws(Problem) -> Rights
    {
        let own: Rights = exchange.caller.rights(in: project)
        guard let text: String = input["subject"]?.string, !text.isEmpty else { return own }
        guard let identity: AccessIdentity = identity(text) else {
            throw .validation(.invalidReference, field: "subject", message: "A subject is 1a7, key:1c7 or <type>:<id>.")
        }
        if exchange.caller.subject.isNamed(by: identity) { return own }
        guard own.canEver(.get, "accessRoleBinding") else {
            throw .forbidden(
                "You may ask about yourself only: about others whoever may see the bindings (get on accessRoleBinding)."
            )
        }
        guard let subject: Subject = subject(identity, exchange) else {
            throw .validation(
                .invalidReference,
                field: "subject",
                message: "There is no active account or key \(text)."
            )
        }
        return Rights(caller: Caller(subject: subject, authType: "review"), project: project)
    }

    private static func identity(_ text: String) -> AccessIdentity? {
        if text.hasPrefix("key:") {
            return ResourceID(String(text.dropFirst("key:".count))).map { .credential($0.number) }
        }
        if text.contains(":") { return .outside(text) }
        return ResourceID(text).map { .account($0.number) }
    }

    /// Somebody as a request of theirs would make them; nil for nobody who is active.
    static func subject(_ identity: AccessIdentity, _ exchange: Exchange) -> Subject? {
        let view: StoreView = exchange.view
        switch identity {
        case .account(let number):
            guard let account: AccountRecord = Identify.account(number, view), account.isActive else { return nil }
            return Subjects.make(account, number, nil, nil, in: view, at: exchange.time)
        case .credential(let number):
            guard let record: Record = view.get(RecordKey(.credential, number)),
                let credential = try? CredentialRecord(document: record.document), credential.isActive,
                let owner: UInt64 = credential.accountID, let account: AccountRecord = Identify.account(owner, view),
                account.isActive
            else { return nil }
            return Subjects.make(account, owner, credential, number, in: view, at: exchange.time)
        case .outside(let text):
            var subject = Subject(.user)
            subject.identities = [text]
            subject.policy = RolePolicy(view)
            GrantedRoles(view, at: exchange.time).complete(&subject)
            return subject
        }
    }

    private static func object(
        _ input: JSONObject,
        _ type: ResourceDefinition,
        _ project: UInt64?,
        _ own: Rights,
        _ asked: Rights,
        _ exchange: Exchange
    ) throws(Problem) -> AccessObject? {
        guard let id: String = input["resourceId"]?.string, !id.isEmpty else { return nil }
        // As when it is asked for: absent and hidden are one.
        guard let parsed = ResourceID(id), parsed.cluster == nil,
            let found: Resource = Resource.find(type, parsed.number, in: exchange.view), own.sees(found.definition),
            own.may(.get, found, in: exchange.view)
        else {
            throw .validation(
                .invalidReference,
                field: "resourceId",
                message: "There is no \(type.name) \(id) here, or it is not yours to see."
            )
        }
        return asked.object(found, in: exchange.view)
    }

    private static func fieldProblem(_ input: JSONObject, _ type: String) throws(Problem) -> Problem? {
        guard let field: String = input["field"]?.string, !field.isEmpty else { return nil }
        guard try definition(type).field(field) == nil else { return nil }
        return .validation(.invalidReference, field: "field", message: "A \(type) has no field \(field).")
    }

    // MARK: The answer

    static func render(_ decision: Decision, _ request: AccessRequest) -> JSONObject {
        var document: JSONObject = [
            "id": nil, "type": "accessReview", "baseType": "accessReview", "links": [:], "actions": [:],
            "allowed": .bool(decision.isAllowed), "reason": .string(decision.description), "binding": nil, "rule": nil,
            "ruleIndex": nil, "accessRoleId": nil, "accessRoleBindingId": nil,
            "nearest": .array(decision.nearest.map { .object(self.nearest($0, request)) }),
        ]
        if let decider = decision.decider {
            let (binding, rule): (Binding, Rule) = (decider.binding, decider.rule)
            document["binding"] = .string(binding.description)
            document["rule"] = .string(rule.description)
            document["ruleIndex"] = binding.role.rules.firstIndex(of: rule).map { JSONValue($0) } ?? .null
            document["accessRoleId"] = JSONValue(binding.role.number.map { ResourceID(number: $0).rendered("ar") })
            let number: UInt64? = binding.number.flatMap { $0 == 0 ? nil : $0 }
            document["accessRoleBindingId"] = JSONValue(number.map { ResourceID(number: $0).rendered("arb") })
        }
        return document
    }

    private static func nearest(_ miss: NearMiss, _ request: AccessRequest) -> JSONObject {
        let lack: String =
            switch miss.lack {
            case .constraint: "constraint"
            case .object: "object"
            case .verb: "verb"
            case .scope: "scope"
            }
        return [
            "type": "accessMiss", "binding": .string(miss.binding.description),
            "rule": .string(miss.rule.description), "lack": .string(lack), "remedy": .string(miss.remedy(request)),
        ]
    }

    /// What is allowed of the object may not be allowed of the field.
    private static func limit(
        _ document: inout JSONObject,
        to field: String,
        _ request: AccessRequest,
        _ rights: Rights
    ) {
        let letter: FieldPermissions =
            switch request.verb {
            case .create: .create
            case .update: .update
            default: .read
            }
        guard !rights.gives(letter, of: field, request) else { return }
        document["allowed"] = false
        document["reason"] = .string("denied: the rules that allow \(request.verb) do not give the field \(field)")
    }
}
