extension Schemas {
    /// What was changed, by whom and by which right (contract A21).
    ///
    /// No table: rows are entries of history.
    package static let auditLog = ResourceDefinition(
        "auditLog",
        collectionMethods: [.get],
        resourceMethods: [.get],
        fields: [
            CommonFields.id,
            FieldDefinition(
                "accountId",
                .reference("account"),
                about: "The environment of the change, else the caller"
            ),
            FieldDefinition("authType", .string),
            FieldDefinition("authenticatedAsAccountId", .reference("account")),
            FieldDefinition("authenticatedAsIdentityId", .string),
            FieldDefinition("bypass", .string, [.unfiltered], about: "Why interceptors were passed"),
            FieldDefinition(
                "certificate",
                .string,
                [.unfiltered],
                about: "The serial number of the caller's certificate"
            ),
            FieldDefinition("changes", .array(.json), [.unfiltered], about: "Each field before and after"),
            FieldDefinition("clientIp", .string),
            FieldDefinition("created", .date),
            FieldDefinition("credentialId", .string),
            FieldDefinition("decision", .string, [.unfiltered], about: "The binding and rule that allowed it"),
            FieldDefinition("description", .string),
            FieldDefinition("eventType", .string),
            FieldDefinition("interceptors", .array(.json), [.unfiltered], about: "What each of them said"),
            FieldDefinition("kind", .string),
            FieldDefinition("requestId", .string),
            FieldDefinition("requestObject", .string, [.unfiltered], about: "JSON; secrets masked"),
            FieldDefinition("resourceId", .string),
            FieldDefinition("resourceType", .string),
            FieldDefinition("responseCode", .int),
            FieldDefinition(
                "responseObject",
                .string,
                [.unfiltered],
                about: "JSON: what is stored of the resource after the change; secrets masked"
            ),
            FieldDefinition("revision", .string, [.unfiltered]),
            FieldDefinition("runtime", .int, [.unfiltered]),
        ]
    )
}
