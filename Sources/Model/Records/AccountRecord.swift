package import JSON

/// An account: a user, an administrator, or an environment (`kind` = `project`).
package struct AccountRecord: ResourceRecord {
    package var fields: JSONObject
    package init(fields: JSONObject) { self.fields = fields }

    package var isProject: Bool { kind == "project" }
    package var isActive: Bool { state == "active" && removed == nil }
}

/// A credential: `apiKey`, `registrationToken`, `agentApiKey`.
package struct CredentialRecord: ResourceRecord {
    package var fields: JSONObject
    package init(fields: JSONObject) { self.fields = fields }

    /// The part that is no secret: an API key's user name.
    package var publicValue: String { text("publicValue") ?? "" }
    /// `SHA256:<salt>:<hex>`: SHA-256 over the salt's text followed by the secret.
    ///
    /// The secret itself is nowhere.
    package var secretHash: String { text("secretHash") ?? "" }
    /// Milliseconds since 1970 after which it is refused; nil for never.
    package var expires: Int64? { number("expires") }
    /// The host that a host key speaks for.
    package var hostID: UInt64? { reference("hostId") }
    package var isActive: Bool { state == "active" && removed == nil }
}

/// That an identity is a member of an environment, and as what.
package struct ProjectMemberRecord: ResourceRecord {
    package var fields: JSONObject
    package init(fields: JSONObject) { self.fields = fields }

    package var projectID: UInt64? { reference("projectId") }
    /// The account that is the member (identity type `rancher_id`).
    package var memberAccountID: UInt64? { reference("memberId") }
    /// `owner`, `member`, `restricted`, `readonly`.
    package var role: String { text("role") ?? "member" }
}

/// A setting that differs from its default.
package struct SettingRecord: ResourceRecord {
    package var fields: JSONObject
    package init(fields: JSONObject) { self.fields = fields }

    package var value: String { text("value") ?? "" }
}
