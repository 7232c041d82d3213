import JSON
import Model
import Store
import StoreFormat

/// One row of the audit log as the API shows it, out of an entry of history: the change and what it was about stand in the
/// same entry, so neither can be there without the other.
enum AuditRow {
    /// The members of an `auditLog`, as stored values: dates as milliseconds, references as numbers.
    static func values(_ entry: HistoryEntry, _ record: AuditRecord) -> JSONObject {
        let envelope = AuditEnvelope(reading: record.requestObject)
        let account: UInt64? = ResourceID(entry.actor)?.number
        // What has no scope of its own happened to the caller's account.
        let scope: UInt64? = envelope.project ?? account
        var values: JSONObject = [
            "id": JSONValue(entry.revision), "accountId": scope.map { JSONValue($0) } ?? .null,
            "authenticatedAsAccountId": account.map { JSONValue($0) } ?? .null,
            "authenticatedAsIdentityId": account.map {
                .string("1i!rancher_id:\(ResourceID(number: $0).rendered("a"))")
            } ?? .null,
            "authType": .string(authType(record.authType)), "clientIp": .string(record.clientIP),
            "created": .int(entry.time),
            "description": record.description.isEmpty ? .null : .string(record.description),
            "eventType": .string(eventType(record.eventType)), "kind": "auditLog",
            "resourceType": .string(record.resourceType), "resourceId": resourceID(entry, record),
            "requestObject": text(envelope.request),
            "responseCode": JSONValue(responseCode(record.eventType)), "runtime": .null,
            "requestId": .string(entry.requestID),
            "credentialId": record.credential.isEmpty ? .null : .string(record.credential),
            "decision": record.decision.isEmpty ? .null : .string(record.decision),
            "interceptors": .array(envelope.interceptors), "bypass": JSONValue(envelope.bypass),
            "certificate": JSONValue(envelope.certificate),
            "revision": .string(String(entry.revision)),
        ]
        values["changes"] = .array(changes(entry))
        return values
    }

    /// The resource as the change left it, JSON as a string.
    ///
    /// Of it what is stored, with secrets masked: what a document works out from other records belongs to its moment.
    /// Apart from ``values(_:_:)``, since nothing is filtered by it: for the rows that are shown only.
    ///
    /// - Returns: null for a change that left none, or was about no resource.
    static func responseObject(_ entry: HistoryEntry, _ record: AuditRecord) -> JSONValue {
        guard let number: UInt64 = entry.resource,
            let type: ResourceDefinition = Schemas.definition(record.resourceType),
            let after: Record = entry.changes.first(where: { $0.key.number == number && $0.key.table == type.table })?
                .after
        else { return .null }
        let stored: JSONObject = fields(after)
        let definition: ResourceDefinition =
            Schemas.definition(for: after.key.table, kind: stored["kind"]?.string ?? "") ?? type
        var document: JSONObject = [
            "id": .string(id(number, definition, stored)), "type": .string(definition.name),
            "baseType": .string(definition.baseType),
        ]
        let masked: JSONObject = Masking.masked(stored, definition)
        for field in definition.fields where field.source == .desired && !isLeftOut(field.name) {
            let value: JSONValue = masked[field.name] ?? .null
            document[field.name] =
                isSecret(field, of: definition, stored) ? "***" : Renderer.rendered(value, field.type, default: field)
        }
        return .string(String(decoding: Masking.written(document), as: UTF8.self))
    }

    private static func id(_ number: UInt64, _ definition: ResourceDefinition, _ fields: JSONObject) -> String {
        definition.idLetters.map { ResourceID(number: number).rendered($0) } ?? fields["name"]?.string
            ?? String(number)
    }

    /// Whether it is the value of a setting that is nobody's to read.
    private static func isSecret(_ field: FieldDefinition, of definition: ResourceDefinition, _ fields: JSONObject)
        -> Bool
    {
        definition.table == .setting && field.name == "value"
            && SettingsAPI.isSecret(fields["name"]?.string ?? "")
    }

