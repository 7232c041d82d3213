import JSON
import Limits
import Model
import Store
import StoreFormat

/// What is particular to making a resource of each type: first state, owner, uniqueness, and what else is written with it.
enum NewResources {
    /// Where a resource is made: the request, and how many numbers the transaction has given out before.
    struct Place {
        let exchange: Exchange
        let index: Int

        init(_ exchange: Exchange, at index: Int) {
            self.exchange = exchange
            self.index = index
        }
    }

    static func complete(
        _ fields: inout JSONObject,
        _ change: inout PlannedChange,
        _ definition: ResourceDefinition,
        _ draft: Creating.Draft,
        _ place: Place
    ) throws(Problem) {
        let exchange: Exchange = place.exchange
        switch definition.name {
        case "account": try account(&fields, &change, exchange)
        case "project": try project(&fields, &change, exchange)
        case "apiKey": try apiKey(&fields, &change, draft, exchange)
        case "password":
            try Passwords.complete(&fields, draft, exchange)
            put(.credential, fields, &change, scope: .known(0))
        case ClientCertificates.kind:
            try ClientCertificates.complete(&fields, draft, exchange)
            put(.credential, fields, &change, scope: .known(0))
        case "registrationToken": try registrationToken(&fields, &change, draft, exchange)
        case "stack": try stack(&fields, &change, exchange)
        case "service": try service(&fields, &change, exchange)
        case "container": try container(&fields, &change, place)
        case "volume": try volume(&fields, &change, exchange)
        case UserPreferences.type:
            try UserPreferences.complete(&fields, exchange)
            put(.userPreference, fields, &change, scope: .known(0))
        case "roleTemplate", "accessRole", "accessRoleBinding":
            try AccessRoles.complete(&fields, &change, definition, exchange)
        default: throw .methodNotAllowed("\(definition.plural) cannot be created.")
        }
    }

    private static func account(
        _ fields: inout JSONObject,
        _ change: inout PlannedChange,
        _ exchange: Exchange
    ) throws(Problem) {
        if let uuid: String = fields["uuid"]?.string,
            !exchange.view.numbers(.account, Array("uuid=\(uuid)".utf8), limit: 1).isEmpty
        {
            throw .validation(.notUnique, field: "uuid", message: "An account has this uuid.")
        }
        if let type: String = fields["externalIdType"]?.string, let id: String = fields["externalId"]?.string,
            exchange.view.holder(AccountRecord.identityKey("\(type):\(id)")) != nil
        {
            throw .validation(.notUnique, field: "externalId", message: "An account is this person already.")
        }
        try GivenPower.requireKind(fields["kind"]?.string ?? "", exchange)
        fields["state"] = "active"
        put(.account, fields, &change, scope: .known(0))
    }

    /// An environment, with its members; without any the creator owns it.
    private static func project(
        _ fields: inout JSONObject,
        _ change: inout PlannedChange,
        _ exchange: Exchange
    ) throws(Problem) {
        let members: [JSONValue] = fields["members"]?.array ?? []
        fields["members"] = nil
        if let quotas: JSONValue = fields["quotas"], !quotas.isNull { try QuotaSetting.check(quotas, exchange) }
        fields["state"] = "active"
        fields["kind"] = "project"
        put(.account, fields, &change, scope: .known(0))
        var added: [ProjectMembers.Entry] = members.isEmpty ? [] : try ProjectMembers.read(members, exchange)
        if added.isEmpty, let creator: UInt64 = exchange.caller.accountNumber {
            added.append(ProjectMembers.Entry(who: .account(creator), role: "owner"))
        }
        for entry in added {
            change.writes.append(ProjectMembers.write(entry, change.created, of: .created(0), exchange))
            change.created += 1
            if let touch: Write = ProjectMembers.touch(entry) { change.writes.append(touch) }
        }
    }

    private static func apiKey(
        _ fields: inout JSONObject,
        _ change: inout PlannedChange,
        _ draft: Creating.Draft,
        _ exchange: Exchange
    ) throws(Problem) {
        let own: UInt64? = exchange.projectNumber ?? exchange.caller.accountNumber
        let owner: UInt64? = fields["accountId"]?.int.flatMap { UInt64(exactly: $0) } ?? own
        guard let owner else { throw .forbidden("A key needs an account, and the request has none.") }
        guard owner == own || exchange.rights.administersAccounts else {
            throw .forbidden("Only an administrator may make keys for another account.")
        }
        if owner != own, let kind: String = Identify.account(owner, exchange.view)?.kind {
            try GivenPower.requireKind(kind, exchange)
        }
        // The user of a Basic credential ends at the first colon, and two names are taken.
        let publicValue: String = draft.publicValue ?? ""
        guard CharacterClass("a-zA-Z0-9._-").containsAll(of: publicValue), publicValue != "registrationToken",
            !publicValue.lowercased().hasPrefix("x-api-bearer")
        else { throw .validation(.invalidCharacters, field: "publicValue", message: "Letters, digits and . _ - only.") }
        let key = Array("credential/\(publicValue)".utf8)
        guard exchange.view.holder(key) == nil else { throw .validation(.notUnique, field: "publicValue") }
        fields["accountId"] = JSONValue(owner)
        fields["publicValue"] = JSONValue(draft.publicValue)
        fields["secretValue"] = nil
        let (hash, conditions): (String, [Precondition]) = exchange.kept(
            secretOf: APIKey(publicValue: publicValue, secretValue: draft.secret ?? "")
        )
        fields["secretHash"] = .string(hash)
        change.preconditions += conditions
        fields["state"] = "active"
        try KeyReach.limit(&fields, of: owner, exchange)
        put(.credential, fields, &change, scope: .known(exchange.projectNumber ?? 0))
    }

