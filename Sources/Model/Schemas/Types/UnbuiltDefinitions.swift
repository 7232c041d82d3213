import JSON

extension Schemas {
    /// Types that clients look for before they do anything, and of which nothing can be made here yet.
    ///
    /// A client that finds no schema of these gives up on commands that have nothing to do with them. There are none, so
    /// their collections are empty, and whoever wants to create one finds no method for it.
    static let unbuilt: [ResourceDefinition] = [
        unbuilt("secret", fields: [CommonFields.name.readOnly]),
        unbuilt(
            "machine",
            base: "physicalHost",
            fields: [CommonFields.name.readOnly] + ["driver", "externalId"].map { FieldDefinition($0, .string) }
        ),
        unbuilt(
            "serviceConsumeMap",
            fields: [
                CommonFields.name.readOnly, FieldDefinition("serviceId", .reference("service")),
                FieldDefinition("consumedServiceId", .reference("service")),
            ]
        ),
        unbuilt(
            "serviceLog",
            fields: [
                FieldDefinition("serviceId", .reference("service")),
                FieldDefinition("instanceId", .reference("instance")),
                FieldDefinition("eventType", .string), FieldDefinition("level", .string),
                FieldDefinition("subLog", .boolean), FieldDefinition("transactionId", .string),
                FieldDefinition("endTime", .date),
            ]
        ),
        unbuilt(
            "volumeTemplate",
            fields: [
                CommonFields.name.readOnly, FieldDefinition("stackId", .reference("stack")),
                FieldDefinition("driver", .string), FieldDefinition("driverOpts", .map(.string)),
                FieldDefinition("external", .boolean), FieldDefinition("perContainer", .boolean),
            ]
        ),
    ]

    private static func unbuilt(
        _ name: String,
        base: String? = nil,
        fields: [FieldDefinition]
    ) -> ResourceDefinition {
        ResourceDefinition(
            name,
            base: base,
            isNumbered: true,
            isEnvironmentScoped: true,
            collectionMethods: [.get],
            resourceMethods: [.get],
            fields: CommonFields.lifecycle(.standard) + [CommonFields.description.readOnly] + fields
        )
    }

    /// What an environment starts with.
    ///
    /// There is one, built in: clients ask for it by its name whenever they make an environment.
    static let projectTemplate = ResourceDefinition(
        "projectTemplate",
        isNumbered: true,
        collectionMethods: [.get],
        resourceMethods: [.get],
        fields: CommonFields.lifecycle(.standard) + [
            CommonFields.name.readOnly, CommonFields.description.readOnly, FieldDefinition("externalId", .string),
            FieldDefinition("isPublic", .boolean, [.notNull], default: false),
            FieldDefinition("stacks", .array(.json), about: "Stacks that a new environment gets"),
        ]
    )

    /// What `setservicelinks` takes: a service without links can be told that it has none.
    static let setServiceLinksInput = ResourceDefinition(
        "setServiceLinksInput",
        fields: [FieldDefinition("serviceLinks", .array(.json), .create)],
        unsupported: [UnsupportedMember("serviceLinks", "links between services are not built yet")]
    )
}
