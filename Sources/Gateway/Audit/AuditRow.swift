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
            "requestObject": text(envelope.request), "responseObject": .null,
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
            let id: String =
                definition.idLetters.map { ResourceID(number: change.key.number).rendered($0) }
                ?? (after["name"] ?? before["name"])?.string ?? String(change.key.number)
            for field in definition.fields where field.source == .desired && before[field.name] != after[field.name] {
                let (was, becomes): (JSONValue, JSONValue) = (old[field.name] ?? .null, new[field.name] ?? .null)
                guard !(was.isNull && becomes.isNull) else { continue }
                let isSetting: Bool = definition.table == .setting && field.name == "value"
                let isSecret: Bool =
                    isSetting && SettingsAPI.isSecret(after["name"]?.string ?? before["name"]?.string ?? "")
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
