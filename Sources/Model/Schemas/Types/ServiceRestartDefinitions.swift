import JSON
import Limits

extension Schemas {
    /// What `restart` of a service takes (contract O12).
    static let serviceRestart: [ResourceDefinition] = [
        ResourceDefinition(
            "serviceRestart",
            fields: [
                FieldDefinition("rollingRestartStrategy", .embedded("rollingRestartStrategy"), [.create, .required])
            ]
        ),
        ResourceDefinition(
            "rollingRestartStrategy",
            fields: [
                FieldDefinition(
                    "batchSize",
                    .int,
                    [.create, .notNull],
                    default: 1,
                    min: 1,
                    max: Int64(Limits.serviceScale),
                    about: "How many instances at a time"
                ),
                FieldDefinition(
                    "intervalMillis",
                    .int,
                    [.create, .notNull],
                    default: 2_000,
                    min: 0,
                    max: Limits.restartIntervalMilliseconds,
                    about: "From one batch to the next, at least"
                ),
            ]
        ),
    ]
}
