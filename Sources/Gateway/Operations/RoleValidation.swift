import JSON
import Limits
import Model
import RBAC
import Store
import StoreFormat

/// What is wrong with a role, template or binding, by field (422).
enum RoleValidation {
    static func check(_ fields: JSONObject, _ table: Table, _ key: RecordKey?, _ exchange: Exchange) throws(Problem) {
        switch table {
        case .accessRoleBinding: try binding(fields, key, exchange)
        default: try role(fields, table, key, exchange)
        }
    }

    private static func role(
        _ fields: JSONObject,
        _ table: Table,
        _ key: RecordKey?,
        _ exchange: Exchange
    ) throws(Problem) {
        let rules: [JSONValue] = fields["rules"]?.array ?? []
        guard rules.count <= Limits.accessRules else {
            throw .validation(
                .maxLimitExceeded,
                field: "rules",
                message: "A role has at most \(Limits.accessRules) rules."
            )
        }
        for (index, rule) in rules.enumerated() {
            do throws(ValidationProblem) {
                _ = try AccessRuleReader.rule(rule)
            } catch {
                throw .validation(
                    error.code,
                    field: error.fieldName ?? "rules",
                    message: "Rule \(index + 1): \(error.message ?? error.code.rawValue)."
                )
            }
        }
        guard table == .roleTemplate else {
            guard !rules.isEmpty || fields["roleTemplateId"]?.int != nil else {
                throw .validation(.missingRequired, field: "rules", message: "A role needs rules, or a roleTemplateId.")
            }
            return
        }
        try inheritance(fields, key, exchange)
    }

    /// Templates must not inherit from themselves, whichever way around.
    private static func inheritance(_ fields: JSONObject, _ key: RecordKey?, _ exchange: Exchange) throws(Problem) {
        let inherited: [UInt64] = AccessRoleRecord(fields: fields).inherited
        guard inherited.count <= Limits.inheritedTemplates else {
            throw .validation(
                .maxLimitExceeded,
                field: "inherits",
                message: "A template inherits from at most \(Limits.inheritedTemplates) others."
            )
        }
        var open: [UInt64] = inherited
        var seen: Set<UInt64> = []
        while let number: UInt64 = open.popLast() {
            guard number != key?.number else {
                throw .validation(
                    .invalidReference,
                    field: "inherits",
                    message: "A template cannot inherit from itself."
                )
            }
            guard seen.insert(number).inserted,
                let record: Record = exchange.view.get(RecordKey(.roleTemplate, number)),
                let template = try? AccessRoleRecord(document: record.document)
            else { continue }
            open += template.inherited
        }
        guard seen.count <= Limits.inheritedTemplates else {
            throw .validation(
                .maxLimitExceeded,
                field: "inherits",
                message: "A template has at most \(Limits.inheritedTemplates) others behind it."
            )
        }
    }

    private static func binding(_ fields: JSONObject, _ key: RecordKey?, _ exchange: Exchange) throws(Problem) {
        let record = AccessRoleBindingRecord(fields: fields)
        guard record.subjects.count <= Limits.bindingSubjects else {
            throw .validation(
                .maxLimitExceeded,
                field: "subjects",
                message: "A binding has at most \(Limits.bindingSubjects) subjects."
            )
        }
        for subject in record.subjects { try check(subject, record.projectID, exchange) }
        if let expires: Int64 = record.expires, expires <= exchange.time, key == nil {
            throw .validation(.invalidDateFormat, field: "expires", message: "expires must be in the future.")
        }
        for name in record.names {
            let others: Int = exchange.view.records(.accessRoleBinding, AccessRoleBindingRecord.term(name)).count {
                $0.key != key
            }
            guard others < Limits.bindingsOfSubject else {
                throw .validation(
                    .maxLimitExceeded,
                    field: "subjects",
                    message:
                        "A subject has at most \(Limits.bindingsOfSubject) bindings: bind a group, or a wider scope."
                )
            }
        }
    }

    private static func check(_ subject: JSONValue, _ project: UInt64?, _ exchange: Exchange) throws(Problem) {
        guard let identity: AccessIdentity = AccessSubject.identity(subject) else {
            throw .validation(
                .missingRequired,
                field: "subjects",
                message: "A subject is {externalIdType, externalId}, such as rancher_id and 1a7, or {credentialId}."
            )
        }
        switch identity {
        case .account(let number):
            guard let account: AccountRecord = Identify.account(number, exchange.view), account.removed == nil,
                !account.isProject || project == number
            else {
                throw .validation(.invalidReference, field: "externalId", message: "There is no account \(identity).")
            }
        case .credential(let number):
            guard let record: Record = exchange.view.get(RecordKey(.credential, number)),
                let credential = try? CredentialRecord(document: record.document), credential.removed == nil,
                ["apiKey", ClientCertificates.kind].contains(credential.kind)
            else {
                throw .validation(.invalidReference, field: "credentialId", message: "There is no such key.")
            }
        case .outside: break
        }
    }
}