    /// `remove` is the process behind DELETE, which the contract calls `delete`; environments were always called so here.
    private static func eventType(_ stored: String) -> String {
        var parts: [String] = stored.split(separator: ".", omittingEmptySubsequences: false).map { String($0) }
        guard parts.count == 3, parts[0] == "api" else { return stored }
        if parts[1] == "project" { parts[1] = "environment" }
        if parts[2] == "remove" { parts[2] = "delete" }
        return parts.joined(separator: ".")
    }

    private static func authType(_ stored: String) -> String {
        switch stored {
        case "apiKey", "agentApiKey", "usernamePassword": "BasicAuth"
        case "registrationToken": "RegistrationToken"
        case "token", "login": "TokenAuth"
        case "none": "AdminAuth"
        default: stored
        }
    }

    /// Only what succeeded is in an entry.
    private static func responseCode(_ eventType: String) -> Int {
        switch eventType.split(separator: ".").last {
        case "create": 201
        case "update", "delete", "remove": 200
        default: 202
        }
    }

    private static func resourceID(_ entry: HistoryEntry, _ record: AuditRecord) -> JSONValue {
        guard let number: UInt64 = entry.resource else { return .null }
        guard let definition: ResourceDefinition = Schemas.definition(record.resourceType) else {
            return .string(String(number))
        }
        guard let letters: String = definition.idLetters else {
            // Settings have names for ids.
            return AuditEnvelope(reading: record.requestObject).request["name"] ?? .string(String(number))
        }
        return .string(ResourceID(number: number).rendered(letters))
    }

    /// JSON as a string (contract A21); nil for nothing.
    private static func text(_ object: JSONObject) -> JSONValue {
        var kept = JSONObject()
        for (name, value) in object where !isLeftOut(name) { kept.append(name, value) }
        return object.isEmpty ? .null : .string(String(decoding: JSONWriter.bytes(.object(kept)), as: UTF8.self))
    }

    private static func isLeftOut(_ name: String) -> Bool {
        ["secretValue", "password", "newSecret", "oldSecret", "adminAccountPassword", "serviceAccountPassword"]
            .contains(name)
            || (name.hasSuffix("Config") && name != "launchConfig")
    }

    /// Each field of each resource that the entry gave another value, secrets masked.
    private static func changes(_ entry: HistoryEntry) -> [JSONValue] {
        var found: [JSONValue] = []
        for change in entry.changes {
            let before: JSONObject = fields(change.before)
            let after: JSONObject = fields(change.after)
            let kind: String = (after["kind"] ?? before["kind"])?.string ?? ""
            guard let definition: ResourceDefinition = Schemas.definition(for: change.key.table, kind: kind) else {
                continue
            }
            let old: JSONObject = Masking.masked(before, definition)
            let new: JSONObject = Masking.masked(after, definition)
            let id: String = id(change.key.number, definition, change.after == nil ? before : after)
            for field in definition.fields where field.source == .desired && before[field.name] != after[field.name] {
                let (was, becomes): (JSONValue, JSONValue) = (old[field.name] ?? .null, new[field.name] ?? .null)
                guard !(was.isNull && becomes.isNull) else { continue }
                let isSecret: Bool = isSecret(field, of: definition, change.after == nil ? before : after)
                found.append(
                    .object([
                        "resourceType": .string(definition.name), "resourceId": .string(id),
                        "field": .string(field.name),
                        "before": isSecret && !was.isNull ? "***" : Renderer.rendered(was, field.type),
                        "after": isSecret && !becomes.isNull ? "***" : Renderer.rendered(becomes, field.type),
                    ])
                )
                if found.count >= 200 { return found }
            }
        }
        return found
    }

    private static func fields(_ record: Record?) -> JSONObject {
        guard let record else { return [:] }
        return (try? JSONReader.parse(record.document).object) ?? [:]
    }
}
