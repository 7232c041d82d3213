package import JSON

/// An account: a user, an administrator, a program's, or an environment (`kind` = `project`).
package struct AccountRecord: ResourceRecord {
    package var fields: JSONObject
    package init(fields: JSONObject) { self.fields = fields }

    package var isProject: Bool { kind == "project" }
    package var isActive: Bool { state == "active" && removed == nil }

    /// The unique key of the person or program that a provider calls `<type>:<id>`.
    package static func identityKey(_ name: String) -> [UInt8] { Array("identity/\(name)".utf8) }
}

/// A credential: `apiKey`, `password`, `clientCertificate`, `registrationToken`, `agentApiKey`.
package struct CredentialRecord: ResourceRecord {
    package var fields: JSONObject
    package init(fields: JSONObject) { self.fields = fields }

    /// The part that is no secret: an API key's user name, a certificate's serial number.
    package var publicValue: String { text("publicValue") ?? "" }
    /// Of a key `SHA256:<salt>:<hex>`: SHA-256 over the salt's text followed by the secret.
    ///
    /// Of a password `scrypt:<log2 N>:<r>:<p>:<salt>:<hex>`. The secret itself is nowhere.
    package var secretHash: String { text("secretHash") ?? "" }
    /// Milliseconds since 1970 after which it is refused; nil for never.
    package var expires: Int64? { number("expires") }
    /// The host that a host key speaks for.
    package var hostID: UInt64? { reference("hostId") }
    package var isActive: Bool { state == "active" && removed == nil }
    /// Of a certificate, the fingerprint of the authority that issued it, in hexadecimal.
    package var authority: String? { text("authority") }

    /// The kind of those that people log in with; ``publicValue`` is the login.
    package static let password: String = "password"

    /// The unique key of a login: logins that differ in case only are one.
    package static func loginKey(_ login: String) -> [UInt8] { Array("login/\(login.lowercased())".utf8) }
}

/// What somebody who has logged in shows from then on, known by a keyed digest of it.
package struct LoginTokenRecord: ResourceRecord {
    package var fields: JSONObject
    package init(fields: JSONObject) { self.fields = fields }

    package var digest: String { text("digest") ?? "" }
    /// The kind of provider that said who it is: a token ends when another is chosen.
    package var provider: String { text("provider") ?? "" }
    /// Milliseconds since 1970 after which it is refused.
    package var expires: Int64 { number("expires") ?? 0 }
    /// The password that it was given for; nil when a provider elsewhere vouched.
    package var credentialID: UInt64? { reference("credentialId") }
    /// As it was typed.
    package var login: String { text("login") ?? "" }
    /// What the provider said the person is besides: `<type>:<id>` of its groups.
    package var identities: [String] { texts("identities") }

    package static func key(ofDigest digest: String) -> [UInt8] { Array("loginToken/\(digest)".utf8) }
}

/// That an identity is a member of an environment, and as what.
package struct ProjectMemberRecord: ResourceRecord {
    package var fields: JSONObject
    package init(fields: JSONObject) { self.fields = fields }

    package var projectID: UInt64? { reference("projectId") }
    /// The account that is the member (identity type `rancher_id`).
    package var memberAccountID: UInt64? { reference("memberId") }
    /// `<type>:<id>` of a member that is no account here, such as a provider's group.
    package var identity: String? { text("identity") }
    /// `owner`, `member`, `restricted`, `readonly`.
    package var role: String { text("role") ?? "member" }
}

/// A setting that differs from its default.
package struct SettingRecord: ResourceRecord {
    package var fields: JSONObject
    package init(fields: JSONObject) { self.fields = fields }

    package var value: String { text("value") ?? "" }
}
