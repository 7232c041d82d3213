import JSON

extension Schemas {
    static let volume = ResourceDefinition(
        "volume",
        table: .volume,
        observedTable: .volumeObserved,
        isEnvironmentScoped: true,
        collectionMethods: [.get, .post],
        resourceMethods: [.get, .put, .delete],
        fields: CommonFields.lifecycle(.volume) + [
            FieldDefinition("name", .string, [.create, .required], minLength: 1, maxLength: 255),
            CommonFields.description,
            CommonFields.creatorID,
            FieldDefinition("driver", .string, [.create, .required, .unfiltered], minLength: 1),
            FieldDefinition("driverOpts", .map(.string), .createUpdate),
            FieldDefinition("hostId", .reference("host"), .create),
            FieldDefinition("stackId", .reference("stack"), .create),
            FieldDefinition("externalId", .string, from: .observed),
            FieldDefinition("uri", .string, [.unfiltered], from: .computed, about: "<driver>:///<name>"),
            CommonFields.never("isHostPath"),
        ]
            + CommonFields.unfilled([
                ("accessMode", .string), ("imageId", .string), ("instanceId", .reference("instance")),
                ("mounts", .array(.json)), ("sizeMb", .int), ("storageDriverId", .reference("storageDriver")),
                ("volumeTemplateId", .reference("volumeTemplate")),
            ]),
        states: .volume,
        actions: ["remove", "update", "purge"].map { .process($0, of: "volume") },
        links: [
            LinkDefinition("account", to: "project", .reference(field: "accountId")),
            LinkDefinition("host", to: "host", .reference(field: "hostId")),
            LinkDefinition("stack", to: "stack", .reference(field: "stackId")),
        ],
        unsupported: [
            UnsupportedMember("storageDriverId", "storage drivers are not built yet: name a driver"),
            UnsupportedMember("volumeTemplateId", "volume templates are not built yet"),
            UnsupportedMember("sizeMb", "no volume driver here can limit sizes"),
        ]
    )
}
