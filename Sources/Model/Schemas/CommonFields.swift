import JSON

/// The fields that every stored resource has.
package enum CommonFields {
    package static let id = FieldDefinition("id", .string, [.notNull], from: .computed, about: "The unique identifier")

    /// A free name: up to 255 characters, not unique.
    package static let name = FieldDefinition("name", .string, .createUpdate, maxLength: 255)

    /// The name of a stack or service: a DNS label.
    package static func labelName(_ flags: FieldFlags) -> FieldDefinition {
        FieldDefinition(
            "name",
            .string,
            flags,
            minLength: 1,
            maxLength: 63,
            validChars: "a-zA-Z0-9-",
            rule: .dnsLabel
        )
    }

    package static let description = FieldDefinition(
        "description",
        .string,
        .createUpdate,
        maxLength: 1024
    )

    /// Who made it; set by the server, never changed.
    package static let creatorID = FieldDefinition(
        "creatorId",
        .reference("account"),
        about: "The account that created it; never changes"
    )

    /// What everything with a lifecycle shows; `states` become the options of `state`.
    package static func lifecycle(_ states: StateMachine, stateFrom source: FieldSource = .desired) -> [FieldDefinition]
    {
        [
            id,
            FieldDefinition("state", .enum, [.notNull], options: states.states, from: source),
            FieldDefinition(
                "accountId",
                .reference("account"),
                about: "The owning account: an environment for what is in one"
            ),
            FieldDefinition("created", .date),
            FieldDefinition("kind", .string),
            FieldDefinition("removed", .date),
            FieldDefinition(
                "removeTime",
                .date,
                [.unfiltered],
                from: .computed,
                about: "The earliest moment at which a removed one is forgotten"
            ),
            FieldDefinition("transitioning", .enum, [.unfiltered], options: ["yes", "no", "error"], from: .computed),
            FieldDefinition("transitioningMessage", .string, [.unfiltered], from: .computed),
            FieldDefinition("transitioningProgress", .int, [.unfiltered], from: .computed),
            FieldDefinition("uuid", .string, [.unique]),
        ]
    }

    package static let healthState = FieldDefinition(
        "healthState",
        .enum,
        options: ["healthy", "initializing", "degraded", "unhealthy", "started-once"],
        from: .observed
    )

    /// What clients look for in a document and nothing here fills: always null, never to be set.
    static func unfilled(_ fields: [(name: String, type: FieldType)]) -> [FieldDefinition] {
        fields.map { FieldDefinition($0.name, $0.type, [.unfiltered], from: .computed) }
    }

    /// The same of a flag: always false.
    static func never(_ name: String) -> FieldDefinition {
        FieldDefinition(name, .boolean, [.notNull, .unfiltered], default: false, from: .computed)
    }

    package static let publicEndpoints = FieldDefinition(
        "publicEndpoints",
        .array(.embedded("publicEndpoint")),
        from: .computed
    )
}

extension ActionDefinition {
    /// An action that starts the process of the same name and answers the resource.
    static func process(_ name: String, of type: String) -> ActionDefinition {
        ActionDefinition(name, output: type, process: name)
    }
}
