import JSON

extension Schemas {
    /// Whether, and of how many server nodes, this is a cluster, under the name that user interfaces of the original look
    /// for (contract A22).
    ///
    /// One, whose id is its type. Nothing about it is switched here: nodes join and leave.
    static let haConfig = ResourceDefinition(
        "haConfig",
        hasTextID: true,
        collectionMethods: [.get],
        resourceMethods: [.get],
        fields: [
            CommonFields.id,
            FieldDefinition("clusterSize", .int, from: .computed, about: "How many server nodes are members"),
            FieldDefinition(
                "enabled",
                .boolean,
                [.notNull],
                default: false,
                from: .computed,
                about: "Whether there is more than one"
            ),
        ] + CommonFields.unfilled([("dbHost", .string), ("dbSize", .int)])
    )
}
