import JSON

extension Schemas {
    /// The types of the API framework itself: what documents, collections, schemas, errors and subscriptions look like.
    static let framework: [ResourceDefinition] = [
        ResourceDefinition(
            "apiVersion",
            collectionMethods: [.get],
            resourceMethods: [.get],
            fields: [CommonFields.id]
        ),
        ResourceDefinition(
            "schema",
            collectionMethods: [.get],
            resourceMethods: [.get],
            fields: [
                CommonFields.id,
                FieldDefinition("pluralName", .string),
                FieldDefinition("collectionActions", .map(.json)),
                FieldDefinition("collectionFields", .map(.json)),
                FieldDefinition("collectionFilters", .map(.json)),
                FieldDefinition("collectionMethods", .array(.string)),
                FieldDefinition("includeableLinks", .array(.string)),
                FieldDefinition("resourceActions", .map(.json)),
                FieldDefinition("resourceFields", .map(.json)),
                FieldDefinition("resourceMethods", .array(.string)),
            ].map(\.unfiltered)
        ),
        ResourceDefinition(
            "collection",
            fields: [
                FieldDefinition("createDefaults", .map(.json)),
                FieldDefinition("createTypes", .map(.string)),
                FieldDefinition("data", .array(.json)),
                FieldDefinition("filters", .map(.json)),
                FieldDefinition("pagination", .json),
                FieldDefinition("resourceType", .string),
                FieldDefinition("sort", .json),
                FieldDefinition("sortLinks", .map(.string)),
            ]
        ),
        ResourceDefinition(
            "error",
            fields: [
                FieldDefinition("status", .int),
                FieldDefinition("code", .string),
                FieldDefinition("message", .string),
                FieldDefinition("detail", .string),
                FieldDefinition("fieldName", .string),
            ]
        ),
        // Listable so that clients find its address in the collection link, and upgrade to a WebSocket there.
        ResourceDefinition(
            "subscribe",
            plural: "subscribe",
            collectionMethods: [.get],
            fields: [FieldDefinition("eventNames", .array(.string), .create)]
        ),
    ]
}

extension FieldDefinition {
    /// The same field of a type that has no rows.
    var unfiltered: FieldDefinition {
        var copy: FieldDefinition = self
        copy.flags.insert(.unfiltered)
        return copy
    }
}
