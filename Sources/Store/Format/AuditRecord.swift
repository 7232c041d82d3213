/// What the audit log keeps of a change: it travels in the same entry as the change itself.
///
/// Secrets are masked before this is made; nothing here is ever masked later.
package struct AuditRecord: Hashable, Sendable {
    /// Dotted, such as `api.service.create`.
    package var eventType: String
    /// API type, such as `service`.
    package var resourceType: String
    /// What was touched; nil when the change creates it (then it is `$resource`).
    package var resourceID: UInt64?
    /// Which created number is the resource, when ``resourceID`` is nil.
    package var createdResource: Int?
    package var description: String
    /// The credential used: `apiKey`, `registrationToken`, `none`, …; never its secret.
    package var authType: String
    /// The credential's id, such as `1c7`; empty for none.
    package var credential: String
    package var clientIP: String
    /// Why it was allowed: the binding and rule that decided, in words.
    package var decision: String
    /// The request body as JSON with secrets masked; empty for none.
    package var requestObject: [UInt8]

    package init(
        eventType: String,
        resourceType: String,
        resourceID: UInt64? = nil,
        createdResource: Int? = nil,
        description: String = "",
        authType: String = "none",
        credential: String = "",
        clientIP: String = "",
        decision: String = "",
        requestObject: [UInt8] = []
    ) {
        self.eventType = eventType
        self.resourceType = resourceType
        self.resourceID = resourceID
        self.createdResource = createdResource
        self.description = description
        self.authType = authType
        self.credential = credential
        self.clientIP = clientIP
        self.decision = decision
        self.requestObject = requestObject
    }
}
