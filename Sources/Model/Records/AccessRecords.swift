package import JSON

/// A role that was made at run time, or a template of such.
package struct AccessRoleRecord: ResourceRecord {
    package var fields: JSONObject
    package init(fields: JSONObject) { self.fields = fields }

    package var projectID: UInt64? { reference("projectId") }
    package var templateID: UInt64? { reference("roleTemplateId") }
    /// Of a template: those whose rules come before its own.
    package var inherited: [UInt64] {
        (fields["inherits"]?.array ?? []).compactMap { $0.int.flatMap { UInt64(exactly: $0) } }
    }
    package var rules: [JSONValue] { fields["rules"]?.array ?? [] }
    package var isActive: Bool { state == "active" && removed == nil }
}

/// That subjects have a role in a scope.
package struct AccessRoleBindingRecord: ResourceRecord {
    package var fields: JSONObject
    package init(fields: JSONObject) { self.fields = fields }

    package var roleID: UInt64? { reference("accessRoleId") }
    package var projectID: UInt64? { reference("projectId") }
    /// `federation`, `cluster`, `environment`, `stack`, `object`.
    package var scopeType: String { text("scopeType") ?? "" }
    /// Of the environment, the stack or the object.
    package var scopeNumber: UInt64? { text("scopeId").flatMap { ResourceID($0) }?.number }
    package var scopeObjectType: String? { text("scopeObjectType") }
    package var subjects: [JSONValue] { fields["subjects"]?.array ?? [] }
    /// Milliseconds since 1970; nil for never.
    package var expires: Int64? { number("expires") }
    package var isActive: Bool { state == "active" && removed == nil }

    /// What it is found by: one term for each subject.
    var subjectTerms: [[UInt8]] { names.sorted().map { Self.term($0) } }

    /// Its subjects, as terms name them.
    package var names: Set<String> { Set(subjects.compactMap { Self.name($0) }) }

    /// The index term of everything that names a subject.
    package static func term(_ subject: String) -> [UInt8] { Array("subject=\(subject)".utf8) }
    package static func accountName(_ number: UInt64) -> String { "account/\(number)" }
    package static func credentialName(_ number: UInt64) -> String { "credential/\(number)" }
    package static func outsideName(_ identity: String) -> String { "outside/\(identity)" }

    /// An `accessSubject` as its terms name it; nil when it names nobody.
    private static func name(_ subject: JSONValue) -> String? {
        if let number: UInt64 = subject["credentialId"]?.int.flatMap({ UInt64(exactly: $0) }) {
            return credentialName(number)
        }
        guard let id: String = subject["externalId"]?.string, !id.isEmpty else { return nil }
        let type: String = subject["externalIdType"]?.string ?? "rancher_id"
        guard type == "rancher_id" else { return outsideName("\(type):\(id)") }
        return ResourceID(id).map { accountName($0.number) }
    }
}
