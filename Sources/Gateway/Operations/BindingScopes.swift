import JSON
import Model
import Store
import StoreFormat

/// Where a binding counts, as it is stored: checked once, so that what is bound is what was meant.
enum BindingScopes {
    static func complete(_ fields: inout JSONObject, _ exchange: Exchange) throws(Problem) {
        let project: UInt64? = fields["projectId"]?.int.flatMap { UInt64(exactly: $0) }
        let id: String? = fields["scopeId"]?.string.flatMap { $0.isEmpty ? nil : $0 }
        let type: String = fields["scopeType"]?.string ?? (project == nil ? "cluster" : "environment")
        fields["scopeType"] = .string(type)
        switch type {
        case "federation", "cluster":
            guard project == nil else {
                throw .validation(
                    .invalidOption,
                    field: "scopeType",
                    message: "A binding of an environment counts in it only."
                )
            }
            guard id == nil else {
                throw .validation(.invalidOption, field: "scopeId", message: "The scope \(type) has no id.")
            }
        case "environment":
            let number: UInt64 = try self.number(id ?? project.map { ResourceID(number: $0).rendered("a") })
            guard let account = Identify.account(number, exchange.view), account.isProject, account.removed == nil,
                project == nil || project == number
            else { throw wrong }
            fields["projectId"] = JSONValue(number)
            fields["scopeId"] = .string(ResourceID(number: number).rendered("a"))
        default: try object(&fields, type, id, project, exchange)
        }
        try checkRole(fields, exchange)
    }

    private static let wrong = Problem.validation(
        .invalidReference,
        field: "scopeId",
        message: "There is no such thing, it is not yours to see, or it is in another environment."
    )

    private static func number(_ id: String?) throws(Problem) -> UInt64 {
        guard let id else {
            throw .validation(.missingRequired, field: "scopeId", message: "This scope needs the id of what it is.")
        }
        guard let parsed = ResourceID(id), parsed.cluster == nil else { throw wrong }
        return parsed.number
    }

    private static func object(
        _ fields: inout JSONObject,
        _ type: String,
        _ id: String?,
        _ project: UInt64?,
        _ exchange: Exchange
    ) throws(Problem) {
        let number: UInt64 = try self.number(id)
        let letters: String = String((id ?? "").dropFirst().prefix { $0.isLetter })
        let definitions: [ResourceDefinition] =
            type == "stack"
            ? [Schemas.definition("stack")].compactMap(\.self)
            : Schemas.all.filter { $0.idLetters == letters && $0.base == nil }
        for definition in definitions {
            guard let found: Resource = Resource.find(definition, number, in: exchange.view), !found.isRemoved,
                Reading.isVisible(found, exchange)
            else { continue }
            let home: UInt64? =
                definition.isEnvironmentScoped
                ? found.values[definition.environmentMember]?.int.flatMap { UInt64(exactly: $0) } : nil
            guard project == nil || project == home else { throw wrong }
            fields["projectId"] = home.map { JSONValue($0) } ?? .null
            fields["scopeObjectType"] = .string(definition.name)
            return
        }
        throw wrong
    }

    /// A role of an environment is given in that environment only.
    private static func checkRole(_ fields: JSONObject, _ exchange: Exchange) throws(Problem) {
        guard let number: UInt64 = fields["accessRoleId"]?.int.flatMap({ UInt64(exactly: $0) }),
            let record: Record = exchange.view.get(RecordKey(.accessRole, number)),
            let role = try? AccessRoleRecord(document: record.document)
        else { throw .validation(.invalidReference, field: "accessRoleId") }
        let project: UInt64? = fields["projectId"]?.int.flatMap { UInt64(exactly: $0) }
        guard role.projectID == nil || role.projectID == project else {
            throw .validation(
                .invalidReference,
                field: "accessRoleId",
                message: "The role belongs to another environment than the binding."
            )
        }
    }
}