    private static func registrationToken(
        _ fields: inout JSONObject,
        _ change: inout PlannedChange,
        _ draft: Creating.Draft,
        _ exchange: Exchange
    ) throws(Problem) {
        let project: UInt64 = try self.project(of: exchange)
        fields["accountId"] = JSONValue(project)
        fields["publicValue"] = JSONValue(draft.publicValue)
        fields["state"] = "active"
        put(.credential, fields, &change, scope: .known(project))
    }

    private static func stack(_ fields: inout JSONObject, _ change: inout PlannedChange, _ exchange: Exchange)
        throws(Problem)
    {
        let project: UInt64 = try self.project(of: exchange)
        let name: String = fields["name"]?.string ?? ""
        try unique("stack/\(project)/\(name.lowercased())", exchange)
        fields["accountId"] = JSONValue(project)
        fields["state"] = "activating"
        put(.stack, fields, &change, scope: .known(project))
    }

    private static func service(
        _ fields: inout JSONObject,
        _ change: inout PlannedChange,
        _ exchange: Exchange
    ) throws(Problem) {
        // Under the environment's path only: at the root an administrator's references could leave the environment.
        _ = try self.project(of: exchange)
        let stack: Resource = try parentStack(fields, exchange, field: "stackId")
        let name: String = fields["name"]?.string ?? ""
        try unique("service/\(stack.number)/\(name.lowercased())", exchange)
        fields["accountId"] = stack.values["accountId"] ?? .null
        fields["state"] = "registering"
        fields["createIndex"] = 0
        fields["system"] = stack.values["system"] ?? false
        inherit(from: stack, &fields)
        // The stack must still be there, and not on its way out, when this is written.
        change.preconditions.append(.revision(stack.record.key, stack.record.revision))
        put(.service, fields, &change, scope: .known(stack.accountID ?? 0))
    }

    private static func container(
        _ fields: inout JSONObject,
        _ change: inout PlannedChange,
        _ place: Place
    ) throws(Problem) {
        let exchange: Exchange = place.exchange
        let project: UInt64 = try self.project(of: exchange)
        guard let image: String = fields["imageUuid"]?.string, !image.isEmpty else {
            throw .validation(.missingRequired, field: "imageUuid")
        }
        if fields["stackId"]?.int != nil {
            let stack: Resource = try parentStack(fields, exchange, field: "stackId")
            change.preconditions.append(.revision(stack.record.key, stack.record.revision))
            if stack.values["system"]?.bool == true { fields["system"] = true }
            inherit(from: stack, &fields)
        }
        let starts: Bool = fields["startOnCreate"]?.bool ?? true
        fields["accountId"] = JSONValue(project)
        fields["goal"] = .string((starts ? InstanceGoal.running : .stopped).rawValue)
        fields["generation"] = 1
        fields["count"] = nil
        // What the container itself, and everything that looks at the engine, can know it by.
        var labels: JSONObject = fields["labels"]?.object ?? [:]
        labels[LaunchLabels.containerUUID] = fields["uuid"]
        labels[LaunchLabels.containerName] = fields["name"].flatMap { $0.isNull ? nil : $0 }
        fields["labels"] = .object(labels)
        put(.instance, fields, &change, scope: .known(project), at: place.index)
    }

    private static func volume(
        _ fields: inout JSONObject,
        _ change: inout PlannedChange,
        _ exchange: Exchange
    ) throws(Problem) {
        let project: UInt64 = try self.project(of: exchange)
        let name: String = fields["name"]?.string ?? ""
        try unique("volume/\(project)/\(name.lowercased())", exchange)
        fields["accountId"] = JSONValue(project)
        fields["state"] = "inactive"
        put(.volume, fields, &change, scope: .known(project))
    }

    /// Whoever adds to a stack adds to what is its creator's.
    private static func inherit(from stack: Resource, _ fields: inout JSONObject) {
        if let creator: JSONValue = stack.stored["creatorId"], !creator.isNull { fields["creatorId"] = creator }
    }

    private static func put(
        _ table: Table,
        _ fields: JSONObject,
        _ change: inout PlannedChange,
        scope: NumberReference,
        at index: Int = 0
    ) {
        change.writes.append(RecordWriting.put(table, .created(index), fields, scope: scope))
    }

    private static func project(of exchange: Exchange) throws(Problem) -> UInt64 {
        guard let project: UInt64 = exchange.projectNumber else {
            throw .badRequest(
                "This belongs to an environment: use a path such as /\(APIPath.currentVersion)/projects/1a5/…."
            )
        }
        return project
    }

    private static func parentStack(
        _ fields: JSONObject,
        _ exchange: Exchange,
        field: String
    ) throws(Problem) -> Resource {
        guard let number: UInt64 = fields[field]?.int.flatMap({ UInt64(exactly: $0) }),
            let definition: ResourceDefinition = Schemas.definition("stack"),
            let stack: Resource = Resource.find(definition, number, in: exchange.view)
        else { throw .validation(.invalidReference, field: field) }
        guard !["error", "removing", "removed"].contains(stack.state) else {
            throw .validation(.invalidState, field: field, message: "The stack is \(stack.state).")
        }
        return stack
    }

    private static func unique(_ key: String, _ exchange: Exchange) throws(Problem) {
        guard exchange.view.holder(Array(key.utf8)) == nil else {
            throw .validation(.notUnique, field: "name", message: "The name is taken.")
        }
    }
}
