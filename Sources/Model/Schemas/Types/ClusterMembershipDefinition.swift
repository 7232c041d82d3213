import JSON

extension Schemas {
    /// A server node that is there now, as balancers and watchers of the original look for it (contract A22).
    ///
    /// No table: it is worked out from the cluster's own view of its members.
    static let clusterMembership = ResourceDefinition(
        "clusterMembership",
        isNumbered: true,
        collectionMethods: [.get],
        resourceMethods: [.get],
        fields: [
            CommonFields.id, CommonFields.name.readOnly,
            FieldDefinition("clustered", .boolean, [.notNull], default: false, from: .computed),
            FieldDefinition(
                "config",
                .string,
                [.unfiltered],
                from: .computed,
                about: "JSON: advertiseAddress, httpPort, clustered"
            ),
            FieldDefinition(
                "heartbeat",
                .int,
                from: .computed,
                about: "When it was heard last; milliseconds since 1970"
            ),
            FieldDefinition("uuid", .string, from: .computed, about: "Where the others reach it, else its own id"),
        ]
    )
}
